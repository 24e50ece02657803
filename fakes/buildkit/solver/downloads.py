"""What ADD names by URL: fetched from this machine alone, for a double goes to no network."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.steps import UrlSource
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.proxies import is_loopback

from .urls import problem_of_url, shown_url

_SECONDS = 30.0
_PIECE = 64 * 1024


class LoopbackDownloads:
    """Fetches from servers on this machine; it is an `imagebuilders.evaluation` `Downloads`."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at a URL.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        url = source.url
        if problem := problem_of_url(url):
            raise ImageBuilderError(problem)
        if not is_loopback(urlsplit(url).hostname or ""):
            raise ImageBuilderError(refused_download(url))
        try:
            response = self._opener.open(url, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            error.close()
            raise ImageBuilderError(f"invalid response status {error.code}") from error
        except OSError as error:
            raise ImageBuilderError(refused_download(url)) from error
        with response:
            date = response.headers.get("Last-Modified")
            modified = int(parsedate_to_datetime(date).timestamp()) if date else 0
            yield Download(iter(lambda: response.read(_PIECE), b""), modified)


def refused_download(url: str) -> str:
    """Return why a download fails of a machine without a network, in a daemon's words."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.replace(".", "").isdigit():
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f'Get "{shown_url(url)}": dial tcp {host}:{port}: connect: connection refused'
    return f'Get "{shown_url(url)}": dial tcp: lookup {host}: no such host'
