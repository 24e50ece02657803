"""What a daemon keeps of the steps that it has done, by what they were made of."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from imagebuilders.evaluation.steps import Copy, Lines, Step
from imagebuilders.evaluation.trees import Folder
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_writer import write_layer

from ...images.layers import Layer

if TYPE_CHECKING:
    from imagebuilders.oci.members import Member

    from ...images.image import Image
    from ...shell.machines import Executed

_NO_LINES = Lines(0, 0)
_TIMED = frozenset({"created", "history", "rootfs"})
_SMALL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class DoneStep:
    """What a step made.

    Attributes:
        key: what it was made of.
        title: what the progress called it.
        members: the entries of its layer.
        tree: the files behind it; `None` if nothing was ever written.
        created: nanoseconds since the epoch.
        executed: by what a RUN was done; `None` for one that was only recorded, and for other
            instructions.
        environment: the variables that rules have set up to it.
        recorded: the commands of a RUN that were only recorded.
    """

    key: str
    title: str
    members: tuple[Member, ...] = field(repr=False)
    tree: Folder | None = field(repr=False)
    created: int
    executed: Executed | None = None
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    recorded: tuple[str, ...] = ()

    @cached_property
    def layer(self) -> Layer:
        """The layer as an archive."""
        return Layer(b"".join(write_layer(self.members)))


class StepCache:
    """The steps that were done, by key; as of real daemons, times decide nothing."""

    def __init__(self) -> None:
        self._done: dict[str, DoneStep] = {}
        self._used: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def find(self, key: str, now: int) -> DoneStep | None:
        """Return what was made of a key.

        Args:
            key: the key.
            now: nanoseconds since the epoch.
        """
        with self._lock:
            found = self._done.get(key)
            if found is not None:
                count, _ = self._used[key]
                self._used[key] = (count + 1, now)
            return found

    def keep(self, done: DoneStep) -> None:
        """Keep what a step made, in the place of what was made of the same key before."""
        with self._lock:
            self._done[done.key] = done
            self._used[done.key] = (1, done.created)

    def uses(self) -> list[tuple[DoneStep, int, int]]:
        """Return every step that is kept, how often it was used, and when last."""
        with self._lock:
            return [(done, *self._used[key]) for key, done in self._done.items()]

    def remove(self, key: str) -> None:
        """Forget a step."""
        with self._lock:
            self._done.pop(key, None)
            self._used.pop(key, None)


def combined(*parts: object) -> str:
    """Return a key that is made of some parts."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def definition(step: Step) -> str:
    """Return what a step does, without where it stands and what it is called."""
    plain = replace(step, lines=_NO_LINES, created_by="", title="", trigger=False)
    if isinstance(plain, Copy):
        plain = replace(plain, sources=())  # what they lead to counts
    return repr(plain)


def members_key(members: Iterable[Member]) -> str:
    """Return what is in a layer, but for times."""
    return combined([(member.name, member.hard_link, *_status(member.file)) for member in members])


def folder_key(entry: Folder | File | None) -> str:
    """Return what is in a folder, or is a file, but for times."""
    if entry is None:
        return combined(None)
    if isinstance(entry, File):
        return combined(*_status(entry))
    return combined(list(_entries(entry)))


def image_key(image: Image) -> str:
    """Return what is in an image that a stage begins with.

    No times are in that of a small one: what was seeded in two doubles alike is the same base.
    """
    if image.size > _SMALL_BYTES:
        return combined("image", image.config_digest)
    settings = {key: value for key, value in image.parsed.items() if key not in _TIMED}
    tree = [(path, *_status(file)) for path, file in sorted(image.tree.items())]
    return combined("image", sorted(settings.items(), key=str), tree)


def _entries(folder: Folder) -> Iterator[tuple[object, ...]]:
    for path, entry in folder.walk():
        yield (path, *_status(entry.file if isinstance(entry, Folder) else entry))


def _status(file: File) -> tuple[object, ...]:
    content = hashlib.sha256()
    for piece in file.pieces() if file.kind == "file" else ():
        content.update(piece)
    return (
        *(file.kind, file.mode, file.uid, file.gid, file.link, file.device, file.xattrs),
        content.hexdigest(),
    )


def held_members(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return the entries of a layer with their contents in memory."""
    return tuple(member._replace(file=_held(member.file)) for member in members)


def held(folder: Folder) -> Folder:
    """Return a tree with its contents in memory."""
    names = {
        name: held(entry) if isinstance(entry, Folder) else _held(entry)
        for name, entry in folder.names.items()
    }
    return Folder(folder.file, names, lineage=folder.lineage)


def _held(file: File) -> File:
    if file.content is None:
        return file
    return file._replace(content=None, data=b"".join(file.pieces()))
