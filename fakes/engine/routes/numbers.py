"""Numbers in queries, and what the engine says of those that are none."""

from __future__ import annotations

import re

from fakes.engine.errors import ApiError


def integer(text: str, status: int) -> int:
    """An integer of a query.

    Raises:
        ApiError: of the given status, when it is none.
    """
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ApiError(status, f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def moment(text: str) -> float | None:
    """Seconds since the epoch; `None` when a query gives none, or 0.

    Raises:
        ApiError: 500 when it is no number.
    """
    if not text:
        return None
    whole, _, fraction = text.partition(".")
    for part in (whole, fraction or "0"):
        if not re.fullmatch(r"-?\d+", part):
            raise ApiError(500, f'strconv.ParseInt: parsing "{part}": invalid syntax')
    return float(text) or None
