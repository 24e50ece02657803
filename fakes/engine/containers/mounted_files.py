"""The files that a container sees: its own, and in their places those that are mounted there."""

from __future__ import annotations

import copy
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    children,
    clean,
    resolve,
)

from ...shell.places import MemoryFiles
from ..errors import StepError
from ..filesystem.overlay import Overlay
from ..volumes.store import Volume, VolumeStore
from .container import Container
from .host_files import HostFiles

Mounted = Volume | HostFiles | MemoryFiles
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
    for place, volume in volume_places(volumes, container):
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
    targets += [(path, {"Type": _IN_MEMORY}) for path in memory_targets(container)]
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


def files_inside(
    volumes: VolumeStore, container: Container, *wanted: str
) -> AbstractContextManager[Overlay]:
    """Give the files as commands of the container see them: those in memory, too."""
    return mounted_files(volumes, container, *wanted, memory=memory_places(container))


@contextmanager
def mounted_files(
    volumes: VolumeStore,
    container: Container,
    *wanted: str,
    memory: Sequence[tuple[str, MemoryFiles]] = (),
) -> Iterator[Overlay]:
    """Give a container's files with those of its volumes and of this machine in their places.

    What is written goes to where it belongs at the end, also after a failure. Only one can
    look at a time.

    Args:
        volumes: of the engine.
        container: which.
        wanted: the paths at and below which files of this machine have their contents.
        memory: what else is in a place.
    """
    own = container.overlay or Overlay({}, 0, volumes.version)
    with volumes.files_lock:
        places: list[tuple[str, Mounted]] = [
            *volume_places(volumes, container),
            *machine_places(container),
            *memory,
        ]
        if not places:
            yield own
            return
        places.sort(key=lambda pair: len(pair[0]))
        make_places(container)
        seen = copy.copy(own)
        seen.tree, seen.touched, seen.opaque = dict(own.tree), set(), set()
        for place, volume in places:
            for hidden in children(seen.tree, place):
                del seen.tree[hidden]
            seen.tree[place] = volume.folder
            seen.tree |= {f"{place}/{path}": file for path, file in volume.tree.items()}
        for path in wanted:
            _load(seen.tree, path, places)
        try:
            yield seen
        finally:
            _keep(own, seen, places)


def volume_places(volumes: VolumeStore, container: Container) -> list[tuple[str, Volume]]:
    """Where volumes are mounted, those above others first."""
    found = []
    for mount in container.mounts:
        volume = volumes.get(str(mount.get("Name") or ""))
        if volume is not None:
            found.append((located(container, str(mount["Destination"])), volume))
    return sorted(found, key=lambda pair: len(pair[0]))


def machine_places(container: Container) -> Iterator[tuple[str, HostFiles]]:
    """Where a folder or file of this machine is mounted; sockets and devices hold nothing."""
    for place, source, read_only in machine_sources(container):
        yield place, HostFiles(source, read_only=read_only)


def machine_sources(container: Container) -> Iterator[tuple[str, str, bool]]:
    """Where something of this machine is mounted, what it is, and whether it is read-only."""
    for mount in container.mounts:
        source = str(mount.get("Source") or "")
        if mount["Type"] == "bind" and (os.path.isdir(source) or os.path.isfile(source)):
            yield located(container, str(mount["Destination"])), source, not mount["RW"]


def memory_places(container: Container) -> list[tuple[str, MemoryFiles]]:
    """Where something is in memory, and what."""
    return [
        (located(container, path), container.memory.setdefault(path, MemoryFiles()))
        for path in memory_targets(container)
    ]


def memory_targets(container: Container) -> list[str]:
    """The places that are in memory."""
    mounts = [str(m["Destination"]) for m in container.mounts if m["Type"] == _IN_MEMORY]
    return [*mounts, *(container.host_config.get("Tmpfs") or {})]


def located(container: Container, path: str) -> str:
    """Where a path of a container leads, without a slash at its beginning."""
    try:
        return container.overlay.locate(path) if container.overlay else clean(path)
    except StepError:
        return clean(path)


def _home(path: str, places: Sequence[tuple[str, Mounted]]) -> str | None:
    """The place that a path is in, of those above each other the lowest."""
    above = [place for place, _ in places if f"{path}/".startswith(f"{place}/")]
    return above[-1] if above else None


def _load(tree: Tree, path: str, places: Sequence[tuple[str, Mounted]]) -> None:
    """Read the contents of this machine's files at and below a path."""
    try:
        real = resolve(tree, path)
    except UnresolvedPathError:
        return
    held = dict(places)
    for each in (real, *children(tree, real)):
        place = _home(each, places)
        files = held.get(place) if place is not None else None
        if isinstance(files, HostFiles) and each in tree and tree[each].kind == "file":
            tree[each] = files.load(each[len(place or "") + 1 :])


def _keep(own: Overlay, seen: Overlay, places: Sequence[tuple[str, Mounted]]) -> None:
    def home(path: str) -> str | None:
        return _home(path, places)

    trees: dict[str | None, dict[str, File]] = {place: {} for place, _ in places}
    trees[None] = {path: file for path, file in own.tree.items() if home(path) is not None}
    for path, file in seen.tree.items():
        trees[home(path)][path] = file
    changed: list[Callable[[], None]] = []
    for place, volume in places:
        inside = trees[place]
        folder = inside.pop(place, volume.folder)
        tree = {path[len(place) + 1 :]: file for path, file in inside.items()}
        if isinstance(volume, HostFiles):
            changed.append(partial(volume.keep, folder, tree))
        else:
            volume.folder, volume.tree = folder, tree
    own.tree = trees[None]
    own.touched |= {path for path in seen.touched if home(path) is None}
    own.opaque |= {path for path in seen.opaque if home(path) is None}
    for keep in changed:
        keep()
