"""What the errors of botocore mean: whether they may pass, and how to say them.

Codes that all services share:
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from importlib import import_module

_TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def botocore_errors() -> type[Exception]:
    """Return the class of all errors of botocore but the services' answers.

    botocore must be installed.
    """
    found: type[Exception] = import_module("botocore.exceptions").BotoCoreError
    return found


def code(error: BaseException) -> str:
    """Return the service's code for an error, the HTTP status without one, or an empty text."""
    answer = _answer(error)
    return _text(answer, "Error", "Code") or _text(answer, "ResponseMetadata", "HTTPStatusCode")


def status(error: BaseException) -> int:
    """Return the HTTP status of the answer that an error stands for; 0 when there was none."""
    text = _text(_answer(error), "ResponseMetadata", "HTTPStatusCode")
    return int(text) if text.isdigit() else 0


def is_answer(error: BaseException) -> bool:
    """Tell whether an error is a service's answer, rather than the lack of one."""
    return bool(_answer(error))


def is_transient(error: BaseException) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if is_answer(error):
        return code(error) in _TRANSIENT_CODES or status(error) in _TRANSIENT_STATUSES
    return any(
        isinstance(cause, _connection_errors()) and not _is_lasting(cause)
        for cause in _causes(error)
    )


def describe(error: BaseException) -> str:
    """Say in a sentence what failed and, where it is known, what to do."""
    if is_answer(error):
        return describe_answer(error)
    exceptions = import_module("botocore.exceptions")
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return (
            "no credentials were found. Set key and secret, or a profile, in the component's "
            "settings, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment."
        )
    text = f"{type(error).__name__}: {str(error).rstrip('.') or 'no reason given'}."
    if isinstance(error, (exceptions.SSOError, exceptions.TokenRetrievalError)):
        text += " Sign on again, as with 'aws sso login'."
    return text


def describe_answer(error: BaseException) -> str:
    """Say what a service answered, with its own code and words."""
    found = code(error)
    if found in _CREDENTIAL_CODES:
        return f"the service refused the credentials ({words(error)})."
    if found == "RequestTimeTooSkewed":
        return f"the clocks of this machine and of the service differ ({words(error)}). Set it."
    return f"the service answered {words(error)}."


def words(error: BaseException) -> str:
    """Return the code of a service's answer and, if it has one, its message."""
    message = _text(_answer(error), "Error", "Message").rstrip(".")
    return f"{code(error)}: {message}" if message else code(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what caused it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _answer(error: BaseException) -> Mapping[str, object]:
    """Return the service's parsed answer that an error stands for, or nothing."""
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
        exceptions.FlexibleChecksumError,  # damaged on its way
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        import_module("botocore.parsers").ResponseParserError,
    )


def _is_lasting(error: BaseException) -> bool:
    """Tell apart what stays wrong: a certificate, a proxy's address; not a broken handshake."""
    exceptions = import_module("botocore.exceptions")
    if isinstance(error, exceptions.SSLError):
        return not any(isinstance(cause, ssl.SSLEOFError) for cause in _inner_errors(error))
    return isinstance(error, exceptions.InvalidProxiesConfigError)


def _inner_errors(error: BaseException) -> Iterator[BaseException]:
    """Walk through the errors that urllib3 and botocore wrapped into one another."""
    inner: object = error
    while isinstance(inner, BaseException):
        yield inner
        wrapped = getattr(inner, "kwargs", {}).get("error")
        inner = (
            wrapped
            if wrapped is not None
            else next((each for each in inner.args if isinstance(each, BaseException)), None)
        )
