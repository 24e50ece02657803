"""The user's Docker configuration file, `config.json`, which the `docker` command writes.

https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from imagebuilders.auth.credentials import Credentials, EntryError, read_entry, server_key
from imagebuilders.auth.go_fields import FieldTypeError, JSONObject, JSONSyntaxError, decode
from imagebuilders.auth.http_headers import HeaderError, check_headers
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.user_folders import docker_config_directory

FILE_NAME = "config.json"


@dataclass(frozen=True)
class DockerConfigFile:
    """What this package needs of `config.json`; nothing secret is shown.

    Attributes:
        path: where it is; `None` when the user has no home folder.
        current_context: the Docker context to use.
        auths: the logins that stand in the file, by the names that they have there.
        malformed: what is wrong with the entries of `auths` that cannot be read. A build that
            does not need them goes on without.
        credentials_store: the helper that keeps the credentials of all registries.
        credential_helpers: the helpers of single registries; an empty one means the file.
        http_headers: what is sent to the engine with each request.
        proxies: the proxies of builds, by the engine's address or `default`.
    """

    path: Path | None = None
    current_context: str | None = None
    auths: Mapping[str, Credentials] = field(default_factory=dict, repr=False)
    malformed: Mapping[str, str] = field(default_factory=dict)
    credentials_store: str | None = None
    credential_helpers: Mapping[str, str] = field(default_factory=dict)
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxies: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> DockerConfigFile:
        """Read the file; a missing one is as good as an empty one.

        Args:
            environ: the environment to read; the process's own by default.

        Raises:
            ConfigurationError: it cannot be read or is not what it should be.
        """
        folder = docker_config_directory(environ)
        if folder is None:
            return cls()
        path = folder / FILE_NAME
        try:
            raw = read_control_file(path).content
        except ControlFileNotFoundError:
            return cls(path=path)
        except ControlFileError as error:
            raise ConfigurationError(
                f"Docker's configuration file {path} cannot be read: {error.reason}.",
                file=str(path),
            ) from error
        try:
            return _read(path, raw)
        except JSONSyntaxError as error:
            raise ConfigurationError(
                f"Docker's configuration file {path} is {error}.", file=str(path)
            ) from None
        except FieldTypeError as error:
            raise ConfigurationError(
                f"Docker's configuration file {path}: {error}.", file=str(path), key=error.key
            ) from None
        except HeaderError as error:
            key = f"HttpHeaders.{error.name}"
            raise ConfigurationError(
                f"Docker's configuration file {path}: {key!r} cannot be sent to the engine: "
                f"{error}. Correct it, or take it out.",
                file=str(path),
                key=key,
            ) from None

    def helper_for(self, registry: str) -> str | None:
        """Return the name of the helper that keeps a registry's credentials, if one does."""
        for key in (server_key(registry), registry):
            if key in self.credential_helpers:
                return self.credential_helpers[key] or None
        return self.credentials_store

    def has_own_helper(self, registry: str) -> bool:
        """Tell whether the registry's helper is its own, and not that of all registries."""
        return not self.credential_helpers.keys().isdisjoint((server_key(registry), registry))

    def proxies_for(self, *docker_hosts: str) -> Mapping[str, str]:
        """Return the proxies of an engine, by their keys in the file.

        Args:
            docker_hosts: as for `proxy_build_arguments`.
        """
        known = (host for host in (*docker_hosts, "default") if host in self.proxies)
        return self.proxies.get(next(known, ""), {})

    def proxy_build_arguments(self, *docker_hosts: str) -> dict[str, str]:
        """Return the build arguments that tell a build about the user's proxies.

        Args:
            docker_hosts: the engine's address, in one or more spellings; the first that has an
                entry of its own counts before `default`, even if that entry is empty.
        """
        settings = self.proxies_for(*docker_hosts)
        arguments: dict[str, str] = {}
        for key, name in _PROXY_NAMES.items():
            if settings.get(key):
                arguments[name] = arguments[name.lower()] = settings[key]
        return arguments


_PROXY_NAMES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


def _read(path: Path, raw: bytes) -> DockerConfigFile:
    content = decode(raw)
    if content is None:
        return DockerConfigFile(path)
    if not isinstance(content, JSONObject):
        raise ConfigurationError(
            f"Docker's configuration file {path} should hold a JSON object.", file=str(path)
        )
    entries = {name: _entry(entry) for name, entry in content.table("auths").items()}
    return DockerConfigFile(
        path=path,
        current_context=content.text("currentContext") or None,
        auths={name: entry for name, entry in entries.items() if isinstance(entry, Credentials)},
        malformed={name: entry for name, entry in entries.items() if isinstance(entry, str)},
        credentials_store=content.text("credsStore") or None,
        credential_helpers=content.text_table("credHelpers"),
        http_headers=check_headers(content.text_table("HttpHeaders")),
        proxies={
            host: _proxies(settings)
            for host, settings in content.table("proxies").items()
            if settings is None or isinstance(settings, JSONObject)
        },
    )


def _entry(entry: object) -> Credentials | str:
    """Return an entry of `auths`, or what is wrong with it."""
    try:
        return read_entry(entry)
    except EntryError as error:
        return str(error)


def _proxies(settings: JSONObject | None) -> dict[str, str]:
    """Return the proxies of one engine; what is not a text does not count."""
    found = {}
    for name, value in () if settings is None else settings.members:
        key = next((key for key in _PROXY_NAMES if key.lower() == name.lower()), None)
        if key is not None and isinstance(value, str):
            found[key] = value
    return found
