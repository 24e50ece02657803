"""The JSON body of a request, and why it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fakes.engine import go_text
from fakes.engine.errors import ApiError
from fakes.engine.go_json import MismatchError, Struct, read
from fakes.engine.http import Request

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine


def json_body(
    engine: FakeDockerEngine, request: Request, types: Mapping[str, Struct]
) -> dict[str, Any]:
    """The object in a request's body.

    Args:
        engine: whose version decides.
        request: which.
        types: what the body is read into, by engine version.

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
    kind = types[engine.version.name]
    try:
        body: dict[str, Any] = read(value, kind, in_full=engine.version.words.newest) or {}
    except MismatchError as error:
        raise _refusal(str(error), modern=modern) from error
    if modern and text.lstrip()[end:].strip():
        raise ApiError(400, "unexpected content after JSON")
    return body


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
