"""Docker contexts: named engine addresses which the `docker context` command keeps on disk.

A context lives under Docker's settings folder in
`contexts/meta/<SHA-256 of its name>/meta.json`, and its TLS material in
`contexts/tls/<SHA-256 of its name>/docker/`.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from imagebuilders.connections.tls import TLSFiles
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.lazy_dataclass import dataclass

DEFAULT_CONTEXT = "default"
"""The context that stands for "no context": `DOCKER_HOST` or the usual sockets."""


@dataclass(frozen=True)
class DockerContext:
    """A context's name, its engine's address, and the TLS material to reach it with."""

    name: str
    host: str
    tls: TLSFiles | None = None


def load_context(name: str, config_directory: Path) -> DockerContext:
    """Read a context.

    Raises:
        ConfigurationError: there is no such context, or its file is not what it should be.
    """
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    meta = config_directory / "contexts" / "meta" / key / "meta.json"
    endpoint = _endpoint(_read(name, meta, config_directory))
    host = endpoint.get("Host")
    if not isinstance(host, str) or not host:
        raise ConfigurationError(
            f"the Docker context {name!r} has no engine address: 'Endpoints.docker.Host' is "
            f"missing in {meta}",
            file=str(meta),
            key="Endpoints.docker.Host",
        )
    tls_directory = config_directory / "contexts" / "tls" / key / "docker"
    verify = endpoint.get("SkipTLSVerify") is not True
    tls = None
    if os.path.isdir(tls_directory) or not verify:
        tls = TLSFiles.in_directory(tls_directory, verify=verify)
    return DockerContext(name=name, host=host, tls=tls)


def context_names(config_directory: Path) -> list[str]:
    """Return the names of all contexts that can be read.

    Args:
        config_directory: Docker's settings folder.
    """
    names = []
    for meta in sorted((config_directory / "contexts" / "meta").glob("*/meta.json")):
        try:
            content = json.loads(read_control_file(meta).content)
        except (ControlFileError, ValueError):
            continue
        if isinstance(content, dict) and isinstance(content.get("Name"), str):
            names.append(content["Name"])
    return sorted(names)


def _read(name: str, meta: Path, config_directory: Path) -> object:
    """Return what a context's file holds.

    Raises:
        ConfigurationError: there is no such context, or its file cannot be read.
    """
    try:
        content: object = json.loads(read_control_file(meta).content)
    except ControlFileNotFoundError as error:
        raise ConfigurationError(
            f"there is no Docker context {name!r} in {config_directory / 'contexts'}",
            file=str(meta),
        ) from error
    except ControlFileError as error:
        raise _unreadable(name, meta, error.reason) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, meta, "it is not valid JSON") from error
    return content


def _unreadable(name: str, meta: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the Docker context {name!r} cannot be read from {meta}: {reason}", file=str(meta)
    )


def _endpoint(content: object) -> dict[str, object]:
    """Return `Endpoints.docker` of a meta file, empty when it has none."""
    for key in ("Endpoints", "docker"):
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}
