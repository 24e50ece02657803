"""A service that speaks just enough of S3's protocol, and none of what AWS added in 2025.

It refuses checksum headers, trailers and conditions, as several services do that people use in
place of S3. The client under test is the real one.
"""

from __future__ import annotations

import ssl
import threading
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit


class S3LookAlike:
    """Listens on a free port of 127.0.0.1.

    Attributes:
        objects: the content of each object, by `/bucket/key`.
        refused: the headers that requests were refused for, in order.
        url: its address.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, bytes] = {}
        self.refused: list[str] = []
        outer = self

        class Handler(_Handler):
            service = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def __enter__(self) -> S3LookAlike:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    service: S3LookAlike
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        unknown = [name for name in self.headers if _is_new(name.lower(), self.headers[name])]
        if unknown:
            self.service.refused += unknown
            self._answer(400, _error("InvalidArgument", f"Unsupported header {unknown[0]}"))
            return
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        getattr(self, f"_on_{self.command.lower()}")(url.path, query, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815

    def _on_put(self, path: str, query: dict[str, str], body: bytes) -> None:
        if "partNumber" in query:
            self.service.parts[query["partNumber"]] = body
        else:
            self.service.objects[path] = body
        tag = md5(body, usedforsecurity=False).hexdigest()
        self._answer(200, b"", ETag=f'"{tag}"')

    def _on_post(self, path: str, query: dict[str, str], _: bytes) -> None:
        if "uploads" in query:
            begun = "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
            self._answer(200, f"{begun}</InitiateMultipartUploadResult>".encode())
            return
        parts = self.service.parts
        self.service.objects[path] = b"".join(parts[number] for number in sorted(parts, key=int))
        parts.clear()
        self._answer(200, b"<CompleteMultipartUploadResult/>")

    def _on_get(self, path: str, _: dict[str, str], __: bytes) -> None:
        content = self.service.objects.get(path)
        if content is None:
            self._answer(404, _error("NoSuchKey", "no such key"))
        else:
            self._answer(200, content)

    _on_head = _on_get

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_new(name: str, value: str) -> bool:
    return (
        name.startswith(("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer", "if-none-match"))
        or "aws-chunked" in value
        or "STREAMING" in value
    )


def _error(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
