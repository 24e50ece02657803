"""System calls about files, with the rights that a process has."""

from __future__ import annotations

import errno

from imagebuilders.oci.file_tree import File

from .devices import DEVICES
from .nodes import Node
from .open_files import Caller, Device, FileHandle, OpenFile, failure
from .path_lookup import EXECUTE, READ, WRITE, Found, PathLookup, Status, may, outer_path

__all__ = ["EXECUTE", "READ", "WRITE", "FileSystem", "Found", "Status", "may"]


class FileSystem(PathLookup):
    """The files of a container, as its processes see them and change them.

    Names are Latin-1 text, a character for each byte; the table has them as UTF-8 text.

    Args:
        table: where they are.
        now: the time, in seconds since the epoch.
    """

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
        if kind != "fifo" and not process.credentials.can("MKNOD"):
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
        if not mine.can("CHOWN"):
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
        mine = process.credentials
        if not (mine.can("FOWNER") or mine.uid == node.file.uid) and (
            time is not None or not may(node.file, mine, WRITE)
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

    # --- inside -------------------------------------------------------------------

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
        path = outer_path(key)
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
        if self._table.is_read_only(outer_path(key)):
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
        mine = process.credentials
        if not may(folder.file, mine, WRITE | EXECUTE):
            raise failure(errno.EACCES, shown)
        owners = (folder.file.uid, found.node.file.uid)
        if folder.file.mode & 0o1000 and not (mine.can("FOWNER") or mine.uid in owners):
            raise failure(errno.EPERM, shown)
        if self.is_mount(found.key):
            raise failure(errno.EBUSY, shown)
        if self._table.is_read_only(outer_path(found.key)):
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
        mine = process.credentials
        if not (mine.can("FOWNER") or mine.uid == node.file.uid):
            raise failure(errno.EPERM, shown)

    def _unlink(self, key: str, node: Node) -> None:
        path = outer_path(key)
        node.paths.discard(path)
        self._nodes.pop(key, None)
        self._table.remove(path)
        self._touch_folder(key)

    def _move(self, old: str, new: str) -> None:
        node = self._get(old)
        assert node is not None
        below = self._names(old) if node.file.kind == "dir" else []
        node.flush()
        self._table.put(outer_path(new), node.file)
        node.paths.discard(outer_path(old))
        node.paths.add(outer_path(new))
        self._nodes[new] = node
        for name in below:
            self._move(f"{old}/{name}", f"{new}/{name}")
        self._table.remove(outer_path(old))
        self._nodes.pop(old, None)

    def _touch_folder(self, key: str) -> None:
        folder = self._get(key.rpartition("/")[0])
        if folder is not None:
            now = self._now()
            folder.change(folder.file._replace(mtime=int(now), nanoseconds=int(now % 1 * 1e9)))
