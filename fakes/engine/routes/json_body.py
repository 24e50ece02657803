"""Bodies of requests that are JSON documents."""

from __future__ import annotations

import json
from typing import Any

from fakes.engine import go_text
from fakes.engine.containers.words import ContainerWords
from fakes.engine.errors import ApiError
from fakes.engine.http import Request

_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}


def json_body(
    request: Request,
    words: ContainerWords,
    kind: str,
    *,
    empty: bool = False,
    old_status: int = 400,
) -> dict[str, Any] | None:
    """The document of a request; `None` when it says `null` or nothing.

    Args:
        request: whose body it is.
        words: of the version.
        kind: the type that the engine reads, named in its messages.
        empty: a request without a body is good, too.
        old_status: with which older engines refuse a body.

    Raises:
        ApiError: when it is no JSON, or no object.
    """
    body = request.body
    if not body and empty:
        return None
    refused_with = 400 if words.modern else old_status
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if body and content_type != "application/json":
        raise ApiError(400, words.bad_content_type(content_type))
    text = body.decode("utf-8", "replace")
    if not text.strip():
        if words.modern or old_status == 400:
            raise _refused(words, "got EOF while reading request body", refused_with)
        raise _refused(words, "EOF", refused_with)
    try:
        value = json.loads(text)
    except ValueError as error:
        reason = go_text.json_error(text) or str(error)
        raise _refused(words, reason, refused_with) from error
    if value is None:
        return None
    if not isinstance(value, dict):
        found = _KINDS[type(value)]
        reason = f"json: cannot unmarshal {found} into Go value of type {kind}"
        raise _refused(words, reason, refused_with)
    return value


def field_error(words: ContainerWords, found: str, field: str, wanted: str) -> ApiError:
    """A field that is of another type than it must be."""
    reason = f"json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"
    return _refused(words, reason, 400)


def _refused(words: ContainerWords, reason: str, status: int) -> ApiError:
    return ApiError(status, f"invalid JSON: {reason}" if words.modern else reason)
