"""The volumes that containers bring with them, use and leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fakes.engine.volumes import Volume

if TYPE_CHECKING:
    from fakes.engine.containers.container import Container
    from fakes.engine.engine import FakeDockerEngine

Mount = dict[str, Any]


def add_anonymous(engine: FakeDockerEngine, container: Container) -> None:
    """Give a container what it takes from others, and the volumes that nobody named."""
    taken = {mount["Destination"] for mount in container.mounts}
    for mount in _of_others(engine, container):
        if mount["Destination"] not in taken:
            taken.add(mount["Destination"])
            container.mounts.append(dict(mount))
    for path in sorted(container.config.volumes or {}):
        if path not in taken:
            volume = engine.volumes.create({})
            container.anonymous_volumes.append(volume.name)
            container.mounts.append(_mount(volume, path))


def _of_others(engine: FakeDockerEngine, container: Container) -> Iterator[Mount]:
    for source in container.host_config.get("VolumesFrom") or []:
        other = engine.containers.find(str(source).partition(":")[0])
        yield from other.mounts
        container.anonymous_volumes.extend(other.anonymous_volumes)


def _mount(volume: Volume, path: str) -> Mount:
    return {
        "Type": "volume",
        "Name": volume.name,
        "Source": volume.to_json()["Mountpoint"],
        "Destination": path,
        "Driver": volume.driver,
        "Mode": "",
        "RW": True,
        "Propagation": "",
    }


def remove_anonymous(engine: FakeDockerEngine, container: Container) -> None:
    """Take away the volumes without a name that only a removed container had."""
    used = {m.get("Name") for other in engine.containers.all() for m in other.mounts}
    for name in container.anonymous_volumes:
        volume = engine.volumes.get(name)
        if volume is not None and name not in used:
            engine.volumes.remove(volume)


def note_mounts(engine: FakeDockerEngine, container: Container, action: str) -> None:
    """Say in the events that a container's volumes are mounted or no longer are."""
    for mount in container.mounts:
        volume = engine.volumes.get(str(mount.get("Name") or ""))
        if volume is None:
            continue
        more = {"container": container.id}
        if action == "mount":
            more |= {
                "destination": str(mount["Destination"]),
                "propagation": "",
                "read/write": "true" if mount.get("RW") else "false",
            }
        engine.volumes.note(action, volume, more)
