"""The `filters` parameter of lists and prunes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal

from fakes.engine import go_text
from fakes.engine.errors import ApiError
from fakes.engine.http import Request
from fakes.engine.messages import Words

_OLD = Words()
_NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|ms|s|m|h)")
_DURATION = re.compile(rf"[-+]?(?:{_PART.pattern})+")
_SECONDS = re.compile(r"\d+(?:\.\d{1,9})?")


def read_filters(
    request: Request, words: Words = _OLD, known: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """The filters of a request, each with its values.

    Raises:
        ApiError: 400 when they cannot be read or one is unknown.
    """
    text = request.parameter("filters")
    if not text:
        return {}
    try:
        value = json.loads(text)
        filters = {
            str(name): [str(v) for v in values]
            if isinstance(values, list)
            else [v for v, on in values.items() if on]
            for name, values in value.items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        reason = "invalid filter" if words.modern else go_text.json_error(text)
        raise ApiError(400, reason or "invalid filter") from error
    if known is not None:
        allowed = set(known)
        for name in filters:
            if name not in allowed:
                raise ApiError(400, words.bad_filter(name))
    return filters


def truth(filters: dict[str, list[str]], name: str, words: Words) -> bool | None:
    """A filter that is true or false; `None` when it is not given.

    Raises:
        ApiError: 400 on any other value.
    """
    if name not in filters:
        return None
    values = set(filters[name])
    if values and values <= {"true", "1"}:
        return True
    if values and values <= {"false", "0"}:
        return False
    raise ApiError(400, words.bad_filter(f"{name}=[{' '.join(filters[name])}]"))


def labels_match(labels: dict[str, str], wanted: Iterable[str]) -> bool:
    """Whether labels have all that a `label` filter asks for."""
    for item in wanted:
        name, equals, value = item.partition("=")
        if name not in labels or (equals and labels[name] != value):
            return False
    return True


def moment(text: str, now: int) -> int:
    """A moment as clients name it, in nanoseconds since the epoch: a time or how long ago.

    Raises:
        ApiError: 500 when it is neither, as the engine answers.
    """
    if _DURATION.fullmatch(text):
        past = sum(float(n) * _NANOSECONDS[unit] for n, unit in _PART.findall(text))
        return now - int(-past if text.startswith("-") else past)
    if _SECONDS.fullmatch(text):
        return int(Decimal(text) * 1_000_000_000)
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise ApiError(
            500, f"failed to parse value as time or duration: {go_text.quote(text)}"
        ) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return int(found.timestamp()) * 1_000_000_000
