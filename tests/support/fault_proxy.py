"""An HTTP proxy in front of a service that does to single requests what networks do.

The client under test is the real one and talks to the proxy's address; the service behind it is
the real one too. Requests with a `Content-Length`, or without a body, are passed on.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

_PIECE = 64 * 1024
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass(frozen=True)
class Passage:
    """One request that came by: what it asked for, and what was done to it."""

    method: str
    target: str
    fate: Literal["passed", "answered", "cut", "answer lost"]


@dataclass
class _Fault:
    method: str
    target: re.Pattern[str]
    times: int
    act: Callable[[_Handler], Literal["answered", "cut", "answer lost"]]

    def strikes(self, method: str, target: str) -> bool:
        if self.times == 0 or method != self.method or not self.target.search(target):
            return False
        self.times -= 1
        return True


class FaultProxy:
    """Passes requests on to `upstream`, but for those it was told to spoil.

    Attributes:
        passages: the requests that came by, in order of their end.
    """

    def __init__(self, upstream: str) -> None:
        """Listen on a free port of 127.0.0.1, in front of the service at this URL."""
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.passages: list[Passage] = []
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address to give to the client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, method: str, target: str = "") -> int:
        """Say how many requests of a method came by whose target matches."""
        with self._lock:
            return sum(
                passage.method == method and re.search(target, passage.target) is not None
                for passage in self.passages
            )

    def answer(
        self, status: int, code: str, *, method: str, target: str = "", times: int = 1
    ) -> None:
        """Answer the next matching requests with an S3 error, in the service's place."""

        def act(handler: _Handler) -> Literal["answered"]:
            handler.read_body()
            body = f"<Error><Code>{code}</Code><Message>from the proxy</Message></Error>".encode()
            handler.send_response(status)
            handler.send_header("Content-Type", "application/xml")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(b"" if handler.command == "HEAD" else body)
            return "answered"

        self._add(_Fault(method, re.compile(target), times, act))

    def cut(self, after_bytes: int, *, method: str, target: str = "", times: int = 1) -> None:
        """Reset the connection of the next matching requests once so much body has come."""

        def act(handler: _Handler) -> Literal["cut"]:
            handler.read_body(after_bytes)
            handler.reset()
            return "cut"

        self._add(_Fault(method, re.compile(target), times, act))

    def lose_answer(self, *, method: str, target: str = "", times: int = 1) -> None:
        """Pass the next matching requests on, and reset the connection instead of answering."""

        def act(handler: _Handler) -> Literal["answer lost"]:
            handler.fetch()
            handler.reset()
            return "answer lost"

        self._add(_Fault(method, re.compile(target), times, act))

    def clear(self) -> None:
        """Forget every fault that has not happened."""
        with self._lock:
            self._faults.clear()

    def _add(self, fault: _Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def fault_for(self, method: str, target: str) -> _Fault | None:
        """Give the fault that strikes this request, and count it."""
        with self._lock:
            return next((f for f in self._faults if f.strikes(method, target)), None)

    def note(self, passage: Passage) -> None:
        """Remember a request."""
        with self._lock:
            self.passages.append(passage)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: FaultProxy

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, as they do when they give up a request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        fault = proxy.fault_for(self.command, self.path)
        if fault is not None:
            proxy.note(Passage(self.command, self.path, fault.act(self)))
            return
        status, headers, body = self.fetch()
        proxy.note(Passage(self.command, self.path, "passed"))
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers} and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The server looks for a method of the name do_GET, do_PUT, and so on.
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def read_body(self, limit: int | None = None) -> bytes:
        """Read the request's body, or its first bytes."""
        left = int(self.headers.get("Content-Length", "0"))
        left = left if limit is None else min(left, limit)
        pieces = []
        while left:
            piece = self.rfile.read(min(left, _PIECE))
            if not piece:
                raise ConnectionAbortedError("the client went away")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def fetch(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the service, and give its answer."""
        body = self.read_body()
        connection = HTTPConnection(*self.server.proxy.upstream, timeout=30)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _HOP_BY_HOP | {"expect"}
            }
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            kept = {
                name.lower(): (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in _HOP_BY_HOP
            }
            return answer.status, list(kept.values()), answer.read()
        finally:
            connection.close()

    def reset(self) -> None:
        """Close the connection as a broken network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Keep quiet."""
