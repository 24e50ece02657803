"""The way of the Docker SDK's requests: an adapter on this package's own connections.

It leads the SDK by unix sockets, TCP, TLS and ssh alike. What is pooled belongs to one process: a
forked child opens connections of its own.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter

from imagebuilders.connections.dial import Endpoint, dial

if TYPE_CHECKING:
    import requests

POOL_SIZE = 10
"""How many connections are kept open for later requests."""


class EngineAdapter(HTTPAdapter):
    """Sends the requests of a `requests` session to one engine.

    Args:
        endpoint: where the engine is.
        connection: an open connection to it, for the first request.
    """

    def __init__(self, endpoint: Endpoint, connection: socket.socket | None = None) -> None:
        super().__init__()
        self.endpoint = endpoint
        self._pool: _Pool | None = None
        self._owner = os.getpid()
        if connection is not None:
            self._own_pool().keep(connection)

    def _own_pool(self) -> _Pool:
        """Return this process's pool."""
        if self._owner != os.getpid():
            # Dropping the parent's connections closes this process's share of them alone.
            self._pool, self._owner = None, os.getpid()
        if self._pool is None:
            self._pool = _Pool(self.endpoint)
        return self._pool

    # The signatures of the base class; where the engine is decides, whatever the URL says.

    def get_connection_with_tls_context(self, *_args: Any, **_options: Any) -> Any:
        """Return the pool of connections."""
        return self._own_pool()

    def get_connection(self, *_args: Any, **_options: Any) -> Any:
        """Return the pool of connections, for `requests` before 2.32."""
        return self._own_pool()

    def cert_verify(self, *_args: Any, **_options: Any) -> None:
        """Leave TLS to the endpoint."""

    def request_url(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> str:
        """Return the path, or the whole URL for a proxy that forwards it."""
        return self.endpoint.forwarded(request.path_url)

    def add_headers(self, request: requests.PreparedRequest, **_options: Any) -> None:
        """Add what the engine, or a proxy before it, wants with each request."""
        request.headers.update(self.endpoint.headers())

    def close(self) -> None:
        """Close the connections; later requests open others."""
        pool, self._pool = self._pool, None
        if pool is not None and self._owner == os.getpid():
            pool.close()
        super().close()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__("localhost", maxsize=POOL_SIZE)
        self._endpoint = endpoint

    def _new_conn(self) -> Any:
        return _Connection(self._endpoint)

    def keep(self, connected: socket.socket) -> None:
        """Keep an open connection for a request."""
        connection: Any = self._get_conn()
        connection.sock = connected
        self._put_conn(connection)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__("localhost")
        self._endpoint = endpoint

    def connect(self) -> None:
        limit = self.timeout
        self.sock = dial(self._endpoint, timeout=limit if isinstance(limit, int | float) else None)
