"""One HTTP request and its response, by urllib3: connections that are kept, TLS, proxies.

Redirects, credentials and retries are not done here. All errors are this package's own.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions

from imagebuilders.distribution.failures import connection_error
from imagebuilders.exceptions import DigestMismatchError, RegistryContentError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.proxies import Proxy, find_proxy

_log = logging.getLogger(__name__)

PIECE_BYTES = 256 * 1024
CONNECT_TIMEOUT = 10.0
IDLE_TIMEOUT = 60.0
_KEPT_CONNECTIONS = 8


@dataclass(frozen=True)
class FileBody:
    """A request's body that is read from a file, anew for each attempt.

    Attributes:
        file: a binary file that can be positioned.
        size: how many bytes of it are sent, from its start.
        on_progress: called with the number of bytes that were sent.
    """

    file: BinaryIO
    size: int
    on_progress: Callable[[int], object] = field(default=lambda _: None, repr=False)

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(0)
        left = self.size
        while left:
            piece = self.file.read(min(PIECE_BYTES, left))
            if not piece:
                # The other side would wait for the rest.
                raise DigestMismatchError(
                    f"The content has {self.size - left} bytes; it should have {self.size}."
                )
            left -= len(piece)
            yield piece
            self.on_progress(self.size - left)


Body = bytes | memoryview | FileBody


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        method: as in `GET`.
        url: the whole URL.
        headers: header fields.
        body: what is sent; `None` for nothing.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body | None = field(default=None, repr=False)

    @property
    def shown_url(self) -> str:
        """The URL without its query, which may have a signature or an upload's state."""
        return self.url.partition("?")[0]


class Response:
    """A response whose body has not been read yet. Close it, or use it in a `with` statement."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, request: Request) -> None:
        self._raw = raw
        self.request = request
        self.status: int = raw.status
        self.reason: str = raw.reason or ""
        """The words that came with the status."""

    def __enter__(self) -> Response:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def header(self, name: str) -> str:
        """Return a header field; empty when it is absent."""
        return self._raw.headers.get(name) or ""

    def headers(self, name: str) -> list[str]:
        """Return each field of that name."""
        return self._raw.headers.getlist(name)

    def pieces(self) -> Iterator[bytes]:
        """Return the body piece by piece, as it comes.

        Raises:
            RegistryConnectionError: the connection ended early, or nothing came in time.
        """
        # What came before a connection breaks counts; urllib3 2.0 loses a part of it.
        read = getattr(self._raw, "read1", self._raw.read)
        while True:
            try:
                piece: bytes = read(PIECE_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise connection_error(error, self.request.shown_url) from error
            if not piece:
                return
            yield piece

    def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            RegistryContentError: it has more than `limit` bytes.
            RegistryConnectionError: the connection ended early, or nothing came in time.
        """
        body = self.read_start(limit + 1)
        if len(body) > limit:
            raise RegistryContentError(
                f"{self.request.shown_url} answered with more than {limit} bytes.",
                registry=urlsplit(self.request.url).netloc,
            )
        return body

    def read_start(self, limit: int) -> bytes:
        """Return the first bytes of the body, at most `limit` of them.

        Raises:
            RegistryConnectionError: the connection ended early, or nothing came in time.
        """
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) >= limit:
                break
        return bytes(body[:limit])

    def close(self) -> None:
        """Keep the connection for the next request if little of the body is left, else end it."""
        left = self._raw.length_remaining
        if left is not None and left <= PIECE_BYTES:
            self._raw.drain_conn()
            self._raw.release_conn()
        else:
            self._raw.close()


class Transport:
    """Sends requests; may be used by several threads, and in a process that was forked.

    Args:
        context: makes the TLS context; called when the first connection needs one.
        connect_timeout: seconds for a connection to be made.
        idle_timeout: seconds in which the other side may be silent.
        environ: the environment, for proxies.
        check_names: whether a certificate must be for the name that was asked for.
    """

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext],
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        idle_timeout: float = IDLE_TIMEOUT,
        environ: Mapping[str, str] = os.environ,
        check_names: bool = True,
    ) -> None:
        self._make_context = context
        self._check_names = None if check_names else False
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=idle_timeout)
        self._environ = environ
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, Proxy | None], urllib3.PoolManager] = {}
        self._owner = os.getpid()

    def send(self, request: Request) -> Response:
        """Send a request and return the response, its body unread.

        Raises:
            RegistryConnectionError: there was no whole response head.
            ConfigurationError: a TLS file or a proxy cannot be used.
        """
        pool = self._pool(urlsplit(request.url).scheme, self._proxy(request.url))
        headers = {"Accept-Encoding": "identity", **request.headers}
        if request.body is not None:
            size = request.body.size if isinstance(request.body, FileBody) else len(request.body)
            headers["Content-Length"] = str(size)
        elif request.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = "0"
        try:
            with _own_log_lines():
                raw = pool.urlopen(
                    request.method,
                    request.url,
                    body=request.body,
                    headers=headers,
                    redirect=False,
                    retries=False,
                    timeout=self._timeout,
                    preload_content=False,
                    decode_content=False,
                    enforce_content_length=True,
                    assert_same_host=False,
                )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _log.debug("%s %s: %s", request.method, request.shown_url, type(error).__name__)
            raise connection_error(error, request.shown_url) from error
        _log.debug("%s %s: %s", request.method, request.shown_url, raw.status)
        return Response(raw, request)

    def close(self) -> None:
        """End all connections. Another request opens new ones."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.clear()

    def _proxy(self, url: str) -> Proxy | None:
        parts = urlsplit(url)
        has_tls = parts.scheme == "https"
        port = parts.port or (443 if has_tls else 80)
        return find_proxy(parts.hostname or "", port, tls=has_tls, environ=self._environ)

    def _pool(self, scheme: str, proxy: Proxy | None) -> urllib3.PoolManager:
        with self._lock:
            if self._owner != os.getpid():
                # Forked: the connections belong to the parent.
                self._pools, self._owner = {}, os.getpid()
            pool = self._pools.get((scheme, proxy))
            if pool is None:
                pool = self._pools[scheme, proxy] = self._new_pool(scheme, proxy)
        return pool

    def _new_pool(self, scheme: str, proxy: Proxy | None) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": _KEPT_CONNECTIONS}
        if scheme == "https":  # old versions would give these to plain connections, too
            # Reading the system's authorities takes a tenth of a second.
            options["ssl_context"] = self._make_context()
            options["assert_hostname"] = self._check_names
        if proxy is None:
            return urllib3.PoolManager(**options)
        login = proxy.authorization
        headers = None if login is None else {"proxy-authorization": login}
        return urllib3.ProxyManager(proxy.url, proxy_headers=headers, **options)


_quiet: ContextVar[bool] = ContextVar("imagebuilders_distribution_quiet", default=False)


@contextmanager
def _own_log_lines() -> Iterator[None]:
    """Drop urllib3's log lines: they have whole URLs, and with them signatures and states."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _is_wanted(_: logging.LogRecord) -> bool:
    return not _quiet.get()


logging.getLogger("urllib3.connectionpool").addFilter(_is_wanted)
