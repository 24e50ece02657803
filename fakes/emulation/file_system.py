"""System calls about files, with the rights that a process has (path_resolution(7))."""

from __future__ import annotations

import errno
import stat as modes
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from imagebuilders.oci.file_tree import File

from .devices import DEVICES, device_file
from .nodes import Node
from .open_files import Caller, Device, FileHandle, OpenFile, failure

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


class FileSystem:
    """The files of a container, as its processes see them.

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

    # --- content ------------------------------------------------------------------

    def open(
        self,
        process: Caller,
        path: str,
        *,
        reads: bool = True,
        writes: bool = False,
        creates: bool = False,
        is_new: bool = False,
        truncates: bool = False,
        appends: bool = False,
        mode: int = 0o666,
    ) -> OpenFile:
        """Open a file.

        Raises:
            OSError: it cannot be opened so.
        """
        described = self._described(process, path)
        if described is not None:
            return described
        found = self.find(process, path)
        node = found.node
        if node is None:
            if not creates:
                raise failure(errno.ENOENT, path)
            if path.endswith("/"):
                raise failure(errno.EISDIR, path)
            file = File("file", mode & ~process.umask & 0o7777)
            node = self._create(process, found.key, path, file)
        else:
            self._check_open(process, node, path, reads=reads, writes=writes, is_new=is_new)
            name = DEVICES.get(node.file.device) if node.file.kind == "char" else None
            if name is not None:
                return Device(name)
            if truncates and writes and node.file.kind == "file":
                node.truncate(self._now())
        return FileHandle(node, path, reads=reads, writes=writes, appends=appends)

    def _check_open(
        self, process: Caller, node: Node, path: str, *, reads: bool, writes: bool, is_new: bool
    ) -> None:
        kind = node.file.kind
        if is_new:
            raise failure(errno.EEXIST, path)
        if kind == "dir" and writes:
            raise failure(errno.EISDIR, path)
        wanted = (READ if reads else 0) | (WRITE if writes else 0)
        if not may(node.file, process.credentials, wanted):
            raise failure(errno.EACCES, path)
        if writes and kind == "file":
            self._check_read_only(node, path)
        if kind == "block" or (kind == "char" and node.file.device not in DEVICES):
            raise failure(errno.ENXIO, path)

    def read_file(self, process: Caller, path: str) -> bytes:
        """Return the whole content of a file."""
        opened = self.open(process, path).retain()
        try:
            pieces = []
            while piece := opened.read(process, 1 << 20):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            opened.release()

    def write_file(self, process: Caller, path: str, data: bytes, *, mode: int = 0o666) -> None:
        """Write a file anew."""
        opened = self.open(
            process, path, reads=False, writes=True, creates=True, truncates=True, mode=mode
        ).retain()
        try:
            opened.write(process, data)
        finally:
            opened.release()

    # --- changes ------------------------------------------------------------------

    def make_folder(self, process: Caller, path: str, mode: int = 0o777) -> None:
        """Make a folder (mkdir)."""
        found = self.find(process, path.rstrip("/") or "/", follow=False)
        if found.node is not None:
            raise failure(errno.EEXIST, path)
        self._create(process, found.key, path, File("dir", mode & ~process.umask & 0o7777))

    def make_node(
        self, process: Caller, path: str, kind: str, mode: int, device: tuple[int, int] = (0, 0)
    ) -> None:
        """Make a pipe or a device (mknod)."""
        found = self.find(process, path, follow=False)
        if found.node is not None:
            raise failure(errno.EEXIST, path)
        if kind != "fifo" and process.credentials.uid:
            raise failure(errno.EPERM, path)
        self._create(
            process, found.key, path, File(kind, mode & ~process.umask & 0o7777, device=device)
        )

    def make_link(self, process: Caller, target: str, path: str) -> None:
        """Make a symbolic link (symlink)."""
        found = self.find(process, path, follow=False)
        if found.node is not None:
            raise failure(errno.EEXIST, path)
        link = target.encode("latin-1").decode("utf-8", "surrogateescape")
        self._create(process, found.key, path, File("symlink", 0o777, link=link))

    def make_hard_link(self, process: Caller, old: str, new: str) -> None:
        """Give a file one more name (link)."""
        node = self.node(process, old, follow=False)
        if node.file.kind == "dir":
            raise failure(errno.EPERM, old)
        found = self.find(process, new, follow=False)
        if found.node is not None:
            raise failure(errno.EEXIST, new)
        self._check_folder(process, found.key, new)
        node.paths.add(found.key)
        self._nodes[found.key] = node
        node.change(node.file._replace(inode=node.file.inode or self._inode(node)))
        self._inodes[node.file.inode] = node
        self._touch_folder(found.key)

    def remove_file(self, process: Caller, path: str) -> None:
        """Take a name away (unlink)."""
        found = self.find(process, path, follow=False)
        if found.node is None:
            raise failure(errno.ENOENT, path)
        if found.node.file.kind == "dir":
            raise failure(errno.EISDIR, path)
        self._check_removal(process, found, path)
        self._unlink(found.key, found.node)

    def remove_folder(self, process: Caller, path: str) -> None:
        """Take an empty folder away (rmdir)."""
        if path.rstrip("/").rpartition("/")[2] == ".":
            raise failure(errno.EINVAL, path)
        found = self.find(process, path, follow=False)
        if found.node is None:
            raise failure(errno.ENOENT, path)
        if found.node.file.kind != "dir":
            raise failure(errno.ENOTDIR, path)
        if not found.key or self.is_mount(found.key):
            raise failure(errno.EBUSY, path)
        if self._names(found.key):
            raise failure(errno.ENOTEMPTY, path)
        self._check_removal(process, found, path)
        self._unlink(found.key, found.node)

    def rename(self, process: Caller, old: str, new: str) -> None:
        """Give something another name (rename)."""
        source = self.find(process, old.rstrip("/") or "/", follow=False)
        if source.node is None:
            raise failure(errno.ENOENT, old)
        target = self.find(process, new.rstrip("/") or "/", follow=False)
        if not source.key or self.is_mount(source.key) or self.is_mount(target.key):
            raise failure(errno.EBUSY, old)
        if target.key == source.key or target.node is source.node:
            return
        if target.key.startswith(source.key + "/"):
            raise failure(errno.EINVAL, old)
        is_folder = source.node.file.kind == "dir"
        self._check_removal(process, source, old)
        if target.node is None:
            self._check_folder(process, target.key, new)
        else:
            if target.node.file.kind == "dir":
                if not is_folder:
                    raise failure(errno.EISDIR, new)
                if self._names(target.key):
                    raise failure(errno.ENOTEMPTY, new)
            elif is_folder:
                raise failure(errno.ENOTDIR, new)
            self._check_removal(process, target, new)
            self._unlink(target.key, target.node)
        self._move(source.key, target.key)
        self._touch_folder(source.key)
        self._touch_folder(target.key)

    def set_mode(self, process: Caller, path: str, mode: int, *, follow: bool = True) -> None:
        """Set the permission bits (chmod)."""
        node = self.node(process, path, follow=follow)
        self._check_owner(process, node, path)
        node.change(node.file._replace(mode=mode & 0o7777))

    def set_owner(
        self, process: Caller, path: str, uid: int | None, gid: int | None, *, follow: bool = True
    ) -> None:
        """Set owner and group (chown); set-id bits of programs go, as the kernel has it."""
        node = self.node(process, path, follow=follow)
        self._check_read_only(node, path)
        file, mine = node.file, process.credentials
        if mine.uid:
            to_other = uid is not None and uid != file.uid
            foreign = gid is not None and gid != file.gid and not mine.is_in(gid)
            if file.uid != mine.uid or to_other or foreign:
                raise failure(errno.EPERM, path)
        mode = file.mode
        if file.kind == "file" and mode & 0o111:
            mode &= ~0o4000
            if mode & 0o010:
                mode &= ~0o2000
        node.change(
            file._replace(
                mode=mode,
                uid=file.uid if uid is None else uid,
                gid=file.gid if gid is None else gid,
            )
        )

    def set_time(
        self, process: Caller, path: str, time: float | None, *, follow: bool = True
    ) -> None:
        """Set the time of the last change (utimensat); `None` for now."""
        node = self.node(process, path, follow=follow)
        self._check_read_only(node, path)
        if process.credentials.uid not in (0, node.file.uid) and (
            time is not None or not may(node.file, process.credentials, WRITE)
        ):
            raise failure(errno.EPERM if time is not None else errno.EACCES, path)
        moment = self._now() if time is None else time
        node.change(
            node.file._replace(mtime=int(moment // 1), nanoseconds=int(moment % 1 * 1e9 + 0.5))
        )

    def truncate(self, process: Caller, path: str, size: int) -> None:
        """Cut a file off, or fill it with zeros (truncate)."""
        node = self.node(process, path)
        if node.file.kind == "dir":
            raise failure(errno.EISDIR, path)
        if not may(node.file, process.credentials, WRITE):
            raise failure(errno.EACCES, path)
        self._check_read_only(node, path)
        process.count_output(max(0, size - node.size))
        content = node.content()[:size].ljust(size, b"\0")
        node.truncate(self._now())
        node.write(0, content, self._now())
        node.flush()

    def is_mount(self, key: str) -> bool:
        """Tell whether something of another file system lies at a place."""
        if self._table.is_mount(_outer(key)):
            return True
        return key in ("proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf") and (
            self._get(key) is not None and self.has_mounts
        )

    has_mounts = False

    # --- inside -------------------------------------------------------------------

    def _get(self, key: str) -> Node | None:
        node = self._nodes.get(key)
        path = _outer(key)
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
        names = list(self._table.names(_outer(key)))
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

    def _create(self, process: Caller, key: str, shown: str, file: File) -> Node:
        self._check_folder(process, key, shown)
        folder = self._get(key.rpartition("/")[0])
        assert folder is not None
        now = self._now()
        gid = process.credentials.gid
        mode = file.mode
        if folder.file.mode & 0o2000:
            gid = folder.file.gid
            mode |= 0o2000 if file.kind == "dir" else 0
        file = file._replace(
            mode=mode,
            uid=process.credentials.uid,
            gid=gid,
            mtime=int(now),
            nanoseconds=int(now % 1 * 1e9),
        )
        path = _outer(key)
        self._table.put(path, file)
        node = Node(self._table, file, path)
        self._nodes[key] = node
        self._touch_folder(key)
        return node

    def _check_folder(self, process: Caller, key: str, shown: str) -> None:
        """See to it that a name may be added beside a place.

        Raises:
            OSError: it may not.
        """
        folder = self._get(key.rpartition("/")[0])
        if folder is None:
            raise failure(errno.ENOENT, shown)
        if folder.file.kind != "dir":
            raise failure(errno.ENOTDIR, shown)
        if not may(folder.file, process.credentials, WRITE | EXECUTE):
            raise failure(errno.EACCES, shown)
        if self._table.is_read_only(_outer(key)):
            raise failure(errno.EROFS, shown)
        self._check_system_folder(key, shown)

    def _check_system_folder(self, key: str, shown: str) -> None:
        if not self.has_mounts:
            return
        if key.startswith("proc/"):
            raise failure(errno.ENOENT, shown)
        if key.startswith("sys/"):
            raise failure(errno.EROFS, shown)

    def _check_removal(self, process: Caller, found: Found, shown: str) -> None:
        folder = self._get(found.key.rpartition("/")[0])
        assert folder is not None
        assert found.node is not None
        uid = process.credentials.uid
        if not may(folder.file, process.credentials, WRITE | EXECUTE):
            raise failure(errno.EACCES, shown)
        if folder.file.mode & 0o1000 and uid not in (0, folder.file.uid, found.node.file.uid):
            raise failure(errno.EPERM, shown)
        if self.is_mount(found.key):
            raise failure(errno.EBUSY, shown)
        if self._table.is_read_only(_outer(found.key)):
            raise failure(errno.EROFS, shown)

    def _check_read_only(self, node: Node, shown: str) -> None:
        """See to it that what is there may be changed.

        Raises:
            OSError: it may not.
        """
        if any(self._table.is_read_only(path) for path in node.paths):
            raise failure(errno.EROFS, shown)

    def _check_owner(self, process: Caller, node: Node, shown: str) -> None:
        self._check_read_only(node, shown)
        if process.credentials.uid not in (0, node.file.uid):
            raise failure(errno.EPERM, shown)

    def _unlink(self, key: str, node: Node) -> None:
        path = _outer(key)
        node.paths.discard(path)
        self._nodes.pop(key, None)
        self._table.remove(path)
        self._touch_folder(key)

    def _move(self, old: str, new: str) -> None:
        node = self._get(old)
        assert node is not None
        below = self._names(old) if node.file.kind == "dir" else []
        node.flush()
        self._table.put(_outer(new), node.file)
        node.paths.discard(_outer(old))
        node.paths.add(_outer(new))
        self._nodes[new] = node
        for name in below:
            self._move(f"{old}/{name}", f"{new}/{name}")
        self._table.remove(_outer(old))
        self._nodes.pop(old, None)

    def _touch_folder(self, key: str) -> None:
        folder = self._get(key.rpartition("/")[0])
        if folder is not None:
            now = self._now()
            folder.change(folder.file._replace(mtime=int(now), nanoseconds=int(now % 1 * 1e9)))


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
    if not credentials.uid:
        if not wanted & EXECUTE or file.kind == "dir":
            return True
        return bool(file.mode & 0o111)
    shift = 6 if file.uid == credentials.uid else 3 if credentials.is_in(file.gid) else 0
    return (file.mode >> shift) & wanted == wanted


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _outer(key: str) -> str:
    """A path as tables have it."""
    return key if key.isascii() else key.encode("latin-1").decode("utf-8", "surrogateescape")
