"""The user's registry credentials: Docker's configuration file and its credential helpers.

A helper is a program `docker-credential-NAME` that answers `get` with a JSON
object: https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.exceptions import RegistryError
from imagebuilders.oci.reference import DEFAULT_DOMAIN

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""The name under which Docker Hub's credentials are kept."""

IDENTITY_TOKEN_USERNAME = "<token>"  # noqa: S105  (a mark, no secret)
"""A helper gives this as the username when the secret is an identity token."""

HELPER_PREFIX = "docker-credential-"
HELPER_TIMEOUT_SECONDS = 30

_DOCKER_HUB_DOMAINS = frozenset({DEFAULT_DOMAIN, "index.docker.io", "registry-1.docker.io"})
_NOT_FOUND = "credentials not found"


@dataclass(frozen=True)
class Credentials:
    """A username and its password, or `<token>` and an identity token."""

    username: str
    secret: str = field(repr=False)

    def auth_config(self, registry: str) -> dict[str, str]:
        """Give the engine API's `AuthConfig` for the registry's domain."""
        address = server_key(registry)
        if self.username == IDENTITY_TOKEN_USERNAME:
            return {"identitytoken": self.secret, "serveraddress": address}
        return {"username": self.username, "password": self.secret, "serveraddress": address}


def server_key(registry: str) -> str:
    """Give the key under which a registry's credentials are kept."""
    return DOCKER_HUB_KEY if registry in _DOCKER_HUB_DOMAINS else registry


def find_credentials(config: DockerConfigFile, registry: str) -> Credentials | None:
    """Look a registry's credentials up as `docker` does.

    The registry's own helper counts first, else the general credentials store,
    else the file itself.

    Args:
        config: Docker's configuration file.
        registry: the registry's domain, with its port.

    Raises:
        RegistryError: the helper failed, or the file's entry is malformed.
    """
    key = server_key(registry)
    helper = config.credential_helpers.get(key) or config.credential_helpers.get(registry)
    helper = helper or config.credentials_store
    if helper is not None:
        found = ask_helper(helper, key)
        if found is not None:
            return found
    # The entry under the very key counts before those that only name the same domain.
    for name in sorted(config.auths, key=lambda name: name != key):
        if _domain_of(name) == _domain_of(key):
            found = _from_entry(config.auths[name], name, config)
            if found is not None:
                return found
    return None


def check_entries(config: DockerConfigFile) -> None:
    """See whether every entry of the file can be read.

    Raises:
        RegistryError: one is malformed; it is named.
    """
    for name, entry in config.auths.items():
        _from_entry(entry, name, config)


def all_auth_configs(
    config: DockerConfigFile,
) -> Iterator[tuple[str, Mapping[str, str]] | RegistryError]:
    """Give all credentials, as `(key, AuthConfig)`, for a build's base images.

    A helper that fails gives its error instead, for one broken helper need
    not stop a build that does not use it.
    """
    keys = dict.fromkeys(config.auths)
    if config.credentials_store is not None:
        try:
            keys.update(dict.fromkeys(_list_helper(config.credentials_store)))
        except RegistryError as error:
            yield error
            # Its entries in the file are empty; asking for each would fail again.
            config = DockerConfigFile(
                config.path, auths=config.auths, credential_helpers=config.credential_helpers
            )
    keys.update(dict.fromkeys(config.credential_helpers))
    # Stores keep several keys of one registry, such as Docker Hub's tokens.
    for domain in dict.fromkeys(map(_domain_of, keys)):
        try:
            found = find_credentials(config, domain)
        except RegistryError as error:
            yield error
            continue
        if found is not None:
            yield server_key(domain), found.auth_config(domain)


def encode_auth(value: Mapping[str, object]) -> str:
    """Encode the value of `X-Registry-Auth` or `X-Registry-Config`: URL-safe base64 of JSON."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")


def ask_helper(helper: str, key: str) -> Credentials | None:
    """Ask a credential helper for one registry's credentials; `None` when it has none.

    Raises:
        RegistryError: the helper is missing, fails, hangs or answers nonsense.
    """
    answer = _run_helper(helper, "get", key)
    if answer is None:
        return None
    username, secret = answer.get("Username"), answer.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise _helper_error(helper, key, "its answer has no username and secret")
    if not username and not secret:
        return None
    return Credentials(username, secret)


def _list_helper(helper: str) -> list[str]:
    return list(_run_helper(helper, "list", "") or {})


def _run_helper(helper: str, command: str, key: str) -> Mapping[str, object] | None:
    program = HELPER_PREFIX + helper
    path = shutil.which(program)
    if path is None:
        raise _helper_error(helper, key, "there is no such program on the PATH")
    try:
        done = subprocess.run(
            [path, command],
            input=key.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Not chained: the error carries what the helper printed so far.
        raise _helper_error(
            helper, key, f"it did not finish within {HELPER_TIMEOUT_SECONDS} s"
        ) from None
    except OSError as error:
        raise _helper_error(helper, key, f"it cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        # Helpers print their complaints to standard output.
        complaint = (done.stdout.strip() or done.stderr.strip()).decode("utf-8", "replace")
        if _NOT_FOUND in complaint.lower():
            return None
        raise _helper_error(
            helper, key, f"it failed with exit code {done.returncode}: {complaint[:300]}"
        )
    try:
        answer: object = json.loads(done.stdout)
    except ValueError:
        raise _helper_error(helper, key, "its answer is not JSON") from None
    if not isinstance(answer, dict):
        raise _helper_error(helper, key, "its answer is not a JSON object")
    return answer


def _helper_error(helper: str, key: str, what: str) -> RegistryError:
    of = f" for {key}" if key else ""
    return RegistryError(
        f"The credential helper {HELPER_PREFIX}{helper} gave no credentials{of}: {what}. Mend it, "
        "or take it out of 'credsStore' and 'credHelpers' in Docker's config.json, or give the "
        "registry component a username and password.",
        registry=key or None,
    )


def _from_entry(entry: object, name: str, config: DockerConfigFile) -> Credentials | None:
    """Read an entry of `auths`; `None` when it is empty, as beside a credentials store."""
    if not isinstance(entry, dict):
        raise _entry_error(name, config)
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credentials(IDENTITY_TOKEN_USERNAME, token)
    encoded = entry.get("auth") or ""
    if not isinstance(encoded, str):
        raise _entry_error(name, config)
    if encoded:
        try:
            plain = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            # Not chained: the error may quote the password.
            raise _entry_error(name, config) from None
        username, colon, password = plain.partition(":")
        if not colon:
            raise _entry_error(name, config)
        return Credentials(username, password.rstrip("\0"))
    user, secret = entry.get("username"), entry.get("password")
    if isinstance(user, str) and isinstance(secret, str) and user:
        return Credentials(user, secret)
    return None


def _entry_error(name: str, config: DockerConfigFile) -> RegistryError:
    return RegistryError(
        f"Docker's configuration file {config.path}: the entry {name!r} under 'auths' is "
        f"malformed. Run `docker login {_domain_of(name)}` to write it anew.",
        registry=_domain_of(name),
    )


def _domain_of(key: str) -> str:
    """Give the domain of a key, which may be a URL or have a path."""
    domain = key.partition("://")[2] if "://" in key else key
    domain = domain.partition("/")[0]
    return DEFAULT_DOMAIN if domain in _DOCKER_HUB_DOMAINS else domain
