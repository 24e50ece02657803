"""A folder of a snapshot, packed: a file takes its name and 44 bytes.

So a context of a million files has room in memory, and a whole folder can be compared with what
is remembered of it at once. It is longer than other modules, as nothing else may know the form.
"""

from __future__ import annotations

import hashlib
import stat
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from imagebuilders.context.entries import (
    UTF8_NAMES,
    Entry,
    EntryType,
    decode_path,
    disk_name,
    encode_path,
)
from imagebuilders.context.faults import replaced
from imagebuilders.context.status import STATE_SIZE, State, pack_state, unpack_states

_TYPE, _REGULAR, _MODE = 0o170000, stat.S_IFREG, 0o7777
_BATCH = 64 * 1024  # how many bytes of names are taken apart at once
# Makes a named tuple in half the time that calling its class takes; there may be millions.
_new = tuple.__new__


class Child(NamedTuple):
    """What is in a folder besides the packed files.

    Attributes:
        name: its name, as bytes.
        position: how many packed files come before it.
        offset: how many bytes their names take.
        entry: a directory, a link, or a file that is not read from the folder.
        folder: what is in a directory.
    """

    name: bytes
    position: int
    offset: int
    entry: Entry
    folder: Folder | None


class Folder:
    """What a context has of one folder, in order.

    Attributes:
        path: the folder's path in the context; empty for the root.
        root: the root on disk, with a slash at its end; empty when there is none.
        names: the names of the packed files in byte order, a zero byte behind each.
        states: their states, `STATE_SIZE` bytes for each.
        children: everything else, in byte order of the names.
    """

    __slots__ = ("_odd", "_sources", "children", "names", "path", "root", "states")

    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self.root = root
        self.names = b""
        self.states = b""
        self.children: list[Child] = []
        self._odd: dict[bytes, State] = {}
        self._sources: dict[str, tuple[str, str]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not (self.names or self.children)

    @property
    def prefix(self) -> str:
        """What the paths of its names begin with."""
        return self.path and self.path + "/"

    def state_digest(self) -> bytes:
        """Return a digest of all entries as they are told to others, contents left out.

        What was found twice with the same digest is the same, as far as the file system tells.

        Raises:
            ContextChangedError: a file was replaced by something else during the walk.
        """
        digest = hashlib.sha256(encode_path(self.root))
        for entry in self.entries():
            # Without a time of its own, the content alone tells.
            held = entry.source if entry.mtime_ns is None else ""
            told = (entry.path, entry.type.value, entry.mode, entry.size, entry.mtime_ns)
            digest.update(repr((*told, entry.target, held)).encode("utf-8", "surrogateescape"))
        return digest.digest()

    def set_files(
        self,
        names: bytes,
        states: bytes,
        odd: dict[bytes, State],
        sources: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        """Pack files.

        Args:
            names: their names, as in `names`.
            states: their states, as in `states`.
            odd: the states that could not be packed, by name.
            sources: where a file lies that is not at its place below the root, by name: its
                path on disk, and the folder below which no link is followed.
        """
        self.names, self.states, self._odd = names, states, odd
        self._sources = sources or {}

    def entries(self) -> Iterator[Entry]:
        """Yield what is in the folder, each directory followed by what is in it.

        Raises:
            ContextChangedError: a file was replaced by something else during the walk.
        """
        open_folders: list[Iterator[Entry | Folder]] = [self._steps()]
        while open_folders:
            for step in open_folders[-1]:
                if isinstance(step, Folder):
                    open_folders.append(step._steps())
                    break
                yield step
            else:
                open_folders.pop()

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files and links, without order."""
        folders: list[Folder] = []
        folders.append(self)
        while folders:
            folder = folders.pop()
            prefix = folder.prefix
            yield from map(prefix.__add__, folder._names_from(0))
            for child in folder.children:
                if child.folder is not None:
                    folders.append(child.folder)
                else:
                    yield child.entry.path

    def files(self, start: int = 0, end: int | None = None, at: int = 0) -> Iterator[Entry]:
        """Yield the packed files.

        Args:
            start: the number of the first one.
            end: the number of the one behind the last.
            at: where the name of the first one begins in `names`.
        """
        states = unpack_states(self.states[start * STATE_SIZE : end and end * STATE_SIZE])
        return self._files(self._names_from(at), states)

    def file(self, number: int, at: int) -> Entry:
        """Return one packed file.

        Args:
            number: its number.
            at: where its name begins in `names`.
        """
        name = decode_path(self.names[at : self.names.index(b"\0", at)])
        state = self.states[number * STATE_SIZE : (number + 1) * STATE_SIZE]
        return next(self._files((name,), unpack_states(state)))

    def placed(self) -> Iterator[str]:
        """Yield the paths of what was put in by hand, here and below, without order."""
        folders: list[Folder] = []
        folders.append(self)
        while folders:
            folder = folders.pop()
            yield from map(folder.prefix.__add__, folder._sources)
            for child in folder.children:
                if not child.entry.root or child.entry.root != folder.root:
                    yield child.entry.path
                if child.folder is not None:
                    folders.append(child.folder)

    def find(self, name: bytes) -> Entry | None:
        """Return the entry of a name in this folder."""
        index = self._child_at(name)
        if index < len(self.children) and self.children[index].name == name:
            return self.children[index].entry
        offset = self._offset_of(name)
        if not self.names.startswith(name + b"\0", offset):
            return None
        return self.file(self.names.count(b"\0", 0, offset), offset)

    def child(self, name: bytes) -> Folder | None:
        """Return what is in a directory in this folder."""
        index = self._child_at(name)
        if index < len(self.children) and self.children[index].name == name:
            return self.children[index].folder
        return None

    def copy(self) -> Folder:
        """Return a folder of the same content that changes on its own."""
        other = Folder(self.path, self.root)
        other.set_files(self.names, self.states, self._odd, dict(self._sources))
        other.children = list(self.children)
        return other

    def put(self, name: bytes, entry: Entry, folder: Folder | None = None) -> None:
        """Put an entry in the place of whatever has that name, and of what is below it.

        Args:
            name: the name.
            entry: the entry.
            folder: what is in it, for a directory.
        """
        self._remove(name)
        offset = self._offset_of(name)
        position = self.names.count(b"\0", 0, offset)
        packed = pack_file(entry)
        if packed is None:
            child = Child(name, position, offset, entry, folder)
            self.children.insert(self._child_at(name), child)
            return
        self.names = b"%b%b\0%b" % (self.names[:offset], name, self.names[offset:])
        at = position * STATE_SIZE
        self.states = self.states[:at] + packed + self.states[at:]
        self._sources[decode_path(name)] = (str(entry.source), entry.root)
        self._shift(name, 1)

    def _remove(self, name: bytes) -> None:
        offset = self._offset_of(name)
        if self.names.startswith(name + b"\0", offset):
            at = self.names.count(b"\0", 0, offset) * STATE_SIZE
            self.names = self.names[:offset] + self.names[offset + len(name) + 1 :]
            self.states = self.states[:at] + self.states[at + STATE_SIZE :]
            self._shift(name, -1)
        index = self._child_at(name)
        if index < len(self.children) and self.children[index].name == name:
            del self.children[index]

    def _shift(self, name: bytes, by: int) -> None:
        """Move the children behind a packed file that came or went."""
        for index in range(self._child_at(name), len(self.children)):
            child = self.children[index]
            self.children[index] = child._replace(
                position=child.position + by, offset=child.offset + by * (len(name) + 1)
            )

    def _steps(self) -> Iterator[Entry | Folder]:
        start = at = 0
        for child in self.children:
            if child.position > start:
                yield from self.files(start, child.position, at)
                start, at = child.position, child.offset
            yield child.entry
            if child.folder is not None:
                yield child.folder
        yield from self.files(start, None, at)

    def _files(self, names: Iterable[str], states: Iterable[State]) -> Iterator[Entry]:
        kind = EntryType.FILE
        prefix, root, sources = self.prefix, self.root, self._sources
        place = root + disk_name(prefix)
        for name, state in zip(names, states, strict=False):
            source, below = place + (name if UTF8_NAMES else disk_name(name)), root
            if sources:
                source, below = sources.get(name, (source, below))
            mode, size, mtime, ctime, inode, device = state
            if mode & _TYPE != _REGULAR:
                mode, size, mtime, ctime, inode, device = self._odd_state(name, source)
            path = prefix + name
            mode &= _MODE
            yield _new(
                Entry,
                (path, kind, mode, size, mtime, ctime, inode, device, "", source, below),
            )

    def _names_from(self, at: int) -> Iterator[str]:
        names = self.names
        while at < len(names):
            end = names.find(b"\0", at + _BATCH) + 1 or len(names)
            yield from names[at : end - 1].decode("utf-8", "surrogateescape").split("\0")
            at = end

    def _odd_state(self, name: str, source: str) -> State:
        state = self._odd.get(encode_path(name))
        if state is None:
            raise replaced(source)
        return state

    def _child_at(self, name: bytes) -> int:
        return bisect_left(self.children, name, key=_name_of)

    def _offset_of(self, name: bytes) -> int:
        """Return where a name stands in `names`, or would stand."""
        low, high = 0, len(self.names)
        while low < high:
            middle = (low + high) // 2
            start = self.names.rfind(b"\0", low, middle) + 1 or low
            end = self.names.index(b"\0", middle)
            if self.names[start:end] < name:
                low = end + 1
            else:
                high = start
        return low


def _name_of(child: Child) -> bytes:
    return child.name


def pack_file(entry: Entry) -> bytes | None:
    """Return the packed state of a file that is read from disk; `None` for what is not packed."""
    if entry.type is not EntryType.FILE or isinstance(entry.source, bytes):
        return None
    _, _, mode, size, mtime_ns, ctime_ns, inode, device = entry[:8]
    try:
        return pack_state((_REGULAR | mode, size, mtime_ns or 0, ctime_ns, inode, device))
    except struct.error:  # a child then, which has room for any number
        return None
