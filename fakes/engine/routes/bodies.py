"""The JSON body of a request, and why it cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import go_text
from .. import messages
from ..errors import ApiError
from ..go_json import MismatchError, Struct, read
from ..http import Request
from ..versions import BODIES_OF_ONE_KIND, STRICT_JSON, ByVersion

if TYPE_CHECKING:
    from ..daemon import Daemon

Types = ByVersion[Struct]
"""What a body is read into."""

_NOTHING = "EOF"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")


def json_body(engine: Daemon, request: Request, types: Types) -> dict[str, Any]:
    """The object in a request's body; without one empty, which older engines refuse.

    Raises:
        ApiError: 400 when it is none.
    """
    strict = engine.version.has(STRICT_JSON)
    _check_type(request, strict=strict)
    if strict and not request.content:
        return {}
    return _document(engine, request, types, _invalid if strict else _unread)


def config_body(
    engine: Daemon, request: Request, types: Types, *, optional: bool = False
) -> dict[str, Any]:
    """A container's configuration in a request's body.

    Args:
        engine: whose version decides.
        request: which.
        types: what the body is read into.
        optional: a request without one is good, too.

    Raises:
        ApiError: when it is none; 500 from older engines, 400 from newer ones.
    """
    newer = engine.version.has(BODIES_OF_ONE_KIND)
    if optional and newer:
        return json_body(engine, request, types)
    strict = engine.version.has(STRICT_JSON)
    _check_type(request, strict=strict)
    if optional and not request.content.strip():
        return {}
    return _document(
        engine, request, types, _unexplained if newer else _invalid if strict else _failed
    )


def login_body(engine: Daemon, request: Request, types: Types) -> dict[str, Any]:
    """The credentials with which a request's body begins, whatever that is said to be.

    Raises:
        ApiError: when there are none: 500 from older engines, 400 from newer ones.
    """
    newer = engine.version.has(BODIES_OF_ONE_KIND)
    return _document(engine, request, types, _no_header if newer else _failed, alone=False)


def credentials_body(engine: Daemon, request: Request, types: Types) -> dict[str, Any]:
    """The credentials in the body of a push, where clients put them that know no header.

    Raises:
        ApiError: 400 when there are none.
    """

    def refusal(reason: str) -> ApiError:
        return ApiError(400, messages.NO_CREDENTIALS(engine.version, reason))

    return _document(engine, request, types, refusal, alone=False)


def _document(
    engine: Daemon,
    request: Request,
    types: Types,
    refusal: Callable[[str], ApiError],
    *,
    alone: bool = True,
) -> dict[str, Any]:
    text = request.content.decode("utf-8", "replace").strip()
    if not text:
        raise refusal(_NOTHING)
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError as error:
        raise refusal(go_text.json_error(text)) from error
    in_full = engine.version >= "28.0"
    try:
        body: dict[str, Any] = read(value, types.of(engine.version), in_full=in_full) or {}
    except MismatchError as error:
        raise refusal(str(error)) from error
    if alone and engine.version.has(STRICT_JSON) and text[end:]:
        raise ApiError(400, "unexpected content after JSON")
    return body


def _failed(reason: str) -> ApiError:
    return ApiError(500, reason)


def _unread(reason: str) -> ApiError:
    return ApiError(400, _explained(reason))


def _invalid(reason: str) -> ApiError:
    return ApiError(400, f"invalid JSON: {_explained(reason)}")


def _unexplained(reason: str) -> ApiError:
    return ApiError(400, f"invalid JSON: {reason}")


def _no_header(reason: str) -> ApiError:
    # Newer engines say that of a body, too.
    return ApiError(400, f"invalid X-Registry-Auth header: invalid JSON: {reason}")


def _explained(reason: str) -> str:
    return "got EOF while reading request body" if reason == _NOTHING else reason


def _check_type(request: Request, *, strict: bool) -> None:
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip()
    if kind.lower() == "application/json":
        return
    if not given and not request.content:
        return
    if not strict:
        raise ApiError(400, f"Content-Type specified ({given}) must be 'application/json'")
    if reason := _malformed(kind):
        raise ApiError(400, f"malformed Content-Type header ({given}): mime: {reason}")
    raise ApiError(400, f"unsupported Content-Type header ({given}): must be 'application/json'")


def _malformed(kind: str) -> str:
    """Why a text is no media type, empty when it is one."""
    first, rest = _token(kind)
    if not first:
        return "no media type"
    if not rest:
        return ""
    if not rest.startswith("/"):
        return "expected slash after first token"
    second, rest = _token(rest[1:])
    if not second:
        return "expected token after slash"
    return "unexpected content after media subtype" if rest else ""


def _token(text: str) -> tuple[str, str]:
    match = _TOKEN.match(text)
    end = match.end() if match else 0
    return text[:end], text[end:]
