"""Tokens for ECR's registries, kept until shortly before they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from imagebuilders.auth.credentials import Credentials, EntryError, decode_auth
from imagebuilders.aws.calls import items_at
from imagebuilders.exceptions import AWSError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagebuilders.aws.calls import AWSCalls

MARGIN = 15 * 60.0
"""Seconds before a token's end in which it is no longer used: a build has time to push."""

UNCHECKED_SECONDS = 60.0
"""For so long a token that the registry took, or that is new, is used without asking it."""


@dataclass(frozen=True)
class _Token:
    credentials: Credentials = field(repr=False)
    ends_at: float
    known_at: float


class TokenSource:
    """Returns credentials from `get_authorization_token`. It may be used by several threads."""

    def __init__(
        self,
        calls: AWSCalls,
        *,
        is_public: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Note what is needed; nothing is asked yet.

        Args:
            calls: requests to the service `ecr`, or `ecr-public`.
            is_public: whether it is a public registry.
            clock: gives the time in seconds since 1970.
        """
        self._calls = calls
        self._is_public = is_public
        self._clock = clock or time.time
        self._kept: _Token | None = None
        self._lock = Lock()

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy needs: it fetches a token of its own."""
        own = ("_kept", "_lock")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self._kept = None
        self._lock = Lock()

    def credentials(self) -> Credentials:
        """Return a token's user and password: a kept one, or a new one.

        Raises:
            AWSError: the service gave none.
            ConfigurationError: boto3 is not installed, or the settings cannot be used here.
        """
        with self._lock:
            if self._kept is None or self._clock() >= self._kept.ends_at - MARGIN:
                self._kept = self._fetched()
            return self._kept.credentials

    def needs_check(self) -> bool:
        """Return whether a token is kept that the registry may have come to refuse."""
        with self._lock:
            return (
                self._kept is not None
                and self._clock() >= self._kept.known_at + UNCHECKED_SECONDS
                and self._clock() < self._kept.ends_at - MARGIN
            )

    def note_accepted(self, accepted: Credentials) -> None:
        """Note that the registry takes a token."""
        with self._lock:
            if self._kept is not None and self._kept.credentials == accepted:
                self._kept = replace(self._kept, known_at=self._clock())

    def forget(self, refused: Credentials) -> None:
        """Drop a token that the registry refused; a newer one stays."""
        with self._lock:
            if self._kept is not None and self._kept.credentials == refused:
                self._kept = None

    def _fetched(self) -> _Token:
        # Without a registry's account: a token is good for all registries that the caller may use.
        answer = self._calls.call("get_authorization_token")
        if self._is_public:
            found = answer.get("authorizationData")
            data: Mapping[str, object] = found if isinstance(found, dict) else {}
        else:
            data = next(iter(items_at(answer, "authorizationData")), {})
        token, ends = data.get("authorizationToken"), data.get("expiresAt")
        try:
            pair = decode_auth(token if isinstance(token, str) else "")
        except EntryError as error:
            raise AWSError(
                f"ecr: get_authorization_token answered with no token that can be used: {error}.",
                service="ecr",
                operation="get_authorization_token",
            ) from None
        ends_at = ends.timestamp() if isinstance(ends, datetime) else self._clock() + 12 * 3600.0
        return _Token(Credentials(*pair), ends_at, self._clock())
