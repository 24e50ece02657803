"""The JSON body of a request, and why it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakes.engine import go_text
from fakes.engine.errors import ApiError
from fakes.engine.http import Request

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_TYPES: Mapping[str, type] = {
    "string": str,
    "bool": bool,
    "map[string]string": dict,
}


@dataclass(frozen=True)
class Shape:
    """What an engine reads a body into, by which it names what does not fit.

    Attributes:
        names: its type, by engine version.
        fields: the types of its fields.
        embedded: the part of it, by engine version, that holds all fields but `Name`.
    """

    names: Mapping[str, str]
    fields: Mapping[str, str]
    embedded: Mapping[str, str]

    def mismatch(self, value: Any, version: str) -> str:
        """What is wrong with a body, empty when nothing is."""
        name = self.names[version]
        if value is not None and not isinstance(value, dict):
            return _mismatch(value, "value", name)
        place = name.rpartition(".")[2]
        for field, kind in self.fields.items():
            found = (value or {}).get(field)
            if found is not None and not isinstance(found, _TYPES[kind]):
                part = self.embedded.get(version, "") if field != "Name" else ""
                return _mismatch(found, f"struct field {place}{part}.{field}", kind)
        return ""


def _mismatch(value: object, place: str, kind: str) -> str:
    found = go_text.kind_of(value)
    return f"json: cannot unmarshal {found} into Go {place} of type {kind}"


def json_body(engine: FakeDockerEngine, request: Request, shape: Shape) -> dict[str, Any]:
    """The object in a request's body.

    Raises:
        ApiError: 400 when it is none.
    """
    modern = engine.version.modern
    _check_type(request, modern=modern)
    text = request.body.decode("utf-8", "replace")
    if not text.strip():
        if modern:
            return {}
        raise ApiError(400, "got EOF while reading request body")
    try:
        value, end = json.JSONDecoder().raw_decode(text.lstrip())
    except ValueError as error:
        raise _refusal(go_text.json_error(text), modern=modern) from error
    if reason := shape.mismatch(value, engine.version.name):
        raise _refusal(reason, modern=modern)
    if modern and text.lstrip()[end:].strip():
        raise ApiError(400, "unexpected content after JSON")
    return value or {}


def _refusal(reason: str, *, modern: bool) -> ApiError:
    return ApiError(400, f"invalid JSON: {reason}" if modern else reason)


def _check_type(request: Request, *, modern: bool) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() == "application/json":
        return
    if not given and not request.body:
        return
    if not modern:
        raise ApiError(400, f"Content-Type specified ({given}) must be 'application/json'")
    if not given:
        raise ApiError(400, "malformed Content-Type header (): mime: no media type")
    raise ApiError(400, f"unsupported Content-Type header ({given}): must be 'application/json'")
