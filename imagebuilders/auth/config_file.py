"""The user's Docker configuration file, `config.json`, which the `docker` command writes.

https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.user_folders import docker_config_directory

FILE_NAME = "config.json"


@dataclass(frozen=True)
class DockerConfigFile:
    """What this package needs of `config.json`. `auths` holds passwords: it is not shown."""

    path: Path | None = None
    """Where it is; `None` when the user has no home folder."""
    current_context: str | None = None
    auths: Mapping[str, object] = field(default_factory=dict, repr=False)
    credentials_store: str | None = None
    credential_helpers: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> DockerConfigFile:
        """Read the file; a missing one is as good as an empty one.

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
            content: object = json.loads(raw)
        except ValueError as error:
            # Not chained: the parser's error carries the whole file, passwords included.
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise ConfigurationError(
                f"Docker's configuration file {path} is not valid JSON{where}.", file=str(path)
            ) from None
        if not isinstance(content, dict):
            raise ConfigurationError(
                f"Docker's configuration file {path} should hold a JSON object.", file=str(path)
            )
        section = _Sections(content, path)
        return cls(
            path=path,
            current_context=section.text("currentContext"),
            auths=section.table("auths"),
            credentials_store=section.text("credsStore"),
            credential_helpers=section.text_table("credHelpers"),
            proxies={
                host: {key: value for key, value in settings.items() if isinstance(value, str)}
                for host, settings in section.table("proxies").items()
                if isinstance(settings, dict)
            },
        )

    def proxy_build_arguments(self, docker_host: str | None = None) -> dict[str, str]:
        """Give the build arguments that tell a build about the user's proxies.

        Args:
            docker_host: the engine's address; its own entry counts before `default`.
        """
        settings = self.proxies.get(docker_host or "") or self.proxies.get("default") or {}
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


@dataclass(frozen=True)
class _Sections:
    """Typed access to the sections of the file."""

    content: Mapping[str, object]
    path: Path

    def text(self, key: str) -> str | None:
        value = self.content.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def table(self, key: str) -> dict[str, object]:
        value = self.content.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def text_table(self, key: str) -> dict[str, str]:
        table = {}
        for name, value in self.table(key).items():
            if not isinstance(value, str):
                raise self._wrong(f"{key}.{name}", "a string")
            table[name] = value
        return table

    def _wrong(self, key: str, expected: str) -> ConfigurationError:
        return ConfigurationError(
            f"Docker's configuration file {self.path}: {key!r} should be {expected}.",
            file=str(self.path),
            key=key,
        )
