"""What S3's errors mean."""

from __future__ import annotations

import errno
import ssl

import pytest
from botocore import exceptions  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from imagebuilders.artifact_stores.s3.faults import describe, is_absent, is_denied, is_transient


def _answer(name: str | None, status: int, message: str | None = "words.") -> Exception:
    found = {"Code": name, "Message": message}
    error: Exception = exceptions.ClientError(
        {
            "Error": {key: value for key, value in found.items() if value is not None},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "PutObject",
    )
    return error


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (_answer("SlowDown", 503), True),
        (_answer("RequestTimeout", 400), True),
        (_answer(None, 502), True),
        (_answer("TooManyRequests", 429), True),
        (_answer("NotImplemented", 501), False),
        (_answer("AccessDenied", 403), False),
        (exceptions.EndpointConnectionError(endpoint_url="http://host"), True),
        (exceptions.ReadTimeoutError(endpoint_url="http://host"), True),
        (exceptions.ConnectionClosedError(endpoint_url="http://host"), True),
        (exceptions.SSLError(endpoint_url="http://host", error="bad"), False),
        (exceptions.NoCredentialsError(), False),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (exceptions.SSLError(endpoint_url="https://host", error=ssl.SSLEOFError(8, "cut")), True),
        (exceptions.FlexibleChecksumError(error_msg="damaged"), True),
        (_answer("ConditionalRequestConflict", 409), True),
        (ResponseParserError("nonsense"), True),
        (OSError(errno.ECONNRESET, "reset"), True),
        (ValueError("no"), False),
    ],
    ids=repr,
)
def test_which_faults_may_pass(error: Exception, transient: bool) -> None:
    """Busy, broken and cut may pass; refusals, bad certificates and mistakes do not."""
    assert is_transient(error) is transient


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_answer("NoSuchBucket", 404), "the bucket does not exist"),
        (_answer("SignatureDoesNotMatch", 403), "credentials (SignatureDoesNotMatch: words)."),
        (_answer("AccessDenied", 403), "access denied (AccessDenied: words)."),
        (_answer(None, 403, None), "access denied (403)."),
        (_answer("Strange", 400), "the service answered Strange: words."),
        (exceptions.NoCredentialsError(), "no credentials were found"),
        (exceptions.ProfileNotFound(profile="p"), "ProfileNotFound"),
        (exceptions.UnauthorizedSSOTokenError(), "aws sso login"),
        (_answer("RequestTimeTooSkewed", 403), "clocks"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left"),
    ],
    ids=repr,
)
def test_how_faults_are_told(error: Exception, words: str) -> None:
    """Each fault is told with the service's own code and words, and what to do."""
    assert words in describe(error)


@pytest.mark.parametrize(
    ("error", "absent", "denied"),
    [
        (_answer("NoSuchKey", 404), True, False),
        (_answer(None, 404), True, False),
        (_answer("NoSuchBucket", 404), False, False),
        (FileNotFoundError(), True, False),
        (_answer("AccessDenied", 403), False, True),
        (_answer(None, 403), False, True),
        (_answer("SignatureDoesNotMatch", 403), False, False),
        (PermissionError(), False, True),
    ],
    ids=repr,
)
def test_what_is_missing_and_what_is_refused(error: Exception, absent: bool, denied: bool) -> None:
    """A missing object, a missing bucket, a refusal and wrong credentials are told apart."""
    assert (is_absent(error), is_denied(error)) == (absent, denied)


def test_a_service_that_only_redirects() -> None:
    """botocore follows it up to Python's limit; it is told for what it is."""
    assert "the service redirects every request" in describe(RecursionError("maximum depth"))
