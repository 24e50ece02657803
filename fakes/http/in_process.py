"""Reaching a double in-process: the `requests` library, no socket."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from .http1 import complete
from .messages import Buffer, ConnectionCutError, Headers, Request, Response

_PIECE = 1 << 20


class InProcessAdapter(BaseAdapter):
    """Sends the requests of a `requests.Session` to a double in the same process."""

    def __init__(self, handle: Callable[[Request], Response]) -> None:
        super().__init__()
        self._handle = handle
        self._builder = HTTPAdapter()

    def send(
        self, request: requests.PreparedRequest, *_: Any, **_options: Any
    ) -> requests.Response:
        """Answer a request; time limits, proxies and certificates mean nothing here.

        Raises:
            requests.ConnectionError: a fault cut the connection.
        """
        parts = urlsplit(request.url or "")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = Headers(
            (str(name), value if isinstance(value, str) else value.decode("latin-1"))
            for name, value in request.headers.items()
        )
        if "Host" not in headers:
            headers.add("Host", parts.netloc)
        method = (request.method or "GET").upper()
        message = Request(method, target, headers, _pieces(request.body), parts.scheme)
        try:
            response = self._handle(message)
        except ConnectionCutError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        return self._builder.build_response(request, _urllib3_response(response, method))

    def close(self) -> None:
        """Nothing to let go of."""
        self._builder.close()


def in_process_session(url: str, handle: Callable[[Request], Response]) -> requests.Session:
    """A session whose requests to a double's address stay in this process."""
    session = requests.Session()
    session.trust_env = False
    session.mount(url, InProcessAdapter(handle))
    return session


def _pieces(body: object) -> Iterable[Buffer]:
    """A body as `requests` takes it: nothing, text, bytes, a file or an iterable of bytes."""
    if body is None:
        return ()
    if isinstance(body, str):
        return (body.encode(),)
    if isinstance(body, (bytes, bytearray, memoryview)):
        return (body,)
    read: Callable[[int], bytes] | None = getattr(body, "read", None)
    if read is not None:
        return iter(lambda: read(_PIECE), b"")
    if isinstance(body, Iterable):
        return body
    raise TypeError(f"no body: {type(body).__name__}")


def _urllib3_response(response: Response, method: str) -> HTTPResponse:
    complete(response)
    body = response.body if response.cut_after is None else response.body[: response.cut_after]
    return HTTPResponse(
        body=io.BytesIO(body),
        headers=HTTPHeaderDict(iter(response.headers)),
        status=response.status,
        version=11,
        reason="",
        preload_content=False,
        request_method=method,
        enforce_content_length=True,
    )
