"""What went wrong with a registry, and what to do about it: one error for each kind."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import urllib3.exceptions

from imagebuilders.exceptions import (
    ConnectionFailure,
    RegistryAccessError,
    RegistryConnectionError,
    RegistryNotFoundError,
    RegistryResponseError,
)
from imagebuilders.lazy_dataclass import dataclass

ERROR_BODY_BYTES = 64 * 1024
_SHOWN_CHARS = 500
_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class ReportedError:
    """One error of a response.

    Attributes:
        code: as in `MANIFEST_UNKNOWN`.
        message: the registry's words.
    """

    code: str
    message: str


def response_error(
    what: str, registry: str, status: int, body: bytes, *, url: str, retry_after: str = ""
) -> RegistryResponseError:
    """Make the error of a response.

    Args:
        what: what was not done, as a sentence without its full stop.
        registry: the registry's domain.
        status: the response's status.
        body: the start of the response's body.
        url: whose response it is.
        retry_after: the response's `Retry-After`.
    """
    errors = _reported(body)
    words = "; ".join(_words(error) for error in errors[:_SHOWN_ERRORS])
    code = errors[0].code if errors else ""
    kind: type[RegistryResponseError] = RegistryResponseError
    if status in (401, 403):
        kind = RegistryAccessError
    elif status == 404:
        kind = RegistryNotFoundError
    said = f": {words}" if words else ""
    advice = _response_advice(status, code, registry, retry_after)
    return kind(
        f"{what}: {urlsplit(url).netloc} answered {status}{said}.{advice}",
        registry=registry,
        status=status,
        code=code,
        detail=words,
    )


def _words(error: ReportedError) -> str:
    return " ".join(part for part in (error.code, error.message.rstrip(".")) if part)


def _reported(body: bytes) -> list[ReportedError]:
    """Read the errors of a body: the specification's document, a token service's, or plain text."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace").strip()
        # A proxy's page for people says nothing in one line.
        return [] if not text or text.startswith("<") else [ReportedError("", _clean(text))]
    if not isinstance(document, dict):
        return []
    errors = document.get("errors")
    if isinstance(errors, list):
        return [
            ReportedError(_clean(entry.get("code")), _clean(entry.get("message")))
            for entry in errors
            if isinstance(entry, dict)
        ]
    message = document.get("details") or document.get("message") or document.get("error")
    return [ReportedError("", _clean(message))] if message else []


def _clean(text: object) -> str:
    """Return a registry's words in one line, without what a terminal would obey."""
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 2 * _SHOWN_CHARS].split())
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"


def _response_advice(status: int, code: str, registry: str, retry_after: str) -> str:
    if status == 401:
        return (
            f" Give credentials for {registry}, or run `docker login {registry}`; those that were "
            "given may be wrong, have expired, or lack the right."
        )
    if status == 403:
        return f" See which rights the credentials have at {registry}."
    if status == 413:
        return " It, or a proxy before it, takes no content of this size: raise its limit."
    if status == 429:
        wait = f" It asks to wait {_clean(retry_after)} s." if retry_after.isdigit() else ""
        return f" It limits how often it may be asked: wait, or log in.{wait}"
    if code == "NAME_UNKNOWN":
        return " Create the repository first, or see whether its name is right."
    if status >= 500:
        return " The registry itself failed: see its log, and try again later."
    return ""


# --- connections ---------------------------------------------------------------


def connection_error(error: Exception, url: str) -> RegistryConnectionError:
    """Make the error of a request that got no whole response.

    Args:
        error: what the HTTP library raised.
        url: what was asked for, without its query.
    """
    causes = list(_causes(error))
    registry = urlsplit(url).netloc
    failure, problem, advice = _explain(causes, registry)
    return RegistryConnectionError(
        f"{url} could not be asked: {problem}. {advice}",
        registry=registry,
        is_transient=failure in (ConnectionFailure.TIMEOUT, ConnectionFailure.ENDED),
        failure=failure,
    )


def speaks_tls(error: RegistryConnectionError) -> bool:
    """Whether a connection ended in such a way that the other side has TLS."""
    return any(
        isinstance(cause, ssl.SSLError)
        and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
        and not _is_plain_answer(cause)
        for cause in _causes(error)
    )


def _is_plain_answer(error: ssl.SSLError) -> bool:
    """Whether what came instead of TLS is plain HTTP. Since OpenSSL 3.2 it has a name for that."""
    return any(name in str(error) for name in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"))


def _explain(causes: Sequence[BaseException], registry: str) -> tuple[ConnectionFailure, str, str]:
    """Return the kind of what happened, the same in words, and what to do."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                ConnectionFailure.CERTIFICATE,
                f"its certificate is not trusted ({cause.verify_message})",
                _certificate_advice(cause.verify_message, registry),
            )
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and _is_plain_answer(cause):
            return (
                ConnectionFailure.PLAIN,
                "it does not speak TLS",
                "If it speaks plain HTTP, say so (plain_http=True), or give it a certificate.",
            )
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "reason", None) or "unknown reason"
            advice = "See which TLS versions both sides have."
            return ConnectionFailure.TLS, f"TLS failed ({reason})", advice
        if isinstance(cause, socket.gaierror):
            problem = f"there is no host {_host(registry)}"
            return ConnectionFailure.NAME, problem, "See whether its name is right."
        if isinstance(cause, ConnectionRefusedError):
            advice = "See whether the registry is up."
            return ConnectionFailure.REFUSED, "nobody listens there", advice
        if isinstance(cause, urllib3.exceptions.ProxyError):
            advice = "See HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
            return ConnectionFailure.PROXY, "its proxy failed", advice
    for cause in causes:
        if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)):
            advice = "See whether the registry is up."
            return ConnectionFailure.TIMEOUT, "nothing was heard in time", advice
    advice = "See whether the registry is up, and try again."
    return ConnectionFailure.ENDED, "the connection ended early", advice


def _certificate_advice(problem: str, registry: str) -> str:
    if "expired" in problem or "not yet valid" in problem:
        return "Renew the certificate, or set this machine's clock."
    if "mismatch" in problem or "not valid for" in problem:
        return "Ask for the registry by a name that is in its certificate."
    return f"Give its authority's certificate, as in /etc/docker/certs.d/{registry}/ca.crt."


def _host(registry: str) -> str:
    return urlsplit(f"//{registry}").hostname or registry


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error and those behind it, as far as they can be told apart."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # urllib3 keeps the system's error in an attribute or among the arguments.
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None)]
        inner += [getattr(current, "original_error", None), *current.args]
        pending.extend(found for found in inner if isinstance(found, BaseException))
