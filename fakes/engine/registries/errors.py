"""What the engine makes of a registry's refusals: its words, and whether it tries again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from imagebuilders.distribution.transport import Response
from imagebuilders.oci.media_types import essence

from ... import go_text
from ...http.reasons import REASONS

# What each code means when the registry adds nothing of its own (distribution specification,
# "Error Codes"), and the status an engine answers with.
_CODES: dict[str, tuple[str, int]] = {
    "BLOB_UNKNOWN": ("blob unknown to registry", 404),
    "BLOB_UPLOAD_INVALID": ("blob upload invalid", 404),
    "BLOB_UPLOAD_UNKNOWN": ("blob upload unknown to registry", 404),
    "DENIED": ("requested access to the resource is denied", 403),
    "DIGEST_INVALID": ("provided digest did not match uploaded content", 400),
    "MANIFEST_BLOB_UNKNOWN": ("blob unknown to registry", 400),
    "MANIFEST_INVALID": ("manifest invalid", 400),
    "MANIFEST_UNKNOWN": ("manifest unknown", 404),
    "MANIFEST_UNVERIFIED": ("manifest failed signature verification", 400),
    "NAME_INVALID": ("invalid repository name", 400),
    "NAME_UNKNOWN": ("repository name not known to registry", 404),
    "SIZE_INVALID": ("provided length did not match content length", 400),
    "TAG_INVALID": ("manifest tag did not match URI", 400),
    "TOOMANYREQUESTS": ("too many requests", 429),
    "UNAUTHORIZED": ("authentication required", 401),
    "UNAVAILABLE": ("service unavailable", 503),
    "UNKNOWN": ("unknown error", 500),
    "UNSUPPORTED": ("The operation is unsupported.", 405),
}
_FINAL = frozenset({"UNAUTHORIZED", "UNSUPPORTED", "DENIED", "TOOMANYREQUESTS", "NAME_UNKNOWN"})
_NOT_FOUND = frozenset({"DENIED", "MANIFEST_UNKNOWN", "NAME_UNKNOWN"})
_CHALLENGES = {"invalid_token": "UNAUTHORIZED", "insufficient_scope": "DENIED"}
_BY_STATUS = {401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}


@dataclass(frozen=True)
class Reason:
    """One entry of a registry's error document.

    Attributes:
        code: a code of the specification.
        message: the registry's words.
        bare: nothing but the code's own meaning; an engine sees less in such an entry.
    """

    code: str
    message: str = ""
    bare: bool = False

    def __str__(self) -> str:
        words = self.code.lower().replace("_", " ")
        return words if self.bare else f"{words}: {self.message or _CODES[self.code][0]}"


class RegistryError(Exception):
    """A registry refused or could not be reached.

    Attributes:
        message: the engine's words.
        first: the first reason alone, without the request that failed; what is told of
            layers.
        final: the engine does not try a transfer again.
        code: the first code, if the registry gave its reason.
        status: with which an engine that looks at codes answers.
        not_found: the engine takes what it asked for as missing.
        wrapped: the message begins with the request that failed.
        reasons: the entries of its error document.
    """

    def __init__(
        self, message: str, *reasons: Reason, final: bool = False, inner: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self._inner = message if inner is None else inner
        first = reasons[0] if reasons else None
        self.first = self._inner if first is None else str(first)
        self.wrapped = self._inner != message
        whole = first is not None and not first.bare
        self.code = first.code if first else ""
        self.final = final or (whole and self.code in _FINAL)
        self.not_found = whole and self.code in _NOT_FOUND
        self.status = _CODES[self.code][1] if first else 500
        self.reasons = reasons

    def during(self, request: str) -> RegistryError:
        """The same while a request was prepared: its credentials could not be had."""
        text = f"{request}: {self.message}"
        error = RegistryError(text, *self.reasons, final=self.final, inner=self._inner)
        error.not_found = False
        return error

    def as_told(self) -> RegistryError:
        """The same as it is told of a layer: the first reason alone."""
        return RegistryError(self.first, *self.reasons[:1], final=self.final)


def refusal(response: Response, body: bytes) -> RegistryError:
    """What an answer with an error status means.

    Args:
        response: the answer.
        body: its body.
    """
    status = response.status
    if not 400 <= status < 500:
        return RegistryError(f"received unexpected HTTP status: {_phrase(response)}")
    reasons = _reasons(response, body)
    if reasons is None:
        problem = (
            go_text.json_error(body.decode("utf-8", "replace"))
            if body
            else "unexpected end of JSON input"
        )
        shown = go_text.quote(body.decode("utf-8", "replace"))
        if status == HTTPStatus.UNAUTHORIZED:
            reasons = [Reason("UNAUTHORIZED")]
        else:
            text = f"error parsing HTTP {status} response body: {problem}: {shown}"
            return RegistryError(text, final=True)
    challenge = response.header("WWW-Authenticate")
    for name, code in _CHALLENGES.items():
        if challenge.lower().startswith("bearer") and f'error="{name}"' in challenge:
            reasons.insert(0, Reason(code))
    return RegistryError(_together(reasons), *reasons)


def _phrase(response: Response) -> str:
    return f"{response.status} {response.reason or REASONS[response.status]}"


def _together(reasons: list[Reason]) -> str:
    if len(reasons) == 1:
        return str(reasons[0])
    return "errors:\n" + "".join(f"{reason}\n" for reason in reasons)


def _reasons(response: Response, content: bytes) -> list[Reason] | None:
    """The entries of an error document, `None` when it is none."""
    kind = essence(response.header("Content-Type"))
    if kind not in ("application/json", "application/vnd.api+json"):
        code = _BY_STATUS.get(response.status, "UNKNOWN")
        return [Reason(code, content.decode("utf-8", "replace"))]
    try:
        entries = json.loads(content)["errors"]
        return [_reason(entry) for entry in entries] or None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _reason(entry: dict[str, object]) -> Reason:
    code = str(entry.get("code") or "")
    code = code if code in _CODES else "UNKNOWN"
    message = str(entry.get("message") or "")
    bare = entry.get("detail") is None and message in ("", _CODES[code][0])
    return Reason(code, message, bare)
