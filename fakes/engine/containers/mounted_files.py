"""The files that a container sees: its own, and in their places those of its volumes."""

from __future__ import annotations

import copy
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager

from imagebuilders.oci.file_tree import File, children, clean

from ..errors import StepError
from ..filesystem.overlay import Overlay
from ..volumes.store import Volume, VolumeStore
from .container import Container

_IN_MEMORY = "tmpfs"


def fill_volumes(volumes: VolumeStore, container: Container, uncopied: set[str]) -> None:
    """Let volumes that hold nothing take what the image has in their places.

    Args:
        volumes: of the engine.
        container: one that was just made.
        uncopied: the places where that is not wanted.
    """
    overlay = container.overlay
    if overlay is None:
        return
    for place, volume in _places(volumes, container):
        with volumes.files_lock:
            inside = children(overlay.tree, place)
            if volume.tree or place not in overlay.tree or f"/{place}" in uncopied:
                continue
            volume.folder = overlay.tree[place]
            volume.tree = {path[len(place) + 1 :]: overlay.tree[path] for path in inside}


def make_places(container: Container) -> None:
    """Make what is missing of the places where something is mounted, as a start does."""
    overlay = container.overlay
    if overlay is None:
        return
    targets = [(str(m["Destination"]), m) for m in container.mounts]
    targets += [(path, {"Type": _IN_MEMORY}) for path in container.host_config.get("Tmpfs") or {}]
    for target, mount in targets:
        try:
            place = overlay.locate(target)
            if place in overlay.tree:
                continue
            source = str(mount.get("Source") or "")
            if mount["Type"] == "bind" and os.path.exists(source) and not os.path.isdir(source):
                overlay.make_directories(posixpath.dirname(place))
                overlay.put(place, File("file", 0o755, 0, 0, overlay.now))
            else:
                overlay.make_directories(place)
        except StepError:
            # Something that is no folder is in the way: that is the container's own affair.
            continue


def read_only_refusal(container: Container, path: str) -> str:
    """Why nothing can be written at a path of a container; empty when it can."""
    wanted = f"{posixpath.normpath(f'/{path}')}/".replace("//", "/")
    within = [
        mount
        for mount in container.mounts
        if wanted.startswith(f"{mount['Destination']}/".replace("//", "/"))
    ]
    if within:
        nearest = max(within, key=lambda mount: len(mount["Destination"]))
        return "" if nearest["RW"] else "mounted volume is marked read-only"
    if container.host_config.get("ReadonlyRootfs"):
        return "container rootfs is marked read-only"
    return ""


@contextmanager
def mounted_files(volumes: VolumeStore, container: Container) -> Iterator[Overlay]:
    """Give a container's files with those of its volumes in their places.

    What is written goes to where it belongs at the end, also after a failure. Only one can
    look at a time.
    """
    own = container.overlay or Overlay({}, 0, volumes.version)
    places = _places(volumes, container)
    with volumes.files_lock:
        if not places:
            yield own
            return
        make_places(container)
        seen = copy.copy(own)
        seen.tree, seen.touched, seen.opaque = dict(own.tree), set(), set()
        for place, volume in places:
            for hidden in children(seen.tree, place):
                del seen.tree[hidden]
            seen.tree[place] = volume.folder
            seen.tree |= {f"{place}/{path}": file for path, file in volume.tree.items()}
        try:
            yield seen
        finally:
            _keep(own, seen, places)


def _places(volumes: VolumeStore, container: Container) -> list[tuple[str, Volume]]:
    """Where volumes are mounted, those above others first."""
    found = []
    for mount in container.mounts:
        volume = volumes.get(str(mount.get("Name") or ""))
        if volume is not None:
            path = str(mount["Destination"])
            try:
                place = container.overlay.locate(path) if container.overlay else clean(path)
            except StepError:
                place = clean(path)
            found.append((place, volume))
    return sorted(found, key=lambda pair: len(pair[0]))


def _keep(own: Overlay, seen: Overlay, places: list[tuple[str, Volume]]) -> None:
    def home(path: str) -> str | None:
        above = [place for place, _ in places if f"{path}/".startswith(f"{place}/")]
        return above[-1] if above else None

    trees: dict[str | None, dict[str, File]] = {place: {} for place, _ in places}
    trees[None] = {path: file for path, file in own.tree.items() if home(path) is not None}
    for path, file in seen.tree.items():
        trees[home(path)][path] = file
    for place, volume in places:
        inside = trees[place]
        volume.folder = inside.pop(place, volume.folder)
        volume.tree = {path[len(place) + 1 :]: file for path, file in inside.items()}
    own.tree = trees[None]
    own.touched |= {path for path in seen.touched if home(path) is None}
    own.opaque |= {path for path in seen.opaque if home(path) is None}
