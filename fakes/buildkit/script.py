"""One build of a scripted daemon: what the script tells, asks and answers."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from imagebuilders.buildkit.proto.control_pb2 import (
    SolveRequest,
    StatusResponse,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .failures import SourceLines, solve_status

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from .connection import ScriptedConnection
    from .local_call import Cancellable
    from .session_peer import SessionPeer

Part = Vertex | VertexStatus | VertexLog | VertexWarning | StatusResponse
ImageMaker = Callable[[Sequence[str]], str]
"""Makes an image under some names; returns its ID."""


_UNHEARD_SECONDS = 1.0
"""So long an answer waits for the client to ask for the build's status at all."""

_TELLING_SECONDS = 10.0
"""So long it waits for the client to take the status in."""


class ScriptedBuild:
    """A build that a client asked for.

    Attributes:
        request: what it asked for.
        upload: a context that came with the request.
        told: what was told of it, message by message.
        attestations: what is attested of its result, by type; the history keeps it.
        result_metadata: what the frontend says of its result, for the gateway and the history.
        requested: what the history says of what was asked for.
    """

    def __init__(
        self,
        request: SolveRequest,
        call: Cancellable,
        connection: ScriptedConnection | None,
        *,
        find_session: Callable[[str], SessionPeer],
        began: Callable[[ScriptedBuild], None],
        make_image: ImageMaker | None = None,
        upload: bytes | None = None,
    ) -> None:
        """Begin.

        Args:
            request: what the client asked for.
            call: its `Solve`.
            connection: the connection that it came by; `None` for one of an engine's own API.
            find_session: waits for a session and returns it.
            began: told once the build has a status.
            make_image: makes an image; without it, images have names and IDs alone.
            upload: a context that came with the request.
        """
        self.request = request
        self.upload = upload
        self._connection = connection
        self.told: list[StatusResponse] = []
        self.attestations: dict[str, bytes] = {}
        self.result_metadata: dict[str, str] = {}
        self.requested = ""
        self._call = call
        self._find_session = find_session
        self._began = began
        self._make_image = make_image
        self._lock = threading.Condition()
        self._has_begun = False
        self._has_ended = False
        self._listeners: list[queue.SimpleQueue[StatusResponse | None]] = []
        self._heard = 0
        self._served = 0
        self._steps = 0

    @property
    def connection(self) -> ScriptedConnection:
        """The connection that it came by.

        Raises:
            LookupError: it came by an engine's own API.
        """
        if self._connection is None:
            raise LookupError(f"the build {self.ref} came by no connection of its own")
        return self._connection

    @property
    def ref(self) -> str:
        """The build's name."""
        return self.request.Ref

    @property
    def session(self) -> SessionPeer:
        """The session that the build uses.

        Raises:
            CallError: there is none of its ID.
        """
        self.begin()
        return self._find_session(self.request.Session)

    @property
    def image_names(self) -> list[str]:
        """The names that an image of the build gets."""
        exporters = list(self.request.Exporters)
        attributes = [dict(exporter.Attrs) for exporter in exporters]
        names = [found.get("name", "") for found in attributes]
        if not exporters:
            names = [self.request.ExporterAttrsDeprecated.get("name", "")]
        return [name for found in names for name in found.split(",") if name]

    @property
    def is_cancelled(self) -> bool:
        """Whether the client has broken the build off."""
        return self._call.status is not None

    def when_cancelled(self, stop: Callable[[], None]) -> None:
        """Have a function called once the client breaks the build off."""
        self._call.watch(lambda: stop() if self._call.status is not None else None)

    # --- telling -------------------------------------------------------------

    def begin(self) -> None:
        """Give the build a status; telling and asking anything does so, too.

        A script that fails before has refused the build: its status never comes, as with an
        exporter that is unknown to a real daemon.
        """
        with self._lock:
            if self._has_begun:
                return
            self._has_begun = True
        self._began(self)

    def tell(self, *parts: Part) -> None:
        """Send one message about the build.

        Args:
            parts: what stands in it; of whole messages, the content.
        """
        self.begin()
        message = StatusResponse()
        for part in parts:
            match part:
                case Vertex():
                    message.vertexes.append(part)
                case VertexStatus():
                    message.statuses.append(part)
                case VertexLog():
                    message.logs.append(part)
                case VertexWarning():
                    message.warnings.append(part)
                case _:
                    message.MergeFrom(part)
        with self._lock:
            self.told.append(message)
            for listener in self._listeners:
                listener.put(message)

    def step(
        self,
        name: str,
        *,
        output: str | bytes = "",
        error_output: str | bytes = "",
        cached: bool = False,
        error: str = "",
        inputs: Sequence[str] = (),
    ) -> str:
        """Tell of a whole step: that it is there, begins, prints and ends; return its digest.

        Args:
            name: as in `[2/3] RUN make`.
            output: what it prints to standard output.
            error_output: what it prints to standard error.
            cached: whether its result was there already.
            error: why it failed.
            inputs: the digests of the steps that it is made from.
        """
        vertex = self.start_step(name, inputs=inputs)
        for stream, text in ((1, output), (2, error_output)):
            if text:
                self.log(vertex, text, stream=stream)
        self.end_step(vertex, cached=cached, error=error)
        return vertex.digest

    def start_step(self, name: str, *, inputs: Sequence[str] = ()) -> Vertex:
        """Tell that a step is there and begins; return it."""
        self._steps += 1
        digest = f"sha256:{hashlib.sha256(f'{self._steps} {name}'.encode()).hexdigest()}"
        vertex = Vertex(digest=digest, name=name, inputs=inputs)
        self.tell(vertex)
        _stamp(vertex.started)
        self.tell(vertex)
        return vertex

    def log(self, vertex: Vertex, text: str | bytes, *, stream: int = 1) -> None:
        """Tell what a step prints, to standard output (1) or standard error (2)."""
        data = text.encode() if isinstance(text, str) else text
        log = VertexLog(vertex=vertex.digest, stream=stream, msg=data)
        _stamp(log.timestamp)
        self.tell(log)

    def end_step(self, vertex: Vertex, *, cached: bool = False, error: str = "") -> None:
        """Tell that a step ended."""
        vertex.cached = cached
        vertex.error = error
        _stamp(vertex.completed)
        self.tell(vertex)

    # --- ending --------------------------------------------------------------

    def fail(self, status: RpcStatus | str) -> NoReturn:
        """End the build as failed.

        Args:
            status: how; of a text, the status UNKNOWN with this text and no details.

        Raises:
            CallError: always; it is for the daemon.
        """
        raise CallError(RpcStatus(Code.UNKNOWN, status) if isinstance(status, str) else status)

    def fail_step(
        self,
        name: str,
        *,
        command: str = "",
        exit_code: int = 1,
        output: str | bytes = "",
        error_output: str | bytes = "",
        source: SourceLines | None = None,
        has_details: bool = True,
    ) -> NoReturn:
        """Tell of a step whose command fails, and end the build with it.

        Args:
            name: the step's name.
            command: the command, as the daemon quotes it; what stands behind `RUN` by default.
            exit_code: its exit code.
            output: what it prints to standard output.
            error_output: what it prints to standard error.
            source: where it stands in the Dockerfile.
            has_details: whether there are typed details, which 20.10 has not.

        Raises:
            CallError: always; it is for the daemon.
        """
        shown = command or name.rpartition("RUN ")[2]
        words = (
            f'process "/bin/sh -c {shown}" did not complete successfully: exit code: {exit_code}'
            if has_details
            else f"executor failed running [/bin/sh -c {shown}]: exit code: {exit_code}"
        )
        digest = self.step(name, output=output, error_output=error_output, error=words)
        if not has_details:
            self.fail(words)
        self.fail(solve_status(words, vertex=digest, source=source, exit_code=exit_code))

    def export(self) -> dict[str, str]:
        """Make the image that was asked for; return what a script's result says of it."""
        names = self.image_names
        if self._make_image is not None:
            digest = self._make_image(names)
        else:
            digest = f"sha256:{hashlib.sha256(','.join(names).encode()).hexdigest()}"
        response = {"containerimage.digest": digest, "containerimage.config.digest": digest}
        if names:
            response["image.name"] = ",".join(names)
        return response

    def wait_cancelled(self, timeout: float | None = 30.0) -> bool:
        """Wait until the client breaks the build off; return whether it did."""
        self.begin()
        return self._call.wait_until_over(timeout)

    # --- for the daemon ------------------------------------------------------

    def listen(self) -> queue.SimpleQueue[StatusResponse | None]:
        """Return a queue of what is told; what was told already comes in one message."""
        listener: queue.SimpleQueue[StatusResponse | None] = queue.SimpleQueue()
        with self._lock:
            if self.told:
                merged = StatusResponse()
                for message in self.told:
                    merged.MergeFrom(message)
                listener.put(merged)
            if self._has_ended:
                listener.put(None)
            else:
                self._listeners.append(listener)
            self._heard += 1
            self._lock.notify_all()
        return listener

    def served(self) -> None:
        """Note that a `Status` call has ended."""
        with self._lock:
            self._served += 1
            self._lock.notify_all()

    def end(self) -> None:
        """End the status, before the build itself is answered, as real daemons do."""
        with self._lock:
            self._has_ended = True
            for listener in self._listeners:
                listener.put(None)
            self._listeners.clear()
            if self._has_begun:
                self._lock.wait_for(lambda: self._heard > 0, _UNHEARD_SECONDS)
                self._lock.wait_for(lambda: self._served == self._heard, _TELLING_SECONDS)


Script = Callable[[ScriptedBuild], Mapping[str, str] | None]
"""What a daemon does for a `Solve`; returns what the exporters say."""


def succeed(build: ScriptedBuild) -> Mapping[str, str]:
    """Build with one step, and export."""
    build.step("[1/1] FROM scratch")
    build.step("exporting to image")
    return build.export()


def _stamp(timestamp: Timestamp) -> None:
    """Put this moment into a field of a message."""
    timestamp.seconds, timestamp.nanos = divmod(time.time_ns(), 1_000_000_000)
