"""What the engine double makes of a registry's refusals."""

from __future__ import annotations

import json

import pytest
import urllib3

from fakes.engine.registries.errors import RegistryError, refusal
from imagebuilders.distribution.transport import Request, Response

JSON = {"Content-Type": "application/json; charset=utf-8"}


def _refused(status: int, body: object, **headers: str) -> RegistryError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = urllib3.HTTPResponse(body=content, status=status, headers=fields)
    request = Request("GET", "http://r.example/v2/")
    return refusal(Response(raw, request), content)


def _entry(code: str, message: str = "", detail: object = None) -> dict[str, object]:
    return {"code": code, "message": message, "detail": detail}


# https://distribution.github.io/distribution/spec/api/#errors, and as engines answer.
@pytest.mark.parametrize(
    ("code", "status", "is_final", "is_missing"),
    [
        ("BLOB_UNKNOWN", 404, False, False),
        ("BLOB_UPLOAD_INVALID", 404, False, False),
        ("BLOB_UPLOAD_UNKNOWN", 404, False, False),
        ("DENIED", 403, True, True),
        ("DIGEST_INVALID", 400, False, False),
        ("MANIFEST_BLOB_UNKNOWN", 400, False, False),
        ("MANIFEST_INVALID", 400, False, False),
        ("MANIFEST_UNKNOWN", 404, False, True),
        ("MANIFEST_UNVERIFIED", 400, False, False),
        ("NAME_INVALID", 400, False, False),
        ("NAME_UNKNOWN", 404, True, True),
        ("SIZE_INVALID", 400, False, False),
        ("TAG_INVALID", 400, False, False),
        ("TOOMANYREQUESTS", 429, True, False),
        ("UNAUTHORIZED", 401, True, False),
        ("UNAVAILABLE", 503, False, False),
        ("UNKNOWN", 500, False, False),
        ("UNSUPPORTED", 405, True, False),
        ("OF_MY_OWN", 500, False, False),
    ],
)
def test_codes_of_registries(code: str, status: int, is_final: bool, is_missing: bool) -> None:
    """Each has a status, may end all tries, and may mean that what is wanted is not there."""
    error = _refused(418, {"errors": [_entry(code, "why")]})
    assert (error.status, error.final, error.not_found) == (status, is_final, is_missing)
    assert str(error).endswith(": why")


def test_entries_that_say_nothing_more_than_their_code() -> None:
    """An engine sees less in them: it tries again, and takes nothing as missing."""
    for entry in (_entry("DENIED"), _entry("DENIED", "requested access to the resource is denied")):
        error = _refused(403, {"errors": [entry]})
        assert (str(error), error.code, error.status) == ("denied", "DENIED", 403)
        assert (error.final, error.not_found) == (False, False)
    told = _refused(403, {"errors": [_entry("DENIED", detail={"by": "x"})]})
    assert str(told) == "denied: requested access to the resource is denied"
    assert (told.final, told.not_found) == (True, True)


def test_several_entries_are_all_told_and_the_first_counts() -> None:
    """Of a layer only the first is told."""
    entries = [_entry("MANIFEST_UNKNOWN", "a"), _entry("DENIED", "b")]
    error = _refused(404, {"errors": entries})
    assert str(error) == "errors:\nmanifest unknown: a\ndenied: b\n"
    assert (error.first, error.code, error.not_found) == (
        "manifest unknown: a",
        "MANIFEST_UNKNOWN",
        True,
    )
    assert str(error.as_told()) == "manifest unknown: a"


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (401, "unauthorized: no", "UNAUTHORIZED"),
        (403, "denied: no", "DENIED"),
        (429, "toomanyrequests: no", "TOOMANYREQUESTS"),
        (404, "unknown: no", "UNKNOWN"),
    ],
)
def test_refusals_that_are_no_documents(status: int, words: str, code: str) -> None:
    """The status says what is meant, and the text is told."""
    error = _refused(status, b"no", Content_Type="text/plain")
    assert (str(error), error.code) == (words, code)


def test_documents_that_are_none() -> None:
    """The body is shown, and no other try is made; of a missing login that is told."""
    shown = {b"": 'unexpected end of JSON input: ""', b"[]": ': "[]"', b"<html>": '"<html>"'}
    for body, end in shown.items():
        error = _refused(404, body)
        assert str(error).startswith("error parsing HTTP 404 response body: ")
        assert str(error).endswith(end)
        assert (error.final, error.status, error.code) == (True, 500, "")
    assert str(_refused(401, b"{")) == "unauthorized: authentication required"
    assert _refused(404, {"errors": []}).final


@pytest.mark.parametrize("status", [302, 500, 503])
def test_failures_of_registries(status: int) -> None:
    """They are no refusals: the status is told as it is, and another try may be made."""
    error = _refused(status, {"errors": [_entry("DENIED", "no")]})
    assert str(error).startswith(f"received unexpected HTTP status: {status} ")
    assert (error.status, error.final, error.first) == (500, False, str(error))


@pytest.mark.parametrize(
    ("challenge", "first"),
    [
        ('Bearer realm="x",error="invalid_token"', "unauthorized: authentication required"),
        ('bearer realm="x",error="insufficient_scope"', "denied: requested access"),
        ('Basic realm="x",error="invalid_token"', "unauthorized: no"),
        ('Bearer realm="x"', "unauthorized: no"),
    ],
)
def test_challenges_that_say_why(challenge: str, first: str) -> None:
    """What is wrong with a token goes before what the document says."""
    error = _refused(401, {"errors": [_entry("UNAUTHORIZED", "no")]}, WWW_Authenticate=challenge)
    assert error.first.startswith(first)


def test_a_refusal_while_something_was_prepared() -> None:
    """The request that failed is told before it, and nothing is missing for that."""
    error = _refused(404, {"errors": [_entry("NAME_UNKNOWN", "no")]})
    assert (error.wrapped, error.not_found) == (False, True)
    wrapped = error.during("Get x")
    assert str(wrapped) == f"Get x: {error}"
    assert (wrapped.wrapped, wrapped.not_found, wrapped.first) == (True, False, error.first)
    assert wrapped.final is error.final
