"""An engine of which a test decides every byte, behind the Docker SDK's real client."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import docker
import pytest

from fakes.engine.transport import EngineAdapter

Answer = bytes | Callable[[socket.socket], None]


@dataclass
class Request:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedEngine:
    """Answers each request with the next of its answers, then closes the connection."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _served: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection: one request."""
        try:
            with connection, connection.makefile("rb") as stream:
                self.requests.append(_read_request(stream))
                answer = self.answers.pop(0)
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer)
        except OSError:
            pass  # the client went away
        finally:
            self._served.set()

    def wait(self) -> None:
        """Wait until a connection has been served."""
        assert self._served.wait(5)

    def client(self) -> docker.DockerClient:
        """Make a client that talks to this engine."""
        client = docker.DockerClient(base_url="http://localhost:2375", version="1.41")
        client.api.mount("http://localhost:2375", EngineAdapter(self.serve))
        return client


def _read_request(stream: BinaryIO) -> Request:
    line = stream.readline().decode().strip()
    headers = {}
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(stream.readline() or b"0", 16):
            body += stream.read(size)
            stream.readline()
    else:
        body = stream.read(int(headers.get("content-length", "0")))
    return Request(line, headers, body)


def stream_of(
    messages: Iterable[object], *, complete: bool = True, status: str = "200 OK"
) -> bytes:
    """Make the bytes of a chunked answer; one that is not complete breaks off."""
    answer = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for message in messages:
        raw = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\r\n"
        answer += b"%x\r\n%s\r\n" % (len(raw), raw)
    return answer + b"0\r\n\r\n" if complete else answer


def plain_answer(status: str, body: bytes) -> bytes:
    """Make the bytes of an answer with a length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True)
class Script:
    """The words a test writes an engine's answers with."""

    stream = staticmethod(stream_of)
    plain = staticmethod(plain_answer)


@pytest.fixture
def script() -> Script:
    """Give the words to write answers with."""
    return Script()


@pytest.fixture
def scripted_engine() -> ScriptedEngine:
    """Give an engine without answers; a test appends them."""
    return ScriptedEngine()


@pytest.fixture
def client(scripted_engine: ScriptedEngine) -> Iterator[docker.DockerClient]:
    """Give a client of the scripted engine."""
    client = scripted_engine.client()
    yield client
    client.close()
