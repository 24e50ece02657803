"""From a request to the function that answers it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from imagebuilders.exceptions import LayerFormatError

from ...images.tar import TarError
from ..errors import ApiError
from ..faults import apply_after, apply_before
from ..http import Request, Response, error_response
from ..versions import ERRORS_IN_JSON, numbers
from .table import Endpoint, table

if TYPE_CHECKING:
    from ..daemon import Daemon


class Router:
    """The API's endpoints over one engine."""

    def __init__(self, engine: Daemon) -> None:
        self._engine = engine

    def handle(self, request: Request) -> Response:
        """Answer a request; every failure becomes an error document."""
        faults = self._engine.faults.take(request)
        request.faults = tuple(fault.kind for fault in faults)
        if (planned := apply_before(faults, request, self._engine.sleep)) is not None:
            return planned
        return apply_after(faults, self._dispatch(request))

    def _dispatch(self, request: Request) -> Response:
        if "//" in request.path:
            return _elsewhere(request)
        found = _find(request)
        if found is None:
            return _not_found()
        endpoint, parts = found
        refused = self._check_version(request)
        if refused is not None:
            return refused
        try:
            return endpoint(self._engine, request, parts)
        except ApiError as error:
            return self._error(request, error.status, error.message)
        except (TarError, LayerFormatError) as error:
            return self._error(request, 500, str(error))

    def _error(self, request: Request, status: int, message: str) -> Response:
        if not self._engine.version.has(ERRORS_IN_JSON) and not _is_from(request.version, "1.24"):
            headers = {
                "Content-Type": "text/plain; charset=utf-8",
                "X-Content-Type-Options": "nosniff",
            }
            return Response(status, f"{message}\n".encode(), headers)
        return error_response(status, message)

    def _check_version(self, request: Request) -> Response | None:
        version, wanted = self._engine.version, request.version
        newest, oldest = version.api, version.minimum_api
        if wanted is None or (_is_from(wanted, oldest) and not _is_after(wanted, newest)):
            return None
        if _is_after(wanted, newest):
            message = (
                f"client version {wanted} is too new. "
                f"Maximum supported API version is {version.api}"
            )
        else:
            message = (
                f"client version {wanted} is too old. Minimum supported API version "
                f"is {version.minimum_api}, please upgrade your client to a newer version"
            )
        response = self._error(request, 400, message)
        response.omitted = ("Docker-Experimental",)
        return response


def _is_from(version: str | None, oldest: str) -> bool:
    return version is None or numbers(version) >= numbers(oldest)


def _is_after(version: str, newest: str) -> bool:
    return numbers(version) > numbers(newest)


def _find(request: Request) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint of a request, with the parts of its path."""
    if request.method == "OPTIONS":
        return _options, {}
    for found in table():
        if found.method == request.method and (match := found.pattern.fullmatch(request.path)):
            request.route = found.pattern.pattern
            return found.endpoint, match.groupdict()
    return None


def _options(_engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    return Response(200)


_OWN_HEADERS = ("Api-Version", "Docker-Experimental", "Ostype", "Server")


def _not_found() -> Response:
    """What is said before the engine's own headers are put on an answer."""
    response = error_response(404, "page not found")
    response.omitted = _OWN_HEADERS
    return response


def _elsewhere(request: Request) -> Response:
    """Where a path with a slash too many is meant to lead."""
    version = f"/v{request.version}" if request.version else ""
    place = version + quote(re.sub("/+", "/", request.path))
    if request.query:
        place += f"?{request.query}"
    return Response(301, b"", {"Location": place}, omitted=_OWN_HEADERS)
