"""Moto's services behind one door, for requests as the doubles read them.

https://docs.getmoto.org/en/latest/docs/server_mode.html
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from ..http.messages import Headers, Request, Response

logger = logging.getLogger(__name__)


class MotoServices:
    """S3, CloudWatch Logs, ECR's repositories, Secrets Manager, Parameter Store, STS and others.

    Moto keeps its state in the process: services made at the same time share it, and making
    them begins it anew.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._app: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        from moto.backends import get_backend

        for name in ("s3", "logs", "ecr", "secretsmanager", "ssm", "sts", "iam"):
            backends: Any = get_backend(name)
            for account in list(backends.values()):
                for backend in list(account.values()):
                    backend.reset()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        body = request.content
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], object]:
            del exc_info
            answered.append((status, headers))
            return lambda _: None

        try:
            found = self._app(_environ(request, body), start_response)
        except Exception:  # older versions fail at some requests, as the second end of an upload
            logger.exception("Moto failed at %s %s.", request.method, request.target)
            return Response.of(500)  # as the server that moto starts itself
        try:
            content = b"".join(found)
        finally:
            close = getattr(found, "close", None)
            if close is not None:
                close()
        status, headers = answered[-1]
        return Response(int(status.split()[0]), Headers(headers), content)


def _environ(request: Request, body: bytes) -> dict[str, object]:
    """Return a request as PEP 3333 has it."""
    path, _, query = request.target.partition("?")
    host, _, port = request.headers.get("Host", "localhost").partition(":")
    environ: dict[str, object] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("Content-Type"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_EXPECT"):
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
