"""An engine that runs one command: what leads to a BuildKit daemon in a container."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ports import accepting

_VERSION = {
    "Version": "28.5.2",
    "ApiVersion": "1.51",
    "MinAPIVersion": "1.24",
    "Components": [{"Name": "Engine", "Version": "28.5.2"}],
}


@dataclass
class ExecEngine:
    """What was asked, and what is answered.

    Attributes:
        daemon: the socket of the daemon that the command leads to.
        container: the container that there is.
        output: frames that are sent in the place of the daemon's, if any.
        commands: the bodies of the requests for a command.
        port: where it listens.
    """

    daemon: str
    container: str = "buildkitd"
    output: bytes | None = None
    commands: list[dict[str, object]] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Listen for the length of a `with` block; the value is for `DOCKER_HOST`."""
        with accepting(self._handle) as self.port:
            yield f"tcp://127.0.0.1:{self.port}"

    def _handle(self, connected: socket.socket) -> None:
        with connected, suppress(OSError):
            connected.settimeout(10)
            while True:
                method, path, body = _request(connected)
                if path.endswith("/version"):
                    _answer(connected, 200, _VERSION)
                elif path.endswith("/exec") and f"/{self.container}/" in path:
                    self.commands.append(json.loads(body))
                    _answer(connected, 201, {"Id": "e1"})
                elif path.endswith("/exec/e1/start") and method == "POST":
                    return self._start(connected, body)
                else:
                    _answer(connected, 404, {"message": f"No such container: {path}"})

    def _start(self, connected: socket.socket, body: bytes) -> None:
        assert json.loads(body) == {"Detach": False, "Tty": False}
        connected.sendall(
            b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
            b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        )
        if self.output is not None:
            connected.sendall(self.output)
            return
        with socket.socket(socket.AF_UNIX) as far:
            far.connect(self.daemon.removeprefix("unix://"))

            def outwards() -> None:
                with suppress(OSError):
                    while data := connected.recv(4096):
                        far.sendall(data)
                    far.shutdown(socket.SHUT_RDWR)

            thread = threading.Thread(target=outwards)
            thread.start()
            with suppress(OSError):
                while data := far.recv(1000):
                    connected.sendall(frame(1, data))
                connected.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def frame(stream: int, data: bytes) -> bytes:
    """Return what an engine sends for what a command printed."""
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def _request(connected: socket.socket) -> tuple[str, str, bytes]:
    came = b""
    while b"\r\n\r\n" not in came:
        data = connected.recv(4096)
        if not data:
            raise ConnectionError
        came += data
    head, _, body = came.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    length = next(
        (int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0
    )
    while len(body) < length:
        body += connected.recv(4096)
    method, path, _ = lines[0].split(" ")
    return method, path, body


def _answer(connected: socket.socket, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    connected.sendall(
        f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
