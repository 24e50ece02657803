"""The volumes that containers use and leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.engine.containers.container import Container
    from fakes.engine.engine import FakeDockerEngine


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
