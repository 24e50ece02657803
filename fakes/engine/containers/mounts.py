"""What is mounted into a container: volumes, folders of the host, memory."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..images.config import RunConfig
from .container import Container

if TYPE_CHECKING:
    from ..volumes.store import VolumeStore

Mount = dict[str, Any]

_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
_MODES = frozenset({"", "ro", "rw", "z", "Z", "nocopy", *_PROPAGATIONS})
_KINDS = ("bind", "volume", "tmpfs", "npipe", "cluster", "image")


@dataclass
class Mounted:
    """The mounts of a container.

    Attributes:
        lines: as its document shows them.
        anonymous: names of volumes that nobody named.
        unplaced: destinations whose volume gets its place when the container starts.
    """

    lines: list[Mount] = field(default_factory=list)
    anonymous: list[str] = field(default_factory=list)
    unplaced: set[str] = field(default_factory=set)


def mounted(
    config: RunConfig,
    host: dict[str, Any],
    volumes: VolumeStore,
    find: Callable[[str], Container],
) -> Mounted:
    """Make the mounts that a container asks for.

    Args:
        config: what it runs; names volumes without a source.
        host: `Binds`, `Mounts` and `VolumesFrom`.
        volumes: where volumes come to be.
        find: a container by name.

    Raises:
        ApiError: when one cannot be.
    """
    result = Mounted()
    own = [*map(_parsed_bind, host.get("Binds") or []), *map(_parsed_mount, _mounts(host))]
    _check_places(own)
    inherited: list[Mount] = []
    for source in host.get("VolumesFrom") or []:
        other, mounts = _inherited(source, find)
        inherited += mounts
        result.anonymous += other.anonymous_volumes
    for mount in own:
        if mount["Type"] == "volume":
            _place(mount, volumes, result)
    places = {mount["Destination"] for mount in own}
    result.lines = [m for m in inherited if m["Destination"] not in places] + own
    places |= {mount["Destination"] for mount in inherited}
    for path in sorted(config.volumes or {}):
        destination = posixpath.normpath(path)
        if destination not in places:
            mount = _volume(destination, "")
            _place(mount, volumes, result)
            result.lines.append(mount)
            result.unplaced.add(destination)
    return result


def _mounts(host: dict[str, Any]) -> list[dict[str, Any]]:
    return [mount for mount in host.get("Mounts") or [] if isinstance(mount, dict)]


def _check_places(mounts: Iterable[Mount]) -> None:
    seen: set[str] = set()
    for mount in mounts:
        if mount["Destination"] in seen:
            raise ApiError(400, f"Duplicate mount point: {mount['Destination']}")
        seen.add(mount["Destination"])


def _volume(destination: str, mode: str, name: str = "", *, writable: bool = True) -> Mount:
    return {
        "Type": "volume",
        "Name": name,
        "Source": "",
        "Destination": destination,
        "Driver": "local",
        "Mode": mode,
        "RW": writable,
        "Propagation": "",
    }


def _place(mount: Mount, volumes: VolumeStore, result: Mounted) -> None:
    name = str(mount["Name"])
    if name and not _VOLUME_NAME.fullmatch(name):
        raise ApiError(
            400,
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path",
        )
    volume = volumes.create({"Name": name}).to_json()
    if not name:
        result.anonymous.append(volume["Name"])
    mount["Name"], mount["Source"] = volume["Name"], volume["Mountpoint"]


def _parsed_bind(text: str) -> Mount:
    parts = str(text).split(":")
    source, mode = "", ""
    if len(parts) == 1:
        target = parts[0]
    elif len(parts) == 2 and set(parts[1].split(",")) <= _MODES:
        target, mode = parts
    elif len(parts) == 2:
        source, target = parts
    elif len(parts) == 3:
        source, target, mode = parts
    else:
        raise ApiError(500, f"invalid volume specification: '{text}'")
    kind = "bind" if source.startswith("/") else "volume"
    words = mode.split(",")
    if not set(words) <= _MODES:
        raise ApiError(500, f"invalid mode: {mode}")
    if not target.startswith("/"):
        raise ApiError(
            500,
            f"invalid volume specification: '{text}': invalid mount config for type \"{kind}\": "
            f"invalid mount path: '{target}' mount path must be absolute",
        )
    target, writable = posixpath.normpath(target), "ro" not in words
    if kind == "volume":
        return _volume(target, mode or ("z" if source else ""), source, writable=writable)
    propagation = next((word for word in words if word in _PROPAGATIONS), "rprivate")
    return _bind(source, target, mode, propagation, writable=writable)


def _bind(source: str, target: str, mode: str, propagation: str, *, writable: bool) -> Mount:
    return {
        "Type": "bind",
        "Source": posixpath.normpath(source),
        "Destination": target,
        "Mode": mode,
        "RW": writable,
        "Propagation": propagation,
    }


def _parsed_mount(asked: dict[str, Any]) -> Mount:
    kind, target = str(asked.get("Type") or ""), str(asked.get("Target") or "")
    source, writable = str(asked.get("Source") or ""), not asked.get("ReadOnly")
    refused = f'invalid mount config for type "{kind}": '
    if kind not in _KINDS:
        raise ApiError(400, f"{refused}mount type unknown")
    if not target:
        raise ApiError(400, f"{refused}field Target must not be empty")
    if kind == "bind" and not source.startswith("/"):
        raise ApiError(400, f"{refused}invalid mount path: '{source}' mount path must be absolute")
    target = posixpath.normpath(target)
    if kind == "volume":
        if not source and not writable:
            raise ApiError(400, f"{refused}must not set ReadOnly mode when using anonymous volumes")
        return _volume(target, "z", source, writable=writable)
    if kind == "bind":
        options = asked.get("BindOptions") or {}
        propagation = options.get("Propagation") or "rprivate"
        return _bind(source, target, "", propagation, writable=writable)
    return {
        "Type": kind,
        "Source": source,
        "Destination": target,
        "Mode": "",
        "RW": writable,
        "Propagation": "",
    }


def _inherited(source: str, find: Callable[[str], Container]) -> tuple[Container, list[Mount]]:
    """Another container and its mounts, writable only when both say so."""
    name, _, mode = str(source).partition(":")
    try:
        other = find(name)
    except ApiError as error:
        raise ApiError(400, error.message) from error
    writable = "ro" not in mode.split(",")
    mounts = [{**mount, "Mode": "", "RW": mount["RW"] and writable} for mount in other.mounts]
    return other, mounts
