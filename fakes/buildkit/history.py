"""The builds that a scripted daemon remembers."""

from __future__ import annotations

import hashlib
import threading
import time

from imagebuilders.buildkit.control.client import SERVICE
from imagebuilders.buildkit.history import CONTENT_SERVICE
from imagebuilders.buildkit.proto.content_pb2 import (
    Info,
    InfoRequest,
    InfoResponse,
    ReadContentRequest,
    ReadContentResponse,
)
from imagebuilders.buildkit.proto.control_pb2 import (
    COMPLETE,
    DELETED,
    STARTED,
    BuildHistoryEvent,
    BuildHistoryRecord,
    BuildHistoryRequest,
    Descriptor,
    UpdateBuildHistoryRequest,
    UpdateBuildHistoryResponse,
)
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .script import ScriptedBuild

_IN_TOTO = "application/vnd.in-toto+json"
_PREDICATE_TYPE = "in-toto.io/predicate-type"
_PIECE_BYTES = 1000
"""Blobs are read in pieces, as of real daemons, only smaller."""


class ScriptedHistory:
    """Remembers builds that have ended; scripts and tests may put further records in.

    Attributes:
        records: the records, the oldest first.
        blobs: what records refer to, by digest.
    """

    def __init__(self) -> None:
        self.records: list[BuildHistoryRecord] = []
        self.blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._deleted: list[str] = []

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.records.clear()
            self.blobs.clear()
            self._deleted.clear()

    def handlers(self) -> dict[str, Handler]:
        """Return what serves the calls, by path."""
        return {
            f"{SERVICE}ListenBuildHistory": self._listen,
            f"{SERVICE}UpdateBuildHistory": self._update,
            f"{CONTENT_SERVICE}Info": self._info,
            f"{CONTENT_SERVICE}Read": self._read,
        }

    def begin(self, build: ScriptedBuild) -> BuildHistoryRecord:
        """Remember a build that has begun; return its record."""
        request = build.request
        record = BuildHistoryRecord(
            Ref=request.Ref,
            Frontend=request.Frontend,
            FrontendAttrs=request.FrontendAttrs,
            Exporters=request.Exporters,
        )
        record.CreatedAt.FromNanoseconds(time.time_ns())
        if not request.Internal:
            with self._lock:
                self.records.append(record)
        return record

    def end(
        self,
        build: ScriptedBuild,
        record: BuildHistoryRecord,
        response: dict[str, str],
        error: RpcStatus | None,
    ) -> None:
        """Complete a record: what the exporters said, or how the build failed."""
        vertexes = {vertex.digest: vertex for told in build.told for vertex in told.vertexes}
        with self._lock:
            record.CompletedAt.FromNanoseconds(time.time_ns())
            record.numTotalSteps = record.numCompletedSteps = len(vertexes)
            record.numCachedSteps = sum(vertex.cached for vertex in vertexes.values())
            record.numWarnings = sum(len(told.warnings) for told in build.told)
            record.ExporterResponse.update(response)
            for kind, content in build.attestations.items() if error is None else ():
                kept = self._keep(content)
                kept.media_type = _IN_TOTO
                kept.annotations[_PREDICATE_TYPE] = kind
                record.Result.Attestations.append(kept)
            if error is not None:
                record.error.code, record.error.message = error.code, error.message
                if error.details:
                    record.externalError.CopyFrom(self._keep(error.details))

    def _keep(self, content: bytes) -> Descriptor:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return Descriptor(digest=digest, size=len(content))

    # --- calls ---------------------------------------------------------------

    def _listen(self, call: Call) -> None:
        request = BuildHistoryRequest.FromString(call.receive() or b"")
        with self._lock:
            if request.Ref in self._deleted:
                words = f"ref {request.Ref} is deleted: file does not exist"
                raise CallError(RpcStatus(Code.UNKNOWN, words))
            events = [
                BuildHistoryEvent(
                    type=COMPLETE if record.HasField("CompletedAt") else STARTED, record=record
                )
                for record in self.records
                if request.Ref in ("", record.Ref)
            ]
            events += [
                BuildHistoryEvent(type=DELETED, record=BuildHistoryRecord(Ref=ref))
                for ref in self._deleted
                if not request.Ref
            ]
        for event in events:
            call.send(event.SerializeToString())
        if not request.EarlyExit:
            call.wait_until_over()

    def _update(self, call: Call) -> None:
        request = UpdateBuildHistoryRequest.FromString(call.receive() or b"")
        with self._lock:
            known = [record for record in self.records if record.Ref == request.Ref]
            if request.Delete:
                self.records = [record for record in self.records if record.Ref != request.Ref]
                self._deleted += [record.Ref for record in known]
            elif not known:
                words = f"failed to retrieve ref {request.Ref}: file does not exist"
                raise CallError(RpcStatus(Code.UNKNOWN, words))
            else:
                known[0].pinned = request.Pinned
        call.send(UpdateBuildHistoryResponse().SerializeToString())

    def _blob(self, digest: str) -> bytes:
        content = self.blobs.get(digest)
        if content is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"content {digest}: not found"))
        return content

    def _info(self, call: Call) -> None:
        digest = InfoRequest.FromString(call.receive() or b"").digest
        answer = InfoResponse(info=Info(digest=digest, size=len(self._blob(digest))))
        call.send(answer.SerializeToString())

    def _read(self, call: Call) -> None:
        digest = ReadContentRequest.FromString(call.receive() or b"").digest
        content = self._blob(digest)
        for at in range(0, len(content), _PIECE_BYTES):
            piece = ReadContentResponse(offset=at, data=content[at : at + _PIECE_BYTES])
            call.send(piece.SerializeToString())
