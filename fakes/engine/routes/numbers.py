"""Numbers and moments in queries, and what the engine says of those that are none."""

from __future__ import annotations

import re

from ..errors import ApiError
from ..http import Request
from ..timestamps import parse_stamp


def integer(text: str, status: int) -> int:
    """An integer of a query.

    Raises:
        ApiError: of the given status, when it is none.
    """
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ApiError(status, f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def moment(request: Request, name: str) -> int | None:
    """A moment of a query in nanoseconds since the epoch; `None` without one.

    Raises:
        ApiError: 500 when it is no number of seconds.
    """
    text = request.parameter(name)
    try:
        return parse_stamp(text) if text else None
    except ValueError as error:
        raise ApiError(500, str(error)) from error
