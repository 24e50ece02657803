"""What S3's errors mean.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from imagebuilders.artifact_stores import faults

_TRANSIENT_CODES = frozenset(
    {
        "BadDigest",  # damaged on its way
        "IncompleteBody",  # cut on its way
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "XAmzContentSHA256Mismatch",
    }
)
_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_CREDENTIAL_CODES = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)


def code(error: BaseException) -> str:
    """Give S3's code for an error, an HTTP status when there was no more, or an empty text."""
    answer = _answer(error)
    return _text(answer, "Error", "Code") or _text(answer, "ResponseMetadata", "HTTPStatusCode")


def is_transient(error: BaseException) -> bool:
    """Tell whether the same request may well succeed a little later."""
    answer = _answer(error)
    if answer:
        status = _text(answer, "ResponseMetadata", "HTTPStatusCode")
        return _text(answer, "Error", "Code") in _TRANSIENT_CODES or (
            status.isdigit() and int(status) in _TRANSIENT_STATUSES
        )
    return any(
        faults.is_transient(cause) or isinstance(cause, _connection_errors())
        for cause in _causes(error)
        if not isinstance(cause, _lasting_errors())
    )


def describe(error: BaseException) -> str:
    """Say in a sentence what failed and, where it is known, what to do."""
    answer = _answer(error)
    if not answer:
        return faults.describe(error) if _is_plain(error) else _describe_client_error(error)
    found = code(error)
    words = _text(answer, "Error", "Message").rstrip(".")
    said = f"{found}: {words}" if words else found
    if found == "NoSuchBucket":
        return "the bucket does not exist. Create it, or correct the store's path."
    if found in _CREDENTIAL_CODES:
        return f"the service refused the credentials ({said})."
    if found in ("AccessDenied", "403"):
        return (
            f"access denied ({said}). The credentials need s3:GetObject, s3:PutObject, "
            "s3:DeleteObject and s3:AbortMultipartUpload there, and s3:ListBucket on the bucket."
        )
    return f"the service answered {said}."


def _describe_client_error(error: BaseException) -> str:
    exceptions = import_module("botocore.exceptions")
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return (
            "no credentials were found. Set key and secret, or a profile, in the store's "
            "settings, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment."
        )
    return faults.describe(error)


def _is_plain(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] != "botocore"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what caused it; s3fs puts botocore's error behind its own."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _answer(error: BaseException) -> Mapping[str, object]:
    """Give the service's parsed answer that an error stands for, or nothing."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, Mapping):
            return response
    return {}


def _text(answer: Mapping[str, object], section: str, key: str) -> str:
    fields = answer.get(section)
    value = fields.get(key) if isinstance(fields, Mapping) else None
    return "" if value is None else str(value)


def _connection_errors() -> tuple[type[BaseException], ...]:
    exceptions = import_module("botocore.exceptions")
    return (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
        import_module("botocore.parsers").ResponseParserError,
        import_module("aiohttp").ClientError,
    )


def _lasting_errors() -> tuple[type[BaseException], ...]:
    exceptions = import_module("botocore.exceptions")
    return (exceptions.SSLError, exceptions.InvalidProxiesConfigError)
