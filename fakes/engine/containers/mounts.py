"""What is mounted into a container: volumes, folders of the host, memory."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...images.config import RunConfig
from ..errors import ApiError
from .container import Container
from .mount_specs import (
    Mount,
    check_memory_places,
    parse_bind,
    parse_mount,
    parse_volumes_from,
    volume_mount,
)

if TYPE_CHECKING:
    from ..volumes.store import VolumeStore


@dataclass
class Mounted:
    """The mounts of a container.

    Attributes:
        lines: as its document shows them.
        anonymous: names of volumes that nobody named.
        unplaced: destinations whose volume gets its place when the container starts.
        uncopied: destinations whose volume does not take what the image has there.
    """

    lines: list[Mount] = field(default_factory=list)
    anonymous: list[str] = field(default_factory=list)
    unplaced: set[str] = field(default_factory=set)
    uncopied: set[str] = field(default_factory=set)


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
    own = [parse_bind(str(text)) for text in host.get("Binds") or []]
    own += [parse_mount(asked, volumes.version) for asked in _mounts(host)]
    check_memory_places(host)
    result.uncopied = {mount["Destination"] for mount in own if "nocopy" in mount["Mode"]}
    result.uncopied |= {
        posixpath.normpath(str(asked.get("Target")))
        for asked in _mounts(host)
        if (asked.get("VolumeOptions") or {}).get("NoCopy")
    }
    _check_places(own)
    inherited: list[Mount] = []
    for source in host.get("VolumesFrom") or []:
        other, mounts = _inherited(source, find)
        inherited += mounts
        result.anonymous += other.anonymous_volumes
    driver = str(host.get("VolumeDriver") or "")
    for mount in own:
        if mount["Type"] == "volume":
            _place(mount, volumes, result, driver)
    places = {mount["Destination"] for mount in own}
    result.lines = [m for m in inherited if m["Destination"] not in places] + own
    places |= {mount["Destination"] for mount in inherited}
    for path in sorted(config.volumes or {}):
        destination = posixpath.normpath(path)
        if destination not in places:
            mount = volume_mount(destination, "")
            _place(mount, volumes, result, driver)
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


def _place(mount: Mount, volumes: VolumeStore, result: Mounted, driver: str) -> None:
    name = str(mount["Name"])
    wanted = driver if driver and mount["Driver"] == "local" else mount["Driver"]
    volume = volumes.create({"Name": name, "Driver": wanted}).to_json()
    if not name:
        result.anonymous.append(volume["Name"])
    mount["Name"], mount["Source"] = volume["Name"], volume["Mountpoint"]


def _inherited(source: str, find: Callable[[str], Container]) -> tuple[Container, list[Mount]]:
    """Another container and its mounts, writable only when both say so."""
    name, writable = parse_volumes_from(str(source))
    try:
        other = find(name)
    except ApiError as error:
        raise ApiError(400, error.message) from error
    mounts = [{**mount, "Mode": "", "RW": mount["RW"] and writable} for mount in other.mounts]
    return other, mounts
