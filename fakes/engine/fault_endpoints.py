"""Endpoints as faults name them: a method and a pattern for the path, as in `POST /build`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ..checks import check_text
from ..faults import split_endpoint

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
_TOKEN = re.compile(r"\[!?\]?[^\]]*\]|.", re.DOTALL)
_VERSION = re.compile(r"^/v[0-9.]+(?=/)")


def check_endpoint(endpoint: str, routes: Sequence[tuple[str, str]]) -> None:
    """Refuse an endpoint that no request of the engine's API asks for.

    Args:
        endpoint: a method and a pattern for the path.
        routes: method and path of what there is, with `*` for each part that is a name.

    Raises:
        TypeError: it is no text.
        ValueError: it has not the form of an endpoint, or the engine has none like it.
    """
    check_text("an endpoint", endpoint, "a str as in 'POST /build'")
    method, path = split_endpoint(endpoint)
    if method and method not in _METHODS:
        known = ", ".join(_METHODS)
        raise ValueError(f"no method {method!r} in the endpoint {endpoint!r}; known: {known}")
    if not path.startswith(("/", "*")):
        raise ValueError(f"no '/' before the path of {endpoint!r}; known: as in 'POST /build'")
    asked = [route for verb, route in routes if method in ("", "OPTIONS", verb)]
    if not any(_can_be_same(path, route) for route in asked):
        wanted = f"{method} {_VERSION.sub('', path)}".strip()
        near = difflib.get_close_matches(wanted, [" ".join(route) for route in routes], 1, 0)
        raise ValueError(f"the engine has no endpoint {endpoint!r}; the nearest is {near[0]!r}")


def _can_be_same(one: str, other: str) -> bool:
    """Whether there is a text that both shell patterns match.

    What stands in brackets is taken for any character: better a fault that never
    happens than a right one refused.
    """
    ones, others = _tokens(one), _tokens(other)
    seen: set[tuple[int, int]] = set()
    left = [(0, 0)]
    while left:
        i, j = place = left.pop()
        if place in seen:
            continue
        seen.add(place)
        if place == (len(ones), len(others)):
            return True
        a = ones[i] if i < len(ones) else ""
        b = others[j] if j < len(others) else ""
        if a == "*" or (b == "*" and a):
            left.append((i + 1, j))
        if b == "*" or (a == "*" and b):
            left.append((i, j + 1))
        if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
            left.append((i + 1, j + 1))
    return False


def _tokens(pattern: str) -> list[str]:
    return ["?" if len(token) > 1 else token for token in _TOKEN.findall(pattern)]
