"""From paths to files, with the rights that a process has (path_resolution(7))."""

from __future__ import annotations

import errno
import stat as modes
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from imagebuilders.oci.file_tree import File

from .devices import device_file
from .nodes import Node
from .open_files import Caller, OpenFile, failure

if TYPE_CHECKING:
    from .credentials import Credentials
    from .file_table import FileTable

_MOST_LINKS = 40
_LONGEST_PATH = 4096
READ, WRITE, EXECUTE = 4, 2, 1
_TYPES = {
    "file": modes.S_IFREG,
    "dir": modes.S_IFDIR,
    "symlink": modes.S_IFLNK,
    "fifo": modes.S_IFIFO,
    "char": modes.S_IFCHR,
    "block": modes.S_IFBLK,
}


class Status(NamedTuple):
    """What `stat` tells of a file."""

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    nanoseconds: int
    links: int
    inode: int
    device: tuple[int, int]

    @property
    def full_mode(self) -> int:
        """The mode with the bits of the type."""
        return _TYPES[self.kind] | self.mode


class Found(NamedTuple):
    """Where a path leads: its place in the tree, and what is there."""

    key: str
    node: Node | None


class PathLookup:
    """What is where in a container, as its processes see it.

    Names are Latin-1 text, a character for each byte; the table has them as UTF-8 text.

    Args:
        table: where they are.
        now: the time, in seconds since the epoch.
    """

    def __init__(self, table: FileTable, now: Callable[[], float]) -> None:
        self._table = table
        self._now = now
        self._nodes: dict[str, Node] = {}
        self._inodes: dict[int, Node] = {}
        self._numbers: dict[int, int] = {}
        self._next_inode = 1 << 40

    # --- looking ------------------------------------------------------------------

    def find(self, process: Caller, path: str, *, follow: bool = True) -> Found:
        """Follow a path.

        Raises:
            OSError: a folder on the way is missing, is none, or may not be searched.
        """
        if not path:
            raise failure(errno.ENOENT, path)
        if len(path) >= _LONGEST_PATH:
            raise failure(errno.ENAMETOOLONG, path)
        credentials = process.credentials
        pending = _parts(path)
        current = [] if path.startswith("/") else _parts(process.working_dir)
        if current and not path.startswith("/") and self._get("/".join(current)) is None:
            raise failure(errno.ENOENT, path)
        pending.reverse()
        wants_folder = path.endswith("/") or (bool(pending) and pending[0] == ".")
        links = 0
        while pending:
            process.step()
            part = pending.pop()
            folder = self._get("/".join(current))
            if folder is None:
                raise failure(errno.ENOENT, path)
            if folder.file.kind != "dir":
                raise failure(errno.ENOTDIR, path)
            if not may(folder.file, credentials, EXECUTE):
                raise failure(errno.EACCES, path)
            if part == ".":
                continue
            if part == "..":
                if current:
                    current.pop()
                continue
            if len(part) > 255:
                raise failure(errno.ENAMETOOLONG, path)
            key = "/".join([*current, part])
            node = self._special(process, key) or self._get(key)
            if node is None:
                if pending:
                    raise failure(errno.ENOENT, path)
                return Found(key, None)
            if node.file.kind == "symlink" and (pending or follow or wants_folder):
                links += 1
                if links > _MOST_LINKS:
                    raise failure(errno.ELOOP, path)
                link = node.file.link.encode("utf-8", "surrogateescape").decode("latin-1")
                if link.startswith("/"):
                    current = []
                pending.extend(reversed(_parts(link)))
                continue
            current.append(part)
        key = "/".join(current)
        node = self._special(process, key) or self._get(key)
        if wants_folder and node is not None and node.file.kind != "dir":
            raise failure(errno.ENOTDIR, path)
        return Found(key, node)

    def node(self, process: Caller, path: str, *, follow: bool = True) -> Node:
        """Return what a path leads to.

        Raises:
            OSError: there is nothing, or it cannot be reached.
        """
        node = self.find(process, path, follow=follow).node
        if node is None:
            raise failure(errno.ENOENT, path)
        return node

    def status(self, process: Caller, path: str, *, follow: bool = True) -> Status:
        """Tell of a file (stat, lstat)."""
        return self.status_of(self.node(process, path, follow=follow))

    def status_of(self, node: Node) -> Status:
        """Tell of an open file (fstat)."""
        file = node.file
        links = len(node.paths)
        if file.kind == "dir":
            path = next(iter(node.paths), None)
            below = self._names(path) if path is not None else []
            links = 2 + sum(
                1 for name in below if self._kind(f"{path}/{name}" if path else name) == "dir"
            )
        return Status(
            file.kind,
            file.mode & 0o7777,
            file.uid,
            file.gid,
            4096 if file.kind == "dir" else node.size,
            file.mtime,
            file.nanoseconds,
            links,
            self._inode(node),
            file.device,
        )

    def exists(self, process: Caller, path: str, *, follow: bool = True) -> bool:
        """Tell whether a path leads to something that can be reached."""
        try:
            return self.find(process, path, follow=follow).node is not None
        except OSError:
            return False

    def kind(self, process: Caller, path: str, *, follow: bool = True) -> str:
        """Tell what is at a path; `""` for nothing that can be reached."""
        try:
            node = self.find(process, path, follow=follow).node
        except OSError:
            return ""
        return node.file.kind if node is not None else ""

    def may(self, process: Caller, path: str, wanted: int) -> bool:
        """Tell whether a process may read, write or execute something (access)."""
        try:
            node = self.node(process, path)
        except OSError:
            return False
        return may(node.file, process.credentials, wanted)

    def names(self, process: Caller, path: str) -> list[str]:
        """Return the names in a folder, sorted as the system has them: by bytes here.

        Raises:
            OSError: it is none, or may not be read.
        """
        found = self.find(process, path)
        if found.node is None:
            raise failure(errno.ENOENT, path)
        if found.node.file.kind != "dir":
            raise failure(errno.ENOTDIR, path)
        if not may(found.node.file, process.credentials, READ):
            raise failure(errno.EACCES, path)
        return sorted(self._names(found.key))

    def read_link(self, process: Caller, path: str) -> str:
        """Return where a symbolic link points."""
        file = self.node(process, path, follow=False).file
        if file.kind != "symlink":
            raise failure(errno.EINVAL, path)
        return file.link.encode("utf-8", "surrogateescape").decode("latin-1")

    def real_path(self, process: Caller, path: str) -> str:
        """Return the path without links; what is last may be missing.

        Raises:
            OSError: something before the last is missing.
        """
        return "/" + self.find(process, path).key

    def is_mount(self, key: str) -> bool:
        """Tell whether something of another file system lies at a place."""
        if self._table.is_mount(outer_path(key)):
            return True
        return key in ("proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf") and (
            self._get(key) is not None and self.has_mounts
        )

    has_mounts = False

    def _get(self, key: str) -> Node | None:
        node = self._nodes.get(key)
        path = outer_path(key)
        file = self._table.get(path)
        if file is None:
            if not key:
                file = File("dir", 0o755)
            else:
                if node is not None:
                    del self._nodes[key]
                return None
        if node is not None and (node.file is file or node.file == file or node._is_changed):
            return node
        if file.inode and (known := self._inodes.get(file.inode)) is not None and known.paths:
            known.paths.add(path)
            self._nodes[key] = known
            return known
        node = Node(self._table, file, path)
        self._nodes[key] = node
        if file.inode:
            self._inodes[file.inode] = node
        return node

    def _kind(self, path: str) -> str:
        file = self._table.get(path)
        return file.kind if file is not None else ""

    def _names(self, key: str) -> list[str]:
        names = list(self._table.names(outer_path(key)))
        return [name.encode("utf-8", "surrogateescape").decode("latin-1") for name in names]

    def _inode(self, node: Node) -> int:
        number = node.file.inode or self._numbers.get(id(node))
        if not number:
            self._next_inode += 1
            number = self._numbers[id(node)] = self._next_inode
        return number

    def _special(self, process: Caller, key: str) -> Node | None:
        file = device_file(process, key)
        return None if file is None else Node(_NoTable(), file, key)

    def _described(self, process: Caller, path: str) -> OpenFile | None:
        """What a path below /dev/fd, /proc/self/fd, or /dev/stdin leads to, if it is such a one."""
        names = {"/dev/stdin": "0", "/dev/stdout": "1", "/dev/stderr": "2"}
        number = names.get(path)
        for prefix in ("/dev/fd/", "/proc/self/fd/"):
            if path.startswith(prefix):
                number = path[len(prefix) :]
        if number is None or not number.isdigit():
            return None
        if int(number) not in process.descriptors:
            raise failure(errno.ENOENT, path)
        return process.descriptors[int(number)]


class _NoTable:
    """Where a device is that no table holds."""

    def get(self, _path: str, /) -> File | None:
        return None

    def put(self, _path: str, _file: File, /) -> None:
        """Forget it."""

    def remove(self, _path: str, /) -> None:
        """Forget it."""

    def names(self, _folder: str, /) -> list[str]:
        return []

    def is_mount(self, _path: str, /) -> bool:
        return False

    def is_read_only(self, _path: str, /) -> bool:
        return False


def may(file: File, credentials: Credentials, wanted: int) -> bool:
    """Tell whether somebody may read, write or execute a file; root may, as Docker's root."""
    if credentials.can("DAC_OVERRIDE"):
        if not wanted & EXECUTE or file.kind == "dir":
            return True
        return bool(file.mode & 0o111)
    shift = 6 if file.uid == credentials.uid else 3 if credentials.is_in(file.gid) else 0
    return (file.mode >> shift) & wanted == wanted


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def outer_path(key: str) -> str:
    """A path as tables have it."""
    return key if key.isascii() else key.encode("latin-1").decode("utf-8", "surrogateescape")
