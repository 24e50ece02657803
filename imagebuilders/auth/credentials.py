"""Credentials for a registry, and the names under which they are kept."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import field

from imagebuilders.auth.go_fields import FieldTypeError, JSONObject
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.reference import DEFAULT_DOMAIN

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""The name under which Docker Hub's credentials are kept."""

IDENTITY_TOKEN_USERNAME = "<token>"  # noqa: S105  (a mark, no secret)
"""A helper gives this as the username when the secret is an identity token."""

_DOCKER_HUB_DOMAINS = frozenset({DEFAULT_DOMAIN, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True)
class Credentials:
    """Who to be at one registry.

    Attributes:
        username: the user.
        password: the user's password or access token.
        identity_token: a refresh token, which is exchanged for a token at each use (OAuth 2).
        registry_token: a bearer token, which is sent to the registry as it is.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @classmethod
    def from_pair(cls, username: str, secret: str) -> Credentials:
        """Take what a credential helper answers; `<token>` stands for an identity token."""
        if username == IDENTITY_TOKEN_USERNAME:
            return cls(identity_token=secret)
        return cls(username, secret)

    @property
    def pair(self) -> tuple[str, str] | None:
        """Username and password, or `<token>` and the identity token; `None` with neither."""
        if self.identity_token:
            return IDENTITY_TOKEN_USERNAME, self.identity_token
        return (self.username, self.password) if self.username or self.password else None

    def __bool__(self) -> bool:
        return self != Credentials()

    def auth_config(self, registry: str) -> dict[str, str]:
        """Return the engine API's `AuthConfig` for a registry's domain.

        https://docs.docker.com/reference/api/engine/version/v1.41/#section/Authentication
        """
        fields = {
            "username": self.username,
            "password": self.password,
            "identitytoken": self.identity_token,
            "registrytoken": self.registry_token,
            "serveraddress": server_key(registry),
        }
        return {name: value for name, value in fields.items() if value}


class EntryError(ValueError):
    """An entry of `auths` cannot be read. Its message quotes nothing of the entry."""


def read_entry(entry: object) -> Credentials:
    """Read an entry of `auths`, empty when it stands beside a credentials store.

    Raises:
        EntryError: it is malformed.
    """
    if entry is None:
        return Credentials()
    if not isinstance(entry, JSONObject):
        raise EntryError("it is not an object")
    try:
        username, password = entry.text("username"), entry.text("password")
        encoded = entry.text("auth")
        identity, registry = entry.text("identitytoken"), entry.text("registrytoken")
    except FieldTypeError as error:
        raise EntryError(str(error)) from None
    if encoded:
        username, password = decode_auth(encoded)
    return Credentials(username, password, identity, registry)


def decode_auth(encoded: str) -> tuple[str, str]:
    """Decode the value of `auth`, the base64 of `username:password`.

    As in Go, line breaks in it do not count. What is not UTF-8 is taken for Latin-1.

    Raises:
        EntryError: it is malformed.
    """
    try:
        plain = base64.b64decode(encoded.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        # Not chained: the error may quote the password.
        raise EntryError("its 'auth' is not base64") from None
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        text = plain.decode("latin-1")
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise EntryError("its 'auth' is not a username, a colon and a password")
    return username, password.strip("\0")


def server_key(registry: str) -> str:
    """Return the key under which the credentials of a registry's domain are kept."""
    return DOCKER_HUB_KEY if registry in _DOCKER_HUB_DOMAINS else registry


def domain_of(key: str) -> str:
    """Return the registry's domain of a key, which may be a URL or have a path."""
    domain = key.partition("://")[2] if "://" in key else key
    domain = domain.partition("/")[0]
    return DEFAULT_DOMAIN if domain in _DOCKER_HUB_DOMAINS else domain


def encode_auth(value: Mapping[str, object]) -> str:
    """Encode the value of `X-Registry-Auth` or `X-Registry-Config`: URL-safe base64 of JSON."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")
