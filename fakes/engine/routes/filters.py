"""The `filters` parameter of lists and prunes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from ... import go_text
from .. import messages
from ..errors import ApiError
from ..http import Request
from ..timestamps import parse_moment
from ..versions import EXACT_TIMES, OLDEST, VERSIONS, EngineVersion

_OLD = VERSIONS[OLDEST]

Filters = dict[str, list[str]]


def read_filters(
    request: Request, version: EngineVersion = _OLD, known: Iterable[str] | None = None
) -> Filters:
    """The filters of a request, each with its values.

    Raises:
        ApiError: when they cannot be read or one is unknown.
    """
    filters = _parsed(request.parameter("filters"), version)
    if known is not None:
        allowed = set(known)
        for name in filters:
            if name not in allowed:
                raise ApiError(400, messages.BAD_FILTER(version, name))
    return filters


def _parsed(text: str, version: EngineVersion) -> Filters:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _unreadable(go_text.json_error(text), version) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unreadable(_mismatch(value, "map[string]map[string]bool"), version)
    filters: Filters = {}
    for name, values in value.items():
        if isinstance(values, list) and all(isinstance(v, str) for v in values):
            filters[name] = values
        elif isinstance(values, dict):
            if wrong := next((on for on in values.values() if not isinstance(on, bool)), None):
                raise _unreadable(_mismatch(wrong, "bool"), version)
            filters[name] = [v for v, on in values.items() if on]
        elif values is not None:
            raise _unreadable(_mismatch(values, "map[string]bool"), version)
    return filters


def _mismatch(value: object, wanted: str) -> str:
    return f"json: cannot unmarshal {go_text.kind_of(value)} into Go value of type {wanted}"


def _unreadable(reason: str, version: EngineVersion) -> ApiError:
    return ApiError(400, "invalid filter") if version >= "23.0" else ApiError(500, reason)


def truth(filters: Filters, name: str, version: EngineVersion) -> bool | None:
    """A filter that is true or false; `None` when it is not given.

    Raises:
        ApiError: 400 on any other value.
    """
    if name not in filters:
        return None
    values = set(filters[name])
    if version < "23.0" and values & {"true", "1"}:
        return True
    if values and values <= {"true", "1"}:
        return True
    if values and values <= {"false", "0"}:
        return False
    raise ApiError(400, messages.BAD_FILTER(version, f"{name}=[{' '.join(filters[name])}]"))


def parse_boolean(values: list[str], name: str) -> bool:
    """The one value of a filter, as Go reads booleans.

    Raises:
        ApiError: 400 when it is none.
    """
    if len(values) != 1:
        raise ApiError(400, f"invalid filter '{name}': only one value is expected")
    if values[0] not in go_text.BOOLEANS:
        reason = f"strconv.ParseBool: parsing {go_text.quote(values[0])}: invalid syntax"
        raise ApiError(400, f"invalid filter '{name}': {reason}")
    return go_text.BOOLEANS[values[0]]


def older_than(
    filters: Filters, now: int, version: EngineVersion, *, status: int, several: bool = False
) -> int | None:
    """The moment that an `until` filter names, in nanoseconds; `None` without one.

    Args:
        filters: of the request.
        now: nanoseconds since the epoch.
        version: whose words a refusal has.
        status: of the refusal.
        several: of several moments the first is taken; else they are refused.

    Raises:
        ApiError: when it is no moment, or there are several.
    """
    values = filters.get("until", [])
    if len(values) > 1 and not several:
        raise ApiError(status, "more than one until filter specified")
    exact = version.has(EXACT_TIMES)
    try:
        return min((parse_moment(value, now, exact=exact) for value in values), default=None)
    except ValueError as error:
        raise ApiError(status, str(error)) from error


def labels_match(labels: dict[str, str], wanted: Iterable[str]) -> bool:
    """Whether labels have all that a `label` filter asks for."""
    for item in wanted:
        name, equals, value = item.partition("=")
        if name not in labels or (equals and labels[name] != value):
            return False
    return True


def without_labels(labels: dict[str, str], filters: Filters) -> bool:
    """Whether labels have nothing that a `label!` filter excludes."""
    excluded = filters.get("label!", [])
    return not excluded or not labels_match(labels, excluded)


def name_matches(name: str, wanted: list[str] | None) -> bool:
    """Whether a `name` filter, whose values are expressions, lets a name pass."""
    return wanted is None or any(is_found(expression, name) for expression in wanted)


def is_found(expression: str, *texts: str) -> bool:
    """Whether a text has an expression in it; what is none is looked for as it is."""
    try:
        return any(re.search(expression, text) for text in texts)
    except re.error:
        return expression in texts


def image_older_than(
    filters: Filters, now: int, version: EngineVersion, *, several: bool = False
) -> int | None:
    """As `older_than` for images, of which engines tell otherwise what is wrong.

    Raises:
        ApiError: when it is no moment, or there are several.
    """
    if not version.has(EXACT_TIMES):
        return older_than(filters, now, version, status=500, several=several)
    try:
        return older_than(filters, now, version, status=400, several=several)
    except ApiError as error:
        if len(filters["until"]) > 1 and not several:
            raise
        raise ApiError(400, f"invalid value for 'until' filter: {error.message}") from error
