"""What BuildKit says of registries that refuse, or cannot be reached."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from imagebuilders.exceptions import (
    ConnectionFailure,
    RegistryConnectionError,
    RegistryResponseError,
)

from ...http.reasons import REASONS

if TYPE_CHECKING:
    from imagebuilders.exceptions import ImageBuilderError

_FAILURES = {
    ConnectionFailure.REFUSED: "connect: connection refused",
    ConnectionFailure.NAME: "no such host",
    ConnectionFailure.TIMEOUT: "i/o timeout",
}


def registry_words(error: ImageBuilderError, url: str) -> str:
    """Return BuildKit's words for a failed request.

    Args:
        error: how it failed.
        url: what was asked for.
    """
    if isinstance(error, RegistryResponseError):
        if error.status == HTTPStatus.FORBIDDEN:
            return error.code.lower() or "denied"
        words = f"{error.status} {REASONS[error.status]}"
        return f"unexpected status from HEAD request to {url}: {words}"
    if isinstance(error, RegistryConnectionError):
        host = url.split("/")[2]
        words = _FAILURES.get(error.failure, str(error))
        if error.failure == ConnectionFailure.NAME:
            return f'failed to do request: Head "{url}": dial tcp: lookup {host}: {words}'
        return f'failed to do request: Head "{url}": dial tcp {host}: {words}'
    return str(error)
