"""The gateway of a daemon that builds: clients in the place of a frontend solve, read, return."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.gateway import SERVICE
from imagebuilders.buildkit.proto.control_pb2 import VertexWarning
from imagebuilders.buildkit.proto.filesync_pb2 import Stat
from imagebuilders.buildkit.proto.gateway_pb2 import (
    InputsResponse,
    ReadDirRequest,
    ReadDirResponse,
    ReadFileRequest,
    ReadFileResponse,
    Ref,
    RefMap,
    ResolveImageConfigRequest,
    ResolveImageConfigResponse,
    Result,
    SolveRequest,
    StatFileRequest,
    StatFileResponse,
    WarnRequest,
)
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.evaluation.image_names import full_name, parse_name
from imagebuilders.evaluation.paths_in_trees import resolve_source
from imagebuilders.evaluation.trees import Folder, empty_folder
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.go_text import quote
from imagebuilders.oci.file_tree import clean
from imagebuilders.oci.platform import Platform

from ..failures import solve_status, with_operation
from ..gateway import ScriptedGateway
from .bases import BaseImages, StoreUse
from .capabilities import pong
from .exporters import go_mode, wanted_exporters
from .llb_sources import definition_of
from .outcome import Outcome
from .progress import Progress, vertex, vertex_digest
from .registries import Registries, SessionCredentials
from .solve_input import SolveInput, check_frontend
from .worker_records import daemon_worker, engine_worker

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.call import Call, Handler
    from imagebuilders.oci.file_tree import File

    from ...records import BuildRecord
    from ..script import ScriptedBuild
    from .solver import Solver


_MACHINE = Platform("linux", "amd64")
_OPERATION: Mapping[str, object] = {"description": {}, "inputIDs": [], "mountIDs": [], "op": {}}
"""What is said of a step that failed."""


@dataclass(frozen=True)
class _Solved:
    """A result that a client holds a reference to."""

    outcome: Outcome
    record: BuildRecord
    tree: Folder
    error: CallError | None = None


class SolverGateway(ScriptedGateway):
    """Lets clients solve through the gateway.

    Args:
        solver: builds.
    """

    def __init__(self, solver: Solver) -> None:
        super().__init__()
        self._solver = solver
        self._solved: dict[str, _Solved] = {}

    def handlers(self) -> dict[str, Handler]:
        """Return what serves the calls, by path."""
        return {
            **super().handlers(),
            f"{SERVICE}ReadFile": self._read_file,
            f"{SERVICE}ReadDir": self._read_dir,
            f"{SERVICE}StatFile": self._stat_file,
            f"{SERVICE}Evaluate": self._evaluate,
            f"{SERVICE}Warn": self._warn,
            f"{SERVICE}Inputs": self._inputs,
            f"{SERVICE}ResolveImageConfig": self._resolve,
        }

    def _ping(self, call: Call) -> None:
        self.find(call)
        call.receive()
        look = self._solver.look
        worker = engine_worker(look) if look.is_engine else daemon_worker(look)
        call.send(pong(look, worker).SerializeToString())

    def ask(self, build: ScriptedBuild, question: SolveRequest) -> Result:
        """Return a frontend's result.

        Raises:
            CallError: the build failed.
        """
        asked = SolveInput(
            question.Frontend, question.FrontendOpt, question.FrontendInputs, question.Definition
        )
        check_frontend(asked)
        wanted_exporters(build, self._solver.look)
        record = self._solver.record(build)
        build.result_metadata = {}
        try:
            outcome = self._solver.solve(build, asked, record)
        except CallError as error:
            # Steps are done when their result is wanted, and until then nobody knows.
            if build.result_metadata and not question.Evaluate:
                return self._failed(build, record, error)
            operation = _OPERATION if build.result_metadata else {}
            raise CallError(with_operation(error.status, operation)) from error
        return self._result(build, outcome, record)

    def _failed(self, build: ScriptedBuild, record: BuildRecord, error: CallError) -> Result:
        name = uuid.uuid4().hex[:25]
        self._solved[name] = _Solved(Outcome(), record, empty_folder(), error)
        ref = Ref(id=name)
        getattr(ref, "def").CopyFrom(definition_of(name))
        return Result(ref=ref, metadata=_encoded(build.result_metadata))

    def finish(self, build: ScriptedBuild, result: Result) -> Mapping[str, str]:
        """Export a result that the client returned; return what the exporters say."""
        solved = [self._solved[ref] for ref in _refs_of(result) if ref in self._solved]
        if not solved:
            return {}
        wanted = wanted_exporters(build, self._solver.look)
        found = solved[0]
        if found.error is not None:
            raise found.error
        return self._solver.export(build, wanted, found.outcome, found.record)

    def _result(self, build: ScriptedBuild, outcome: Outcome, record: BuildRecord) -> Result:
        metadata = {**outcome.metadata, **_encoded(build.result_metadata)}
        refs = []
        for built in outcome.images:
            name = uuid.uuid4().hex[:25]
            self._solved[name] = _Solved(outcome, record, built.tree or empty_folder())
            self._solver.results[name] = built
            ref = Ref(id=name)
            getattr(ref, "def").CopyFrom(definition_of(name))  # a word of Python's
            refs.append((str(built.platform), ref))
            if not build.result_metadata:
                metadata["containerimage.config"] = built.image.document
        if not outcome.is_index:
            return Result(ref=refs[0][1] if refs else Ref(), metadata=metadata)
        return Result(refs=RefMap(refs=dict(refs)), metadata=metadata)

    # --- reading --------------------------------------------------------------

    def _read_file(self, call: Call) -> None:
        request = ReadFileRequest.FromString(call.receive() or b"")
        entry = self._entry(call, request.Ref, request.FilePath, "open")
        if isinstance(entry, Folder):
            raise _refused(f"read /{clean(request.FilePath)}: is a directory")
        content = b"".join(entry.pieces())
        if request.HasField("Range"):
            begin, length = request.Range.Offset, request.Range.Length
            content = content[begin : begin + length] if length else content[begin:]
        call.send(ReadFileResponse(Data=content).SerializeToString())

    def _read_dir(self, call: Call) -> None:
        request = ReadDirRequest.FromString(call.receive() or b"")
        entry = self._entry(call, request.Ref, request.DirPath, "open")
        if not isinstance(entry, Folder):
            raise _refused(f"readdirent /{clean(request.DirPath)}: not a directory")
        entries = [_stat(name, entry.names[name]) for name in entry.sorted_names()]
        call.send(ReadDirResponse(entries=entries).SerializeToString())

    def _stat_file(self, call: Call) -> None:
        request = StatFileRequest.FromString(call.receive() or b"")
        entry = self._entry(call, request.Ref, request.Path, "lstat")
        name = clean(request.Path).rpartition("/")[2]
        call.send(StatFileResponse(stat=_stat(name, entry)).SerializeToString())

    def _evaluate(self, call: Call) -> None:
        self.find(call)
        call.receive()
        call.send(b"")  # everything is done when it is asked for

    def _warn(self, call: Call) -> None:
        """Tell of a warning of the client's own."""
        build = self.find(call)
        asked = WarnRequest.FromString(call.receive() or b"")
        build.tell(
            VertexWarning(
                vertex=asked.digest,
                level=asked.level,
                short=asked.short,
                detail=asked.detail,
                url=asked.url,
                info=asked.info if asked.HasField("info") else None,
                ranges=asked.ranges,
            )
        )
        call.send(b"")

    def _inputs(self, call: Call) -> None:
        """Answer what the client's own build begins with."""
        build = self.find(call)
        call.receive()
        answer = InputsResponse()
        for name, definition in build.request.FrontendInputs.items():
            answer.Definitions[name].CopyFrom(definition)
        call.send(answer.SerializeToString())

    def _resolve(self, call: Call) -> None:
        """Answer with an image's configuration.

        Raises:
            CallError: there is no such image.
        """
        build = self.find(call)
        asked = ResolveImageConfigRequest.FromString(call.receive() or b"")
        try:
            reference = full_name(parse_name(asked.Ref))
        except ValueError as error:
            words = f"could not parse reference {quote(asked.Ref)}: {error}"
            raise _refused(words) from error
        solver, progress = self._solver, Progress(build)
        wanted = asked.Platform
        platform = Platform(wanted.OS, wanted.Architecture, wanted.Variant)
        credentials = SessionCredentials(lambda: build.session)
        step = vertex(
            asked.LogName or f"resolve image config for {reference}",
            vertex_digest("resolve", reference, str(platform)),
        )
        is_engine = solver.look.is_engine
        with Registries(credentials, solver.worker, is_engine=is_engine) as registries:
            images = BaseImages(
                solver.worker,
                registries,
                progress,
                store=StoreUse.of(solver.look, asked.ResolveMode),
                trees=solver.trees,
            )
            try:
                with progress.running(step):
                    base = images.look(reference, platform if wanted.OS else _MACHINE)
            except ImageBuilderError as error:
                raise _refused(str(error)) from error
        answer = ResolveImageConfigResponse(
            Ref=reference, Digest=base.digest or base.image.id, Config=base.image.document
        )
        call.send(answer.SerializeToString())

    def _entry(self, call: Call, ref: str, path: str, operation: str) -> File | Folder:
        self.find(call)
        if ref not in self._solved:
            raise _refused(f"no such ref: {ref}")
        solved = self._solved[ref]
        if solved.error is not None:
            raise solved.error
        tree = solved.tree
        try:
            entry = tree.find(resolve_source(tree, clean(path)))
        except EvaluationError as error:
            raise _refused(error.message) from error
        if entry is None:
            raise _refused(f"{operation} /{clean(path)}: no such file or directory")
        return entry


def _encoded(metadata: Mapping[str, str]) -> dict[str, bytes]:
    return {key: value.encode() for key, value in metadata.items()}


def _refs_of(result: Result) -> list[str]:
    if result.WhichOneof("result") == "refs":
        return [ref.id for ref in result.refs.refs.values()]
    return [result.ref.id or result.refDeprecated]


def _stat(name: str, entry: File | Folder) -> Stat:
    file = entry.file if isinstance(entry, Folder) else entry
    return Stat(
        path=name.encode("utf-8", "surrogateescape"),
        mode=go_mode(file),
        uid=file.uid,
        gid=file.gid,
        size=0 if file.kind == "dir" else file.size,
        modTime=file.mtime * 10**9 + file.nanoseconds,
        linkname=file.link.encode("utf-8", "surrogateescape"),
    )


def _refused(words: str) -> CallError:
    return CallError(solve_status(words, operation={}))
