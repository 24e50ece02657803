"""What clients send along for registries."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Credentials:
    """What a client sent along for one registry.

    Attributes:
        username: the user.
        password: the password; a user without one counts as nobody.
        identity_token: to be exchanged for a token.
        registry_token: sent to the registry as it is.
        server: the address of the registry that they are for, empty when nobody said.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    server: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password=…)"

    @classmethod
    def from_header(cls, header: str | None) -> Credentials:
        """Read `X-Registry-Auth`; empty when there is none or it cannot be read."""
        return cls.from_json(_header_document(header))

    @classmethod
    def by_registry(cls, header: str | None) -> dict[str, Credentials]:
        """Read `X-Registry-Config`: the credentials of a build, by registry."""
        result: dict[str, Credentials] = {}
        for address, value in _header_document(header).items():
            if isinstance(value, dict):
                host = address.removeprefix("https://").removeprefix("http://")
                result[host.partition("/")[0]] = cls.from_json(value)
        return result

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Credentials:
        """Read one document; one with a field of another type is not read at all."""
        names = ("username", "password", "identitytoken", "registrytoken", "serveraddress")
        fields = [value.get(name) or "" for name in names]
        if not all(isinstance(field, str) for field in fields):
            return cls()
        return cls(*fields)

    @property
    def is_user(self) -> bool:
        """Whether a user and a password are there."""
        return bool(self.username and self.password)


def _header_document(header: str | None) -> dict[str, Any]:
    if not header:
        return {}
    try:
        value = json.loads(base64.b64decode(header, altchars=b"-_", validate=True))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
