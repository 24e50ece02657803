"""`Auth`: who to be at a registry. The daemon asks; the client's own sources answer.

Only `Credentials` is served: a daemon that finds no token authority fetches tokens by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from imagebuilders.auth.credentials import IDENTITY_TOKEN_USERNAME, domain_of
from imagebuilders.buildkit.proto.session_pb2 import CredentialsRequest, CredentialsResponse
from imagebuilders.buildkit.session.unary import UnaryMethod, unary
from imagebuilders.buildkit.transport.call import Handler
from imagebuilders.context.entries import show_path
from imagebuilders.exceptions import ImageBuilderError

_MAX_HOST_CHARS = 300

logger = logging.getLogger(__name__)


def _forget(_value: bytes) -> None:
    """Nobody wants to know."""


class FoundCredentials(Protocol):
    """Who to be at one registry."""

    @property
    def pair(self) -> tuple[str, str] | None:
        """Username and password, or `<token>` and an identity token."""
        ...


class CredentialSource(Protocol):
    """Knows who to be at which registry."""

    def credentials_for(self, registry: str) -> FoundCredentials | None:
        """Return the credentials for a registry's domain; `None` when there are none."""
        ...


class RegistryAuth:
    """Serves credentials by the registry's host."""

    def __init__(
        self,
        source: CredentialSource,
        *,
        expected: Collection[str] | None = (),
        handed_out: Callable[[bytes], None] = _forget,
    ) -> None:
        """Make the service.

        Args:
            source: knows the credentials.
            expected: hosts that the build is known to use; another is logged. `None` if it is
                not known which it uses.
            handed_out: told each secret that leaves.
        """
        self._source = source
        self._expected = expected
        self._handed_out = handed_out

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        credentials = UnaryMethod(CredentialsRequest.FromString, self._credentials)
        return {"/moby.filesync.v1.Auth/Credentials": unary(credentials)}

    def _credentials(self, request: CredentialsRequest) -> CredentialsResponse:
        host = domain_of(request.Host)
        if self._expected is not None and host not in self._expected:
            logger.warning(
                "The daemon asks for credentials of %s, which the build names nowhere.",
                show_path(host[:_MAX_HOST_CHARS]),
            )
        try:
            found = self._source.credentials_for(host)
        except ImageBuilderError as error:
            # As the `docker` command: most images need nobody to be known. If this one does,
            # the registry's refusal follows.
            logger.warning("%s", error)
            return CredentialsResponse()
        pair = None if found is None else found.pair
        if pair is None:
            return CredentialsResponse()
        username, secret = pair
        self._handed_out(secret.encode())
        # No username: the secret is an identity token.
        return CredentialsResponse(
            Username="" if username == IDENTITY_TOKEN_USERNAME else username, Secret=secret
        )
