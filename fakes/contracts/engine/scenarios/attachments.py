"""Connections to containers by websockets, and keys that end one."""

from __future__ import annotations

import base64
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from ..container_hands import create, sleeping, start, until
from ..registry import scenario
from ..resources import engine_time, filters
from ..session import Session

_KEY = base64.b64encode(b"0123456789abcdef").decode()
_HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": _KEY,
    "Sec-WebSocket-Version": "13",
    "Origin": "http://localhost",
}
_PATIENCE = 20.0


class _Connection:
    """A connection that was taken over, and what comes by it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.socket: socket.socket = answer.raw._connection.sock
        self.socket.settimeout(_PATIENCE)
        # What came with the headers is here already.
        self._file = answer.raw._fp.fp

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        return data

    def rest(self) -> bytes:
        """All until the other side ends."""
        try:
            data: bytes = self._file.read()
        except OSError as error:
            return f"<{type(error).__name__}>".encode()
        return data

    def frame(self) -> tuple[int, bytes] | None:
        """Kind and content of the next message of a websocket; `None` at the end."""
        head = self.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack(">H", self.read(2))
        return head[0] & 15, self.read(size)

    def close(self) -> None:
        self.answer.close()


def _opened(s: Session, method: str, path: str, **options: Any) -> _Connection:
    return _Connection(s.request(method, path, stream=True, **options))


def _head(answer: Any) -> Mapping[str, Any]:
    names = ("Upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Type")
    return {"status": answer.status_code, **{name: answer.headers.get(name) for name in names}}


def _websocket(s: Session, name: str, **query: str) -> Any:
    return s.request(
        "GET", f"/containers/{name}/attach/ws", params=query, headers=_HANDSHAKE, stream=True
    )


def _said(connection: _Connection) -> list[Any]:
    """The kinds of messages, each once, and the lines of them; which comes first is chance."""
    kinds: list[int] = []
    said = b""
    while (message := connection.frame()) is not None:
        if message[0] not in kinds:
            kinds.append(message[0])
        if message[0] == 8:
            break
        said += message[1]
    return [kinds, sorted(said.decode().splitlines())]


@scenario
def websocket_before_start(s: Session) -> None:
    """What a container prints after its start comes in messages, both streams alike."""
    script = "echo out; sleep 0.1; echo err >&2"
    command = s.given_container("sh", "-c", script, output="out\n", error_output="err\n")
    create(s, *command, name="one")
    query = {"stream": "1", "stdout": "1", "stderr": "1"}
    answer = _websocket(s, "one", **query)
    s.note("handshake", _head(answer))
    connection = _Connection(answer)
    start(s, "one")
    s.note("said", _said(connection))
    connection.close()


@scenario
def websocket_to_ended(s: Session) -> None:
    """The log of a container that has ended, and only one stream of it."""
    script = "echo out; echo err >&2"
    command = s.given_container("sh", "-c", script, output="out\n", error_output="err\n")
    create(s, *command, name="one")
    start(s, "one")
    s.request("POST", "/containers/one/wait")
    for streams in ({"stdout": "1"}, {"stderr": "1"}):
        answer = _websocket(s, "one", logs="1", **streams)
        connection = _Connection(answer)
        s.note("said", _said(connection))
        connection.close()


@scenario
def websocket_refusals(s: Session) -> None:
    """No such container, keys that are none, a paused one, and no websocket asked for."""
    answer = _websocket(s, "none", stream="1")
    s.note("none", {"status": answer.status_code, "body": answer.text})
    sleeping(s, "one")
    answer = _websocket(s, "one", stream="1", detachKeys="nonsense")
    s.note("keys", {"status": answer.status_code, "body": answer.text})
    answer = s.request("GET", "/containers/one/attach/ws", params={"logs": "1", "stdout": "1"})
    s.note("plain", {"status": answer.status_code, "body": answer.text})
    s.request("POST", "/containers/one/pause")
    answer = _websocket(s, "one", stream="1")
    s.note("paused", {"status": answer.status_code, "body": answer.text})
    s.request("POST", "/containers/one/unpause")


def _typed(connection: _Connection, keys: bytes) -> None:
    """Send keys as a person does: an engine looks at each that comes alone."""
    for key in keys:
        connection.socket.sendall(bytes([key]))
        time.sleep(0.1)


def _reader(s: Session, name: str, **body: Any) -> None:
    """A container with a terminal that prints what it is sent."""
    command = ("cat",)
    create(s, *command, name=name, OpenStdin=True, StdinOnce=True, **body)


def _events(s: Session, name: str, since: str) -> list[str]:
    query = {"since": since, "until": engine_time(s), **filters(container=[name])}
    text = s.request("GET", "/events", params=query).text
    return [word for word in ("detach",) if f'"{word}"' in text]


@scenario
def detached_by_keys(s: Session) -> None:
    """The usual keys and chosen ones end the connection, and not the container."""
    for index, (keys, sent) in enumerate(
        ((None, b"\x10\x11"), ("ctrl-x,x", b"\x18x"), ("q", b"q"))
    ):
        name = f"one{index}"
        since = engine_time(s)
        _reader(s, name, Tty=True)
        query = {"stream": "1", "stdin": "1", "stdout": "1"}
        if keys:
            query["detachKeys"] = keys
        connection = _opened(
            s,
            "POST",
            f"/containers/{name}/attach",
            params=query,
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        )
        start(s, name)
        connection.socket.sendall(b"ab\n")
        s.note("echoed", connection.read(4).decode())
        _typed(connection, sent)
        s.note("rest", connection.rest().count(b"ab") < 3)
        connection.close()
        until(lambda name=name, since=since: "detach" in _events(s, name, since))  # type: ignore[misc]
        state = s.request("GET", f"/containers/{name}/json").json()["State"]
        s.note("state", state["Status"])
        s.note("events", _events(s, name, since))


@scenario
def keys_without_terminal(s: Session) -> None:
    """Without a terminal, no keys end a connection."""
    since = engine_time(s)
    _reader(s, "one")
    connection = _opened(
        s,
        "POST",
        "/containers/one/attach",
        params={"stream": "1", "stdin": "1", "stdout": "1"},
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
    )
    start(s, "one")
    connection.socket.sendall(b"ab\x10\x11\n")
    s.note("echoed", connection.read(8 + 5).hex())
    connection.socket.shutdown(socket.SHUT_WR)
    s.request("POST", "/containers/one/wait")
    s.note("rest", connection.rest().hex())
    connection.close()
    s.note("events", _events(s, "one", since))


def _running(s: Session, instance: str) -> bool:
    return bool(s.request("GET", f"/exec/{instance}/json").json()["Running"])


@scenario
def command_detached_by_keys(s: Session) -> None:
    """To an engine, keys that end the connection of a command are a failure of that."""
    sleeping(s, "one")
    for keys, sent in ((None, b"\x10\x11"), ("ctrl-a,b", b"\x01b")):
        body = {
            "Cmd": ["cat"],
            "Tty": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            **({"DetachKeys": keys} if keys else {}),
        }
        instance = s.request("POST", "/containers/one/exec", json=body).json()["Id"]
        connection = _opened(
            s,
            "POST",
            f"/exec/{instance}/start",
            json={"Tty": True},
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        )
        connection.socket.sendall(b"ab\n")
        s.note("echoed", connection.read(4).decode())
        _typed(connection, sent)
        s.note("rest", connection.rest().removeprefix(b"ab\r\n").decode())
        connection.close()
        until(lambda instance=instance: not _running(s, instance))  # type: ignore[misc]
        document = s.request("GET", f"/exec/{instance}/json").json()
        s.note("command", {key: document[key] for key in ("Running", "ExitCode")})
