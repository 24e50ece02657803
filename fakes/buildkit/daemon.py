"""A BuildKit daemon that does what a script says.

The module is long as it has every call of a daemon's own service; what there is behind them stands
in modules of their own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError, Message

from imagebuilders.buildkit.control.client import SERVICE, unwrap_bytes, wrap_bytes
from imagebuilders.buildkit.proto.control_pb2 import (
    InfoResponse,
    ListWorkersRequest,
    ListWorkersResponse,
    SolveRequest,
    SolveResponse,
    StatusRequest,
)
from imagebuilders.buildkit.proto.ops_pb2 import Platform
from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.proto.worker_pb2 import BuildkitVersion, WorkerRecord
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus

from ..http.crashes import Crashes
from ..http.server import serving
from .cache import ScriptedCache, fits
from .connection import ScriptedConnection
from .faults import Faults
from .gateway import FrontendScript, ScriptedGateway, refuse
from .history import ScriptedHistory
from .local_call import Cancellable
from .script import ImageMaker, Script, ScriptedBuild, succeed
from .session_peer import SessionPeer
from .sessions import OpenSessions

if TYPE_CHECKING:
    import ssl

SESSION_SECONDS = 5.0
"""So long a build waits for its session, as real daemons do."""

UNKNOWN_REF_SECONDS = 6.0
"""So long a `Status` waits for a build that nobody asked for, as real daemons do."""


_WORDS = "context canceled"
_CANCELLED = RpcStatus(
    Code.CANCELLED,
    _WORDS,
    Status(code=Code.CANCELLED, message=_WORDS).SerializeToString(),
)


class ScriptError(AssertionError):
    """A script, or the daemon itself, failed with something else than a status."""


class ScriptedBuildKit:
    """A BuildKit daemon that builds nothing: a script says what it tells, asks and answers.

    It serves connections by prior knowledge (`serve`), and those of a `FakeDockerEngine` that it
    was given to (`FakeDockerEngine(buildkit=ScriptedBuildKit(script))`).

    Args:
        script: called for each `Solve`, in a thread of its own, with the build; it returns what
            the exporters say, or raises `CallError`. By default every build succeeds.
        version: what `Info` answers; `None` for a daemon that has no `Info`, as 20.10.
        frontend_version: what it says there of its Dockerfile frontend; engines say nothing.
        workers: what `ListWorkers` answers; one worker of linux/amd64 by default.
        containerd_store: whether that worker is one that keeps images in containerd.
        frontend: called for each question that a client asks a frontend through the gateway, with
            the build that is held open for it; it returns the metadata of the result, or raises
            `CallError`. By default every question is unknown.
        gateway: what answers such questions otherwise; `frontend` does not count then.
        cache: what keeps the results of earlier builds.
        handlers: what serves further calls, or some calls otherwise, by path.
        session_seconds: so long a build waits for its session.
        unreadable: what it says is wrong with a request that cannot be decoded.

    Attributes:
        script: what is called for the next `Solve`.
        session_seconds: so long a build waits for its session.
        unknown_ref_seconds: so long `Status` waits for a build that nobody asked for.
        gateway: what answers questions to a frontend, and keeps them.
        history: the builds that the daemon remembers; one without `Info` has no history.
        cache: what it keeps of earlier builds.
        faults: what is to go wrong with calls: `buildkit.faults.fail("Solve")`.
        builds: the builds that were asked for, in order.
        connections: the connections of clients, in order, without those of sessions.
        crashes: what failed with something else than a status.
    """

    def __init__(
        self,
        script: Script = succeed,
        *,
        version: str | None = "v0.32.2",
        frontend_version: str = "",
        workers: Sequence[WorkerRecord] | None = None,
        containerd_store: bool = False,
        frontend: FrontendScript = refuse,
        gateway: ScriptedGateway | None = None,
        cache: ScriptedCache | None = None,
        handlers: Mapping[str, Handler] | None = None,
        session_seconds: float = SESSION_SECONDS,
        unreadable: str = "unexpected EOF",
    ) -> None:
        self.builds: list[ScriptedBuild] = []
        self.faults = Faults()
        self._sessions = OpenSessions(self.faults)
        self.connections: list[ScriptedConnection] = []
        self.script = self._first_script = script
        self.gateway = gateway or ScriptedGateway(frontend)
        self.history = ScriptedHistory()
        self.cache = cache or ScriptedCache()
        self._version = version
        self._frontend_version = frontend_version
        self.unknown_ref_seconds = UNKNOWN_REF_SECONDS
        self._workers = [_worker(containerd_store=containerd_store)] if workers is None else workers
        self._more_handlers = dict(handlers or {})
        self._unreadable = unreadable
        self.session_seconds = session_seconds
        self._changed = threading.Condition()
        self._by_ref: dict[str, ScriptedBuild] = {}
        self._running: set[str] = set()
        self.crashes = Crashes(type(self).__name__, ScriptError)

    # --- looking in ----------------------------------------------------------

    @property
    def sessions(self) -> list[SessionPeer]:
        """The sessions that were opened, in order."""
        return self._sessions.opened

    @property
    def requests(self) -> list[SolveRequest]:
        """The requests of all builds, in order."""
        return [build.request for build in self.builds]

    def find_session(self, session_id: str) -> SessionPeer:
        """Wait for a session, and return it.

        Raises:
            CallError: it was not opened in the time that a build waits.
        """
        return self._sessions.find(session_id, self.session_seconds)

    def check(self) -> None:
        """See whether all scripts went as they were meant to.

        Raises:
            ScriptError: one failed with something else than a status; it is the cause.
        """
        self.crashes.check()

    def reset(self) -> None:
        """Forget everything, as if the daemon had just been made.

        Builds, sessions that are over, history, cache, faults and records are gone, and the
        scripts are those it was made with; who is connected stays so.
        """
        with self._changed:
            self.builds.clear()
            self._by_ref.clear()
            self.connections = [each for each in self.connections if each.is_open]
        self.crashes.clear()
        self._sessions.forget_closed()
        self.script = self._first_script
        for part in (self.gateway, self.history, self.cache):
            part.reset()
        self.faults.clear()

    # --- doors ---------------------------------------------------------------

    def attach(
        self, connected: socket.socket, *, begun: bytes = b"", make_image: ImageMaker | None = None
    ) -> None:
        """Serve a client's connection until it ends.

        Args:
            connected: the connected socket, which is closed at the end.
            begun: bytes that were read from it already.
            make_image: makes the images that scripts export.
        """
        connection = ScriptedConnection(
            connected,
            Role.SERVER,
            begun=begun,
            handlers=lambda own: self._handlers(own, make_image),
        )
        with self._changed:
            self.connections.append(connection)
        connection.wait_closed()
        connection.close()

    def attach_session(
        self, connected: socket.socket, metadata: Metadata, *, begun: bytes = b""
    ) -> None:
        """Use a connection as a client's session until it ends.

        Args:
            connected: the connected socket, which is closed at the end.
            metadata: the headers by which the client opened the session.
            begun: bytes that were read from it already.
        """
        connection = ScriptedConnection(connected, Role.CLIENT, begun=begun)
        self._sessions.add(metadata, connection.channel.link, connection.cut)
        connection.wait_closed()
        connection.close()

    @contextmanager
    def serve(
        self, listen: str | None = None, *, tls: ssl.SSLContext | None = None
    ) -> Iterator[str]:
        """Serve clients that speak HTTP/2 by prior knowledge, for the length of a `with` block.

        Args:
            listen: `unix://PATH` or `tcp://HOST:PORT` (port 0 picks one); a socket in a fresh
                folder when left out.
            tls: the context of a server that speaks TLS.

        Returns:
            A context manager whose value is the address.

        Raises:
            ScriptError: at the end, when a script failed.
        """
        with self._serving(self.attach, listen, tls) as address:
            yield address

    @contextmanager
    def _serving(
        self,
        serve: Callable[[socket.socket], None],
        listen: str | None,
        tls: ssl.SSLContext | None,
    ) -> Iterator[str]:
        with serving(serve, listen, name="fake-buildkit", tls=tls) as address:
            try:
                yield address
            finally:
                self.close()
        self.check()

    def close(self) -> None:
        """Break all connections."""
        with self._changed:
            connections = list(self.connections)
        for connection in connections:
            connection.close()

    # --- calls ---------------------------------------------------------------

    def _handlers(
        self, connection: ScriptedConnection, make_image: ImageMaker | None
    ) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            f"{SERVICE}Info": self._info,
            f"{SERVICE}ListWorkers": self._list_workers,
            f"{SERVICE}Solve": lambda call: self._solve(connection, call, make_image),
            f"{SERVICE}Status": self._status,
            f"{SERVICE}Session": lambda call: self._session(connection, call),
            **self.gateway.handlers(),
            **self.cache.handlers(),
            **(self.history.handlers() if self._version is not None else {}),
            **self._more_handlers,
        }
        return {
            path: self.faults.over(partial(self._decoded, handler), connection)
            for path, handler in handlers.items()
        }

    def _decoded(self, handler: Handler, call: Call) -> None:
        """Serve a call, and refuse a request that cannot be decoded."""
        try:
            handler(call)
        except DecodeError as error:
            words = f"grpc: error unmarshalling request: {self._unreadable}"
            raise CallError(RpcStatus(Code.INTERNAL, words)) from error

    def _info(self, call: Call) -> None:
        if self._version is None:
            raise CallError(RpcStatus(Code.UNIMPLEMENTED, "unknown method Info"))
        version = BuildkitVersion(
            package="github.com/moby/buildkit",
            version=self._version,
            dockerfileVersion=self._frontend_version,
        )
        _answer(call, InfoResponse(buildkitVersion=version))

    def _list_workers(self, call: Call) -> None:
        asked = ListWorkersRequest.FromString(call.receive() or b"").filter
        found = [worker for worker in self._workers if fits({"id": worker.ID}, asked, "worker")]
        call.send(ListWorkersResponse(record=found).SerializeToString())

    def _session(self, connection: ScriptedConnection, call: Call) -> None:
        link = connection.channel.tunnel(call, Role.CLIENT, wrap=wrap_bytes, unwrap=unwrap_bytes)
        self._sessions.add(call.metadata, link, call.cancel)
        link.wait_over(None)

    def _solve(
        self, connection: ScriptedConnection, call: Call, make_image: ImageMaker | None
    ) -> None:
        request = SolveRequest.FromString(call.receive() or b"")
        response = self.build(request, call, connection=connection, make_image=make_image)
        call.send(SolveResponse(ExporterResponse=response).SerializeToString())

    def build(
        self,
        request: SolveRequest,
        call: Cancellable,
        *,
        connection: ScriptedConnection | None = None,
        make_image: ImageMaker | None = None,
        made: Callable[[ScriptedBuild], object] | None = None,
        upload: bytes | None = None,
    ) -> dict[str, str]:
        """Build, and return what the exporters say.

        Args:
            request: what is asked for.
            call: whoever asks for it.
            connection: the connection that it came by.
            make_image: makes the images that scripts export.
            made: told of the build before it begins.
            upload: a context that came with the request.

        Raises:
            CallError: it failed.
        """
        build = ScriptedBuild(
            request,
            call,
            connection,
            find_session=self.find_session,
            began=self._began,
            make_image=make_image,
            upload=upload,
        )
        with self._changed:
            if build.ref in self._running:
                words = f"job ID {build.ref} exists"
                raise CallError(RpcStatus(Code.UNKNOWN, words))
            self._running.add(build.ref)
            self.builds.append(build)
        if made is not None:
            made(build)
        record = self.history.begin(build)
        response: dict[str, str] = {}
        status: RpcStatus | None = None
        try:
            response = self._answered(build, call)
            build.begin()
            if call.status is not None:
                status = _CANCELLED
        except CallError as error:
            status = error.status if call.status is None else _CANCELLED
            raise
        except TransportError as error:
            status = _CANCELLED
            if call.status is not None:
                raise
            # It is the session that has gone, and the client still waits.
            words = f"no active session for {request.Session}: context deadline exceeded"
            status = RpcStatus(Code.DEADLINE_EXCEEDED, words)
            raise CallError(status) from error
        except Exception as error:
            self.crashes.keep(f"Solve {build.ref}", error)
            status = RpcStatus(Code.INTERNAL, f"the script failed: {error!r}")
            raise CallError(status) from error
        finally:
            with self._changed:
                self._running.discard(build.ref)
            self.history.end(build, record, response, status)
            build.end()
        return response

    def _answered(self, build: ScriptedBuild, call: Cancellable) -> dict[str, str]:
        """Let the script build; of a build without a frontend, a client answers for one."""
        if build.request.Frontend or build.request.HasField("Definition"):
            return dict(self.script(build) or {})
        return dict(self.gateway.hold(build, call))

    def _began(self, build: ScriptedBuild) -> None:
        with self._changed:
            self._by_ref[build.ref] = build
            self._changed.notify_all()

    def _status(self, call: Call) -> None:
        ref = StatusRequest.FromString(call.receive() or b"").Ref
        build = self._find_build(ref, call)
        if build is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"no such job {ref}"))
        told = build.listen()
        # Nothing waits for a client that has broken the call off.
        call.watch(lambda: None if call.status is None else told.put(None))
        try:
            while (message := told.get()) is not None:
                call.send(message.SerializeToString())
            call.finish()
        finally:
            build.served()

    def _find_build(self, ref: str, call: Call) -> ScriptedBuild | None:
        is_over = threading.Event()

        def look() -> None:
            if call.status is not None:
                is_over.set()
                with self._changed:
                    self._changed.notify_all()

        call.watch(look)
        with self._changed:
            self._changed.wait_for(
                lambda: ref in self._by_ref or is_over.is_set(), self.unknown_ref_seconds
            )
            return self._by_ref.get(ref)


def _answer(call: Call, message: Message) -> None:
    call.receive()
    call.send(message.SerializeToString())


def _worker(*, containerd_store: bool) -> WorkerRecord:
    labels = {"org.mobyproject.buildkit.worker.moby.host-gateway-ip": "172.17.0.1"}
    if containerd_store:
        labels |= {
            "org.mobyproject.buildkit.worker.executor": "containerd",
            "org.mobyproject.buildkit.worker.snapshotter": "overlayfs",
        }
    return WorkerRecord(
        ID="fake", Labels=labels, platforms=[Platform(OS="linux", Architecture="amd64")]
    )
