"""From a request to the function that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from fakes.engine.errors import ApiError
from fakes.engine.faults import apply_after, apply_before
from fakes.engine.http import Request, Response, error_response
from fakes.engine.images.tar import TarError

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Endpoint = Callable[["FakeDockerEngine", Request, dict[str, str]], Response]
Route = tuple[str, str, Endpoint]


def not_implemented(_engine: FakeDockerEngine, request: Request, _path: dict[str, str]) -> Response:
    """An endpoint that says by name that the double does not have it."""
    words = f"the engine double does not implement {request.method} {request.path}"
    return error_response(501, words)


class Router:
    """The API's endpoints over one engine."""

    def __init__(self, engine: FakeDockerEngine) -> None:
        self._engine = engine

    def handle(self, request: Request) -> Response:
        """Answer a request; every failure becomes an error document."""
        fault = self._engine.faults.take(request)
        if fault is not None and (planned := apply_before(fault)) is not None:
            return planned
        response = self._dispatch(request)
        return response if fault is None else apply_after(fault, response)

    def _dispatch(self, request: Request) -> Response:
        refused = self._check_version(request)
        if refused is not None:
            return refused
        for method, pattern, endpoint in table():
            if method != request.method and not (method == "GET" and request.method == "HEAD"):
                continue
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            request.route = pattern.pattern
            try:
                return endpoint(self._engine, request, match.groupdict())
            except ApiError as error:
                return error_response(error.status, error.message)
            except TarError as error:
                return error_response(500, str(error))
        return error_response(404, "page not found")

    def _check_version(self, request: Request) -> Response | None:
        if request.version is None:
            return None
        version = self._engine.version
        try:
            wanted = tuple(int(part) for part in request.version.split("."))
        except ValueError:
            return error_response(400, "page not found")
        if wanted > tuple(int(part) for part in version.api.split(".")):
            return error_response(
                400,
                f"client version {request.version} is too new. "
                f"Maximum supported API version is {version.api}",
            )
        if wanted < tuple(int(part) for part in version.minimum_api.split(".")):
            return error_response(
                400,
                f"client version {request.version} is too old. Minimum supported API version "
                f"is {version.minimum_api}, please upgrade your client to a newer version",
            )
        return None


_TABLE: list[tuple[str, re.Pattern[str], Endpoint]] = []


def table() -> list[tuple[str, re.Pattern[str], Endpoint]]:
    """Every endpoint, in the order in which they are tried."""
    if not _TABLE:
        _TABLE.extend(_compiled())
    return _TABLE


def _compiled() -> list[tuple[str, re.Pattern[str], Endpoint]]:
    from fakes.engine.routes import (
        build,
        container_files,
        containers,
        distribution,
        images,
        missing,
        networks,
        system,
    )

    routes: list[Route] = [
        *system.ROUTES,
        *images.ROUTES,
        *build.ROUTES,
        *container_files.ROUTES,
        *containers.ROUTES,
        *distribution.ROUTES,
        *networks.ROUTES,
        *((m, p, not_implemented) for m, p in missing.ROUTES),
    ]
    return [(method, compile_pattern(pattern), endpoint) for method, pattern, endpoint in routes]


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """`/images/{name:.*}/json` as an expression."""
    parts = re.split(r"(\{\w+(?::[^}]*)?\})", pattern)
    out = []
    for part in parts:
        if part.startswith("{"):
            name, _, expression = part[1:-1].partition(":")
            out.append(f"(?P<{name}>{expression or '[^/]+'})")
        else:
            out.append(re.escape(part))
    return re.compile("".join(out), re.DOTALL)
