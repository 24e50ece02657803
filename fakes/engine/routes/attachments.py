"""Containers: attaching to them, over a bare connection or a websocket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING

from ...http import websocket
from ...http.streams import is_hung_up, read_away
from ..containers.container import Container, LogEntry
from ..containers.detach_keys import DetachKeys, is_detach_keys
from ..containers.streams import IDLE, follow, frame, wanted
from ..errors import ApiError
from ..http import Request, Response
from .hijacked import RAW, pieces, reader, send_input, taken_over
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]


@route("POST", "/containers/{name}/attach")
def _attach(engine: Daemon, request: Request, path: Path) -> Response:
    try:
        container = _attachable(engine, request, path["name"])
    except ApiError as error:
        # It comes when the connection is taken over already, as plain text.
        text = f"{error.message}\r\n".encode()
        return Response(error.status, text, {"Content-Type": RAW})
    attachment = _Attachment(engine, request, container)
    tty = container.config.tty

    def hijack(connection: socket.socket, ahead: bytes) -> None:
        attachment.run(connection, pieces(connection, ahead), lambda entry: frame(entry, tty=tty))

    return Response(200, hijack=hijack, headers=taken_over(engine.version, request, tty=tty))


@route("GET", "/containers/{name}/attach/ws")
def _attach_by_websocket(engine: Daemon, request: Request, path: Path) -> Response:
    container = _attachable(engine, request, path["name"])
    if not websocket.is_handshake(request.headers):
        return Response(400, b"not websocket protocol", {"Content-Type": "text/plain"})
    attachment = _Attachment(engine, request, container)
    if engine.version < "23.0":
        attachment.take_all()

    def hijack(connection: socket.socket, ahead: bytes) -> None:
        sent = websocket.payloads(reader(connection, ahead))
        # The streams are not told apart.
        attachment.run(connection, sent, lambda entry: websocket.frame(entry.data))
        connection.sendall(websocket.closing())

    headers = websocket.handshake(request.headers.get("Sec-WebSocket-Key"))
    return Response(101, hijack=hijack, headers=headers)


def _attachable(engine: Daemon, request: Request, name: str) -> Container:
    """The container that is asked for.

    Raises:
        ApiError: there is none, or it cannot be attached to now.
    """
    container = engine.containers.find(name)
    keys = request.parameter("detachKeys")
    if not is_detach_keys(keys):
        raise ApiError(400, f"Invalid detach keys ({keys}) provided")
    if container.status == "paused":
        raise ApiError(409, f"container {name} is paused, unpause the container before attach")
    return container


class _Attachment:
    """One client at one container."""

    def __init__(self, engine: Daemon, request: Request, container: Container) -> None:
        self._engine = engine
        self._container = container
        self._stdout, self._stderr = request.flag("stdout"), request.flag("stderr")
        self._stream = request.flag("stream")
        self._begin = 0 if request.flag("logs") else len(container.logs)
        self._waits_for_start = not container.running and container.started is None
        self._takes_input = request.flag("stdin") and self._stream and container.config.open_stdin
        # Only at a terminal are keys looked at.
        self._keys = DetachKeys(request.parameter("detachKeys")) if container.config.tty else None
        self._detached = Event()
        engine.containers.note(container, "attach")

    def take_all(self) -> None:
        """Tell of all streams, whichever were asked for."""
        self._stdout = self._stderr = True

    def run(
        self,
        connection: socket.socket,
        sent: Iterator[bytes],
        shown: Callable[[LogEntry], bytes],
    ) -> None:
        """Tell what the container prints until it ends, or the client leaves.

        Args:
            connection: which was taken over.
            sent: what the client sends.
            shown: output as it is sent to the client.
        """
        if self._stream and self._waits_for_start and not self._wait_for_start(connection):
            return
        if self._takes_input:
            send_input(
                sent,
                lambda: self._container.process,
                ends=self._container.config.stdin_once,
                keys=self._keys,
                on_detach=self._detach,
            )
        for entry in self._output():
            if self._detached.is_set():
                return
            if entry is None:
                if is_hung_up(connection):
                    return
                if not self._takes_input:
                    read_away(connection)
            elif wanted(entry, stdout=self._stdout, stderr=self._stderr):
                connection.sendall(shown(entry))

    def _output(self) -> Iterator[LogEntry | None]:
        if self._stream:
            return follow(self._container, self._begin)
        return iter(list(self._container.logs[self._begin :]))

    def _wait_for_start(self, connection: socket.socket) -> bool:
        """Whether the client is still there when the container has started."""
        container = self._container
        with container.changed:
            while container.status == "created" and not container.removed:
                container.wait_for_change(IDLE)
                if is_hung_up(connection):
                    return False
                if not self._takes_input:
                    read_away(connection)
        return True

    def _detach(self) -> None:
        self._engine.containers.note(self._container, "detach")
        self._detached.set()
        with self._container.changed:
            self._container.changed.notify_all()
