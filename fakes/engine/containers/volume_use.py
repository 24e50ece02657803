"""The volumes that containers use and leave behind."""

from __future__ import annotations

from collections.abc import Iterable

from ..volumes.store import VolumeStore
from .container import Container


def remove_anonymous(
    volumes: VolumeStore, others: Iterable[Container], container: Container
) -> None:
    """Take away the volumes without a name that only a removed container had."""
    used = {m.get("Name") for other in others for m in other.mounts}
    for name in container.anonymous_volumes:
        volume = volumes.get(name)
        if volume is not None and name not in used:
            volumes.remove(volume)


def note_mounts(volumes: VolumeStore, container: Container, action: str) -> None:
    """Say in the events that a container's volumes are mounted or no longer are."""
    for mount in container.mounts:
        volume = volumes.get(str(mount.get("Name") or ""))
        if volume is None:
            continue
        more = {"container": container.id}
        if action == "mount":
            more |= {
                "destination": str(mount["Destination"]),
                "propagation": "",
                "read/write": "true" if mount.get("RW") else "false",
            }
        volumes.note(action, volume, more)
