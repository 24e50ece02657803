"""The API's endpoints, each put here by the function that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

from .. import routes
from ..http import Request, Response, error_response
from .missing import ROUTES

if TYPE_CHECKING:
    from ..daemon import Daemon

Endpoint = Callable[["Daemon", Request, dict[str, str]], Response]


class Route(NamedTuple):
    """An endpoint, and the requests that it answers."""

    method: str
    pattern: re.Pattern[str]
    endpoint: Endpoint


_NAMED = re.compile(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)")
_ROUTES: list[Route] = []


def route(method: str, pattern: str) -> Callable[[Endpoint], Endpoint]:
    """Let a function answer requests.

    Args:
        method: as in `GET`.
        pattern: as in `/images/{name:.*}/json`; no two match the same path.
    """

    def add(endpoint: Endpoint) -> Endpoint:
        _ROUTES.append(Route(method, _compiled(pattern), endpoint))
        return endpoint

    return add


@cache
def table() -> list[Route]:
    """Every endpoint; those that are not implemented, which have wide patterns, last."""
    for module in iter_modules(routes.__path__, f"{routes.__name__}."):
        import_module(module.name)
    missing = [Route(method, _compiled(pattern), not_implemented) for method, pattern in ROUTES]
    return [*_ROUTES, *missing]


def endpoints() -> list[tuple[str, str]]:
    """Return method and path of every endpoint, with `*` for each part that is a name."""
    return [(found.method, _NAMED.sub("*", found.pattern.pattern)) for found in table()]


def not_implemented(_engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    """Say by name that the double does not have an endpoint."""
    words = f"the engine double does not implement {request.method} {request.path}"
    return error_response(501, words)


def _compiled(pattern: str) -> re.Pattern[str]:
    """`/images/{name:.*}/json` as an expression."""
    parts = re.split(r"(\{\w+(?::[^}]*)?\})", pattern)
    out = []
    for part in parts:
        if part.startswith("{"):
            name, _, expression = part[1:-1].partition(":")
            # Clients ask for a container by its name as a list shows it: with a slash.
            out.append(f"(?P<{name}>{expression or '/?[^/]+'})")
        else:
            out.append(re.escape(part))
    return re.compile("".join(out), re.DOTALL)
