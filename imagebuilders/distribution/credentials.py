"""What the registry client must know of whoever has credentials."""

from __future__ import annotations

from typing import Protocol


class RegistryCredentials(Protocol):
    """Who to be at one registry; an empty text where nothing is given."""

    @property
    def username(self) -> str:
        """The user."""
        ...

    @property
    def password(self) -> str:
        """The user's password or access token."""
        ...

    @property
    def identity_token(self) -> str:
        """A refresh token, exchanged for a token at each use (OAuth 2)."""
        ...

    @property
    def registry_token(self) -> str:
        """A bearer token, sent to the registry as it is."""
        ...


class CredentialSource(Protocol):
    """Answers who to be at which registry."""

    def credentials_for(self, registry: str, /) -> RegistryCredentials | None:
        """Return the credentials for a registry; `None` when there are none.

        Args:
            registry: the registry's domain, with its port.
        """
        ...
