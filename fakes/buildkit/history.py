"""The builds that a scripted daemon remembers."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

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
    StatusResponse,
    UpdateBuildHistoryRequest,
    UpdateBuildHistoryResponse,
)
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .script import ScriptedBuild

_IN_TOTO = "application/vnd.in-toto+json"
_PREDICATE_TYPE = "in-toto.io/predicate-type"
_STATUS = "application/vnd.googeapis.google.rpc.status+proto"  # with BuildKit's own misspelling
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
        self._listeners: list[Callable[[BuildHistoryEvent], None]] = []

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
                self._tell(record)
        return record

    def _tell(self, record: BuildHistoryRecord) -> None:
        event = _event(record)
        for listener in self._listeners:
            listener(event)

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
            log = b"".join(map(_framed, build.told))
            record.logs.CopyFrom(self._keep(log, "application/vnd.buildkit.status.v0"))
            if error is None:
                asked = {"verifier.requestopts": build.requested} if build.requested else {}
                record.ExporterResponse.update({**build.result_metadata, **asked, **response})
                for kind, content in build.attestations.items():
                    kept = self._keep(content, _IN_TOTO)
                    kept.annotations[_PREDICATE_TYPE] = kind
                    record.Result.Attestations.append(kept)
            else:
                record.error.code, record.error.message = error.code, error.message
                if error.details:
                    record.externalError.CopyFrom(self._keep(error.details, _STATUS))
            if not build.request.Internal:
                self._tell(record)

    def _keep(self, content: bytes, media_type: str) -> Descriptor:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return Descriptor(media_type=media_type, digest=digest, size=len(content))

    # --- calls ---------------------------------------------------------------

    def _listen(self, call: Call) -> None:
        request = BuildHistoryRequest.FromString(call.receive() or b"")
        with self._lock:
            if request.Ref in self._deleted:
                words = f"ref {request.Ref} is deleted: file does not exist"
                raise CallError(RpcStatus(Code.UNKNOWN, words))
            events = [
                _event(record)
                for record in self.records
                if request.Ref in ("", record.Ref)
                and not (request.ActiveOnly and record.HasField("CompletedAt"))
            ]
            if request.Limit > 0:
                events = events[-request.Limit :]
            events += [
                BuildHistoryEvent(type=DELETED, record=BuildHistoryRecord(Ref=ref))
                for ref in self._deleted
                if not request.Ref and not request.ActiveOnly
            ]
            news: SimpleQueue[BuildHistoryEvent | None] = SimpleQueue()
            self._listeners.append(news.put)
        try:
            for event in events:
                call.send(event.SerializeToString())
            if not request.EarlyExit:
                call.watch(lambda: None if call.status is None else news.put(None))
                while (told := news.get()) is not None:
                    if request.Ref in ("", told.record.Ref):
                        call.send(told.SerializeToString())
        finally:
            with self._lock:
                self._listeners.remove(news.put)

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
                known[0].Generation += 1
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


def _event(record: BuildHistoryRecord) -> BuildHistoryEvent:
    kind = COMPLETE if record.HasField("CompletedAt") else STARTED
    return BuildHistoryEvent(type=kind, record=record)


def _framed(message: StatusResponse) -> bytes:
    """Return a message with its length in front, as logs hold it."""
    content = message.SerializeToString()
    return len(content).to_bytes(4, "big") + content
