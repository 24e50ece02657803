"""Builders that `docker buildx create` made: which daemons they have.

They are kept in Docker's settings folder, in `buildx/instances`, a file for each:
`store/nodegroup.go` of https://github.com/docker/buildx. A Docker context is a builder, too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from imagebuilders.buildkit.daemon import Daemon, container_daemon, daemon_at, engine_daemon
from imagebuilders.buildkit.kubernetes_pods import deployment_daemons
from imagebuilders.connections.cli_contexts import DEFAULT_CONTEXT, load_context
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.user_folders import docker_config_directory

CONFIG_VARIABLE = "BUILDX_CONFIG"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_CONTAINER_PREFIX = "buildx_buildkit_"
_DRIVERS = ("docker", "docker-container", "kubernetes", "remote")


def builder_daemons(name: str, environ: Mapping[str, str] | None = None) -> list[Daemon]:
    """Return the daemons of a builder, in the order of its nodes.

    Args:
        name: the builder's name, or that of a Docker context.
        environ: the environment to read; the process's own by default.

    Raises:
        ConfigurationError: there is no such builder, or its file cannot be used.
        BuildKitError: the pods of a builder on Kubernetes cannot be listed.
    """
    environ = os.environ if environ is None else environ
    folder = _folder(environ)
    file = None if folder is None else folder / "instances" / name
    if file is None or not _NAME.fullmatch(name):
        raise _unknown(name, folder)
    try:
        content: object = json.loads(read_control_file(file).content)
    except ControlFileNotFoundError as error:
        if _is_context(name, environ):
            return [engine_daemon(name)]
        raise _unknown(name, folder) from error
    except ControlFileError as error:
        raise _unusable(name, file, error.reason) from error
    except (ValueError, RecursionError) as error:
        raise _unusable(name, file, "it is not valid JSON") from error
    return list(_Builder(name, file, content).daemons())


class _Builder:
    """The file of a builder."""

    def __init__(self, name: str, file: Path, content: object) -> None:
        self._name = name
        self._file = file
        self._content = content if isinstance(content, dict) else {}

    def daemons(self) -> Iterator[Daemon]:
        """Yield the daemons of all nodes."""
        driver = self._content.get("Driver")
        nodes = self._content.get("Nodes")
        if driver not in _DRIVERS:
            raise self._wrong(f"its driver is {driver!r}; there is {', '.join(_DRIVERS)}")
        if not isinstance(nodes, list) or not nodes:
            raise self._wrong("it has no nodes")
        for node in nodes:
            if not isinstance(node, dict):
                raise self._wrong("a node is not an object")
            yield from self._of_node(str(driver), node)

    def _of_node(self, driver: str, node: Mapping[str, object]) -> Sequence[Daemon]:
        name, endpoint = node.get("Name"), node.get("Endpoint")
        if not isinstance(name, str) or not isinstance(endpoint, str):
            raise self._wrong("a node has no name or no endpoint")
        options = node.get("DriverOpts")
        given = {
            str(key): str(value)
            for key, value in (options if isinstance(options, dict) else {}).items()
        }
        platforms = _platforms(node.get("Platforms"))
        if driver == "docker":
            return [engine_daemon(endpoint, platforms)]
        if driver == "docker-container":
            return [container_daemon(f"{_CONTAINER_PREFIX}{name}", endpoint, platforms)]
        if driver == "remote":
            return [daemon_at(endpoint, tls=_tls(given), platforms=platforms)]
        query = parse_qs(urlsplit(endpoint).query) if "://" in endpoint else {}
        return deployment_daemons(
            name.replace("_", "-"),
            namespace=given.get("namespace", ""),
            kubeconfig="".join(query.get("kubeconfig", [])),
            platforms=platforms,
        )

    def _wrong(self, problem: str) -> ConfigurationError:
        return _unusable(self._name, self._file, problem)


def _tls(options: Mapping[str, str]) -> TLSFiles | None:
    """Return the files that a node of the driver `remote` names."""
    names = [options.get(key) for key in ("cacert", "cert", "key")]
    server_name = options.get("servername")
    if not any(names) and not server_name:
        return None
    ca, certificate, key = (Path(name) if name else None for name in names)
    return replace(TLSFiles(ca, certificate, key), server_name=server_name)


def _platforms(given: object) -> tuple[str, ...]:
    """Return the platforms that a node was made for."""
    found = []
    for each in given if isinstance(given, list) else []:
        if isinstance(each, dict):
            parts = [each.get(key) for key in ("os", "architecture", "variant")]
            found.append("/".join(part for part in parts if isinstance(part, str) and part))
    return tuple(found)


def _folder(environ: Mapping[str, str]) -> Path | None:
    given = environ.get(CONFIG_VARIABLE)
    if given:
        return Path(given)
    base = docker_config_directory(environ)
    return None if base is None else base / "buildx"


def builder_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of the builders that `docker buildx create` made.

    Args:
        environ: the environment; that of this process by default.
    """
    folder = _folder(os.environ if environ is None else environ)
    return [] if folder is None else _instances(folder)


def _instances(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder / "instances"))
    except OSError:
        return []


def _is_context(name: str, environ: Mapping[str, str]) -> bool:
    base = docker_config_directory(environ)
    if name == DEFAULT_CONTEXT:
        return True
    if base is None:
        return False
    try:
        load_context(name, base)
    except ConfigurationError:
        return False
    return True


def _unknown(name: str, folder: Path | None) -> ConfigurationError:
    known = [] if folder is None else _instances(folder)
    there = f"There is {', '.join(known)}." if known else "`docker buildx create` makes one."
    where = f" in {folder / 'instances'}" if folder else ""
    return ConfigurationError(
        f"There is no builder {name!r}{where}, nor a Docker context of that name. {there}",
        file=None if folder is None else str(folder / "instances"),
        allowed=known,
    )


def _unusable(name: str, file: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"The builder {name!r} in {file} cannot be used: {problem}.", file=str(file)
    )
