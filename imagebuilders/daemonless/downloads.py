"""What ADD names by its URL, fetched by HTTP."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions

from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.steps import UrlSource
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.proxies import find_proxy

MAX_DOWNLOAD_BYTES = 16 * 1024**3
"""The most bytes of one file."""
_PIECE_BYTES = 256 * 1024
_TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
_REDIRECTS = 10
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class HttpDownloads:
    """Fetches files; it is an `imagebuilders.evaluation.questions.Downloads`.

    Args:
        environ: the environment, for proxies.
        max_bytes: the most bytes of one file.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, *, max_bytes: int = MAX_DOWNLOAD_BYTES
    ) -> None:
        self._environ = environ
        self._max_bytes = max_bytes

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at a URL.

        Raises:
            ImageBuilderError: it cannot be fetched; also from the pieces.
        """
        with closing(_Fetch(source.url, self._environ)) as fetch:
            raw = fetch.open()
            if raw.status != 200:
                raise ImageBuilderError(f"invalid response status {raw.status}")
            yield Download(self._pieces(raw, source.url), _last_modified(raw))

    def _pieces(self, raw: urllib3.BaseHTTPResponse, url: str) -> Iterator[bytes]:
        total = 0
        while True:
            try:
                piece = raw.read(_PIECE_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise _unreachable(url, error) from error
            if not piece:
                return
            total += len(piece)
            if total > self._max_bytes:
                raise ImageBuilderError(f"{_shown(url)} has more than {self._max_bytes} bytes")
            yield piece


class _Fetch:
    """One file on its way, over as many redirects as it takes."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self._url = url
        self._environ = environ
        self._open: list[urllib3.PoolManager | urllib3.BaseHTTPResponse] = []

    def open(self) -> urllib3.BaseHTTPResponse:
        """Return the response, its body unread."""
        retries = urllib3.Retry(
            3,
            redirect=_REDIRECTS,
            status_forcelist=_TRANSIENT,
            backoff_factor=0.5,
            raise_on_status=False,
        )
        try:
            pool = self._pool()
            raw = pool.request(
                "GET",
                self._url,
                headers={"Accept-Encoding": "identity", "User-Agent": "imagebuilders"},
                retries=retries,
                timeout=_TIMEOUT,
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _unreachable(self._url, error) from error
        self._open.append(raw)
        return raw

    def _pool(self) -> urllib3.PoolManager:
        parts = urlsplit(self._url)
        has_tls = parts.scheme == "https"
        port = parts.port or (443 if has_tls else 80)
        proxy = find_proxy(parts.hostname or "", port, tls=has_tls, environ=self._environ)
        context = ssl.create_default_context() if has_tls or proxy is not None else None
        if proxy is None:
            made = urllib3.PoolManager(ssl_context=context)
        else:
            login = proxy.authorization
            made = urllib3.ProxyManager(
                proxy.url,
                proxy_headers=None if login is None else {"proxy-authorization": login},
                ssl_context=context,
            )
        self._open.append(made)
        return made

    def close(self) -> None:
        """End the connections."""
        for opened in reversed(self._open):
            if isinstance(opened, urllib3.PoolManager):
                opened.clear()
            else:
                opened.close()


def _last_modified(raw: urllib3.BaseHTTPResponse) -> int:
    try:
        return int(parsedate_to_datetime(raw.headers.get("Last-Modified") or "").timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0


def _unreachable(url: str, error: Exception) -> ImageBuilderError:
    return ImageBuilderError(f"{_shown(url)} cannot be fetched: {type(error).__name__}")


def _shown(url: str) -> str:
    """Return a URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
