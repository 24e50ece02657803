"""The road from the Docker SDK to a double in the same process.

The SDK looks into `urllib3`'s response while it streams, so what it gets is
real HTTP: each request travels over a `socket.socketpair` to a thread that
serves the other end.
"""

from __future__ import annotations

import _socket
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import urllib3
import urllib3.connection
from docker.transport.basehttpadapter import BaseHTTPAdapter

if TYPE_CHECKING:
    import requests

Connector = Callable[[socket.socket], None]


def _own_class() -> type[socket.socket]:
    """Python's own class of sockets, which plugins that forbid a network have replaced.

    Another event loop's class, such as gevent's, is none that derives from it: it stays.
    """
    own = (kind for kind in socket.socket.__mro__ if kind.__module__ == "socket")
    return next(own, socket.socket)


if TYPE_CHECKING:
    _OwnSocket = socket.socket
else:
    _OwnSocket = _own_class()


class _Socket(_OwnSocket):
    """A socket that closes itself silently when nobody holds it any more.

    A client that stops reading a stream leaves its socket to the collector;
    the real SDK does the same, and a test's warnings are not about that.
    """

    def __del__(self) -> None:
        self.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    # `socket.socketpair` makes what `socket.socket` is now, even where no network is needed.
    make = _socket.socketpair if _OwnSocket.__module__ == "socket" else socket.socketpair
    near, far = make()
    return (
        _Socket(near.family, near.type, near.proto, near.detach()),
        _Socket(far.family, far.type, far.proto, far.detach()),
    )


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, serve: Connector, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._serve = serve
        self._wait = timeout

    def connect(self) -> None:
        near, far = _pair()
        near.settimeout(self._wait)
        self.sock = near
        threading.Thread(target=self._serve, args=(far,), name="fake-docker", daemon=True).start()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, serve: Connector, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=1)
        self._serve = serve
        self._wait = timeout

    def _new_conn(self) -> Any:
        return _Connection(self._serve, self._wait)

    def _put_conn(self, conn: Any) -> None:
        # Nothing is kept open between requests: a client that nobody closes
        # leaves no socket and no thread behind.
        if conn is not None:
            conn.close()


class SocketPairAdapter(BaseHTTPAdapter):
    """A `requests` adapter whose other end is a double in this process."""

    def __init__(self, serve: Connector, timeout: float | None = 60) -> None:
        self._serve = serve
        self._wait = timeout
        super().__init__()

    def _pool(self) -> _Pool:
        return _Pool(self._serve, self._wait)

    # The signatures are those of the base class; no argument of theirs matters here.

    def get_connection(self, *_args: Any, **_options: Any) -> Any:
        """A pool that leads to the double, whatever the address says."""
        return self._pool()

    def get_connection_with_tls_context(self, *_args: Any, **_options: Any) -> Any:
        """As `get_connection`, for newer `requests`."""
        return self._pool()

    def request_url(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> str:
        """Only the path: there is no host."""
        return str(request.path_url)
