"""One HTTP exchange with an engine, on a connection of the Docker SDK's client.

The client is asked for no more than a connection: by its adapter, whatever that leads by (a unix
socket, TCP, TLS, ssh, or an engine in this process). The SDK would follow redirects, take the
credentials along, and have the whole URL, build arguments included, in the debug log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from imagebuilders.cancellation import stopped_by
from imagebuilders.connections.http1 import Answer, send_request
from imagebuilders.connections.streams import SocketLike, SocketStream
from imagebuilders.exceptions import ConfigurationError, EngineError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.proxies import find_proxy

if TYPE_CHECKING:
    import docker

Query: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""Fields of a query; in pairs, a name may come more than once."""

# Bounds each piece of the body that the engine is slow to take: an engine that unpacks a large
# context on a busy disk may pause for long.
SEND_TIMEOUT_SECONDS = 600


@contextmanager
def exchange(
    client: docker.DockerClient,
    method: str,
    path: str,
    *,
    params: Query = (),
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    idle_timeout: float | None = None,
) -> Iterator[Answer]:
    """Send a request to a client's engine; the value of the `with` block is the answer.

    The connection goes back to the client when the answer was read to its end. Else leaving the
    block closes it at once, which makes the engine stop what it was asked to do.

    Args:
        client: the engine's client.
        method: the HTTP method.
        path: the path below the API's version, as in `/build`.
        params: the query; in pairs, a name may come more than once.
        headers: headers beside those that the client always sends.
        body: what to send.
        idle_timeout: seconds the engine may be silent; without limit by default.

    Raises:
        EngineError: the client or the answer is not what it should be. The errors of the HTTP
            libraries and of the system come as they are.
        BodyError: a chunk of the body could not be made.
    """
    api = client.api
    url = f"{api.base_url}/v{api.api_version}{path}"
    fields = list(params.items() if isinstance(params, Mapping) else params)
    # The body is left out: it is sent from here, by what HTTP it is.
    request = api.prepare_request(
        requests.Request(method, url, params=fields, headers=dict(headers or {}))
    )
    with _borrowed(api, request) as borrowed, stopped_by(borrowed.stream.interrupt):
        answer = send_request(
            borrowed.stream,
            method,
            borrowed.target,
            headers=borrowed.headers,
            body=body,
            send_timeout=SEND_TIMEOUT_SECONDS,
            idle_timeout=idle_timeout,
        )
        yield answer
        borrowed.reusable = answer.is_reusable


@dataclass(frozen=True)
class OpenedConnection:
    """A connection of one's own, and what a request on it begins with."""

    connected: SocketLike
    """The connection, to be closed by its owner."""
    target: str
    headers: dict[str, str]


def open_connection(client: docker.DockerClient, method: str, path: str) -> OpenedConnection:
    """Open a connection to a client's engine that the client never gets back.

    Args:
        client: the engine's client.
        method: the HTTP method of the request that is to be sent.
        path: its path, without a version.

    Raises:
        EngineError: the client is not what it should be. The errors of the HTTP libraries and of
            the system come as they are.
    """
    api = client.api
    request = api.prepare_request(requests.Request(method, f"{api.base_url}{path}"))
    way = _way(api, request)
    connection = way.pool._new_conn()
    try:
        _connect(way.pool, connection, api.timeout)
    except BaseException:
        connection.close()
        raise
    connected, connection.sock = connection.sock, None
    return OpenedConnection(connected, way.target, way.headers)


@dataclass
class _Borrowed:
    """A connection taken out of a client's pool, and what a request on it begins with."""

    stream: SocketStream
    target: str
    headers: dict[str, str]
    reusable: bool = False
    """Whether the connection may go back."""


@contextmanager
def _borrowed(api: docker.APIClient, request: requests.PreparedRequest) -> Iterator[_Borrowed]:
    way = _way(api, request)
    pool = way.pool
    connection = pool._get_conn()
    reusable = False
    try:
        _connect(pool, connection, api.timeout)
        borrowed = _Borrowed(SocketStream(connection.sock), way.target, way.headers)
        yield borrowed
        reusable = borrowed.reusable
    finally:
        if reusable:
            pool._put_conn(connection)
        else:
            _discard(pool, connection)


@dataclass(frozen=True)
class _Way:
    """How a request gets to an engine: by which pool of connections, and under what head."""

    pool: Any
    target: str
    headers: dict[str, str]


def _way(api: docker.APIClient, request: requests.PreparedRequest) -> _Way:
    url = str(request.url)
    adapter = api.get_adapter(url)
    if not isinstance(adapter, HTTPAdapter):
        raise EngineError(
            f"The Docker client sends its requests by a {type(adapter).__name__}, which lends no "
            "connection; an adapter derived from requests.adapters.HTTPAdapter is needed."
        )
    settings = api.merge_environment_settings(url, {}, True, api.verify, api.cert)
    proxies = _proxies(api, url, settings["proxies"])
    pool = _pool(adapter, request, settings, proxies)
    adapter.add_headers(request, **{**settings, "proxies": proxies})
    return _Way(pool, adapter.request_url(request, proxies), _headers(request, pool))


def _headers(request: requests.PreparedRequest, pool: Any) -> dict[str, str]:
    headers = {"Host": urlsplit(str(request.url)).netloc.rpartition("@")[2]}
    # A proxy that forwards requests is told who asks; one that tunnels was told before.
    forwarded = pool.proxy_headers if pool.proxy is not None and pool.scheme == "http" else {}
    for name, value in {**request.headers, **forwarded}.items():
        if name.lower() not in _OWN_HEADERS:
            headers[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    return headers


_OWN_HEADERS = frozenset({"accept-encoding", "content-length", "transfer-encoding"})
"""Headers of the SDK's session that are up to whoever sends the request."""


def _pool(
    adapter: HTTPAdapter,
    request: requests.PreparedRequest,
    settings: Mapping[str, Any],
    proxies: dict[str, str],
) -> Any:
    """Return urllib3's pool of connections, as the adapter itself would choose it."""
    verify, cert = settings["verify"], settings["cert"]
    if hasattr(adapter, "get_connection_with_tls_context"):
        pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
    else:  # requests before 2.32
        pool = adapter.get_connection(str(request.url), proxies)
    adapter.cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
    return pool


def _proxies(
    api: docker.APIClient, url: str, from_environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the proxies for a client that was given: its own, and the environment's if they count.

    Args:
        api: the client.
        url: what is asked.
        from_environment: its own proxies, and those that its library reads off the environment.
    """
    parts = urlsplit(url)
    if not api.trust_env or parts.scheme not in ("http", "https"):
        return dict(api.proxies)
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    try:
        proxy = find_proxy(parts.hostname or "", port, tls=tls, environ=os.environ)
    except ConfigurationError:
        return dict(from_environment)  # one of another kind; the client's library may know it
    return dict(api.proxies if proxy is None else from_environment)


def _connect(pool: Any, connection: Any, timeout: float) -> None:
    connection.timeout = timeout
    if connection.sock is not None:
        return
    if pool.proxy is not None and pool.scheme == "https":
        pool._prepare_proxy(connection)
    else:
        connection.connect()


def _discard(pool: Any, connection: Any) -> None:
    if connection.sock is not None:
        SocketStream(connection.sock).close()
    connection.close()
    pool._put_conn(None)  # a pool that hands out so many and no more counts on one coming back
