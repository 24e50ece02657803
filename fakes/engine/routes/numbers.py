"""Numbers and moments in queries, and what the engine says of those that are none."""

from __future__ import annotations

import re

from ..errors import ApiError
from ..http import Request
from ..timestamps import parse_stamp
from ..versions import EXACT_TIMES, EngineVersion


def integer(text: str, status: int) -> int:
    """An integer of a query.

    Raises:
        ApiError: of the given status, when it is none.
    """
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ApiError(status, f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def moment(request: Request, name: str, version: EngineVersion, *, quotes: str = "'") -> int | None:
    """A moment of a query in nanoseconds since the epoch; `None` without one.

    Args:
        request: which.
        name: of the parameter.
        version: whose words a refusal has.
        quotes: around the name of the parameter in a newer engine's refusal.

    Raises:
        ApiError: when it is no number of seconds: 400 from newer engines, 500 from older ones.
    """
    text = request.parameter(name)
    exact = version.has(EXACT_TIMES)
    try:
        return parse_stamp(text, exact=exact) if text else None
    except ValueError as error:
        if exact:
            raise ApiError(400, f"invalid value for {quotes}{name}{quotes}: {error}") from error
        raise ApiError(500, str(error)) from error
