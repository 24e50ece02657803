"""Makes archives, and adds to them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
from typing import TYPE_CHECKING

from ....accounts import Accounts
from ....endings import ProcessExit
from ...files.modes import walk
from ...machine.dates import parse_date
from .call import TarCall
from .member_names import to_archive

if TYPE_CHECKING:
    from ....file_system import Status
    from ....process import Process
    from ...options import Options


class Packer(TarCall):
    """Makes an archive of files."""

    def __init__(self, process: Process, options: Options) -> None:
        super().__init__(process, options)
        self._inodes: dict[int, str] = {}
        self._told_of_slash = False
        self._accounts = Accounts.read(process)

    def create(self) -> int:
        """Make an archive, and return the exit code."""
        options = self._options
        names = self._names()
        if not names:
            if self._busybox:
                raise self._fatal("empty archive")
            self._process.complain("Cowardly refusing to create an empty archive")
            self._process.print_error("Try 'tar --help' or 'tar --usage' for more information.\n")
            raise ProcessExit(2)
        path = options.value("f") or "-"
        absolute = path if path == "-" else posixpath.join(self._process.working_dir, path)
        buffer = io.BytesIO()
        home = self._process.working_dir
        if (folder := options.value("C")) is not None:
            self._enter(folder)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in names:
                self._pack(archive, name, skip=absolute)
        self._process.working_dir = home
        data = self._compressed(buffer.getvalue(), path)
        if path == "-":
            self._process.write(data)
        else:
            try:
                self._files.write_file(self._process, path, data)
            except OSError as error:
                raise self._cannot_open(path, error) from error
        if self._code and not self._busybox:
            self._process.complain("Exiting with failure status due to previous errors")
        elif self._code:
            self._process.complain("error exit delayed from previous errors")
        return self._code

    def _names(self) -> list[str]:
        """Return the operands, and what the file of `-T` names."""
        options = self._options
        names = list(options.operands)
        if (listed := options.value("T")) is not None:
            data = (
                self._process.read_all()
                if listed == "-"
                else self._files.read_file(self._process, listed)
            )
            separator = "\0" if "null" in options else "\n"
            names += filter(None, data.decode("latin-1").split(separator))
        return names

    def _compressed(self, data: bytes, path: str) -> bytes:
        options = self._options
        kind = options.last("zjJ")
        if not kind and "a" in options:
            kind = {".gz": "z", ".tgz": "z", ".bz2": "j", ".xz": "J"}.get(
                posixpath.splitext(path)[1], ""
            )
        if kind == "z":
            return gzip.compress(data, mtime=0)
        if kind == "j":
            return bz2.compress(data)
        if kind == "J":
            return lzma.compress(data)
        return data

    def _pack(self, archive: tarfile.TarFile, name: str, *, skip: str) -> None:
        if not self._files.exists(self._process, name, follow=False):
            missing = "No such file or directory"
            self._fail_later(name, f"Cannot stat: {missing}", f"{name}: {missing}")
            return
        paths = walk(self._process, name) if "no-recursion" not in self._options else [name]
        pruned: list[str] = []
        for path in paths:
            if any(path.startswith(one + "/") for one in pruned):
                continue
            if self._is_excluded(path):
                pruned.append(path)
                continue
            if self._files.real_path(self._process, path) == skip:
                if not self._busybox:
                    self._process.complain(f"{path}: file is the archive; not dumped")
                continue
            self._pack_one(archive, path)

    def _member_name(self, path: str) -> str:
        if "P" in self._options:
            return path
        stripped = path.lstrip("/")
        if stripped != path and not self._told_of_slash:
            self._told_of_slash = True
            text = (
                "removing leading '/' from member names"
                if self._busybox
                else "Removing leading `/' from member names"
            )
            self._process.complain(text)
        return stripped or "./"

    def _pack_one(self, archive: tarfile.TarFile, path: str) -> None:
        options = self._options
        status = self._files.status(self._process, path, follow="h" in options)
        name = self._member_name(path)
        if not name:
            return
        member = tarfile.TarInfo(to_archive(name))
        member.mode, member.mtime = status.mode, status.mtime
        member.uid, member.gid = status.uid, status.gid
        member.uname = self._accounts.user_name(status.uid, "")
        member.gname = self._accounts.group_name(status.gid, "")
        self._set_owner(member)
        if (text := options.value("mtime")) is not None:
            member.mtime = int(parse_date(text, self._process.system.now()))
        try:
            data = self._content(member, path, status)
        except OSError as error:
            self._fail_later(
                path, f"Cannot open: {error.strerror}", f"can't open '{path}': {error.strerror}"
            )
            return
        archive.addfile(member, io.BytesIO(data) if data is not None else None)
        if "v" in options:
            shown = name + ("/" if status.kind == "dir" and not name.endswith("/") else "")
            line = shown + "\n"
            if (options.value("f") or "-") == "-":
                self._process.print_error(line)
            else:
                self._process.print(line)

    def _set_owner(self, member: tarfile.TarInfo) -> None:
        """Let a member belong to whom `--owner` and `--group` name."""
        if (text := self._options.value("owner")) is not None:
            member.uname, number = _named(text)
            if number is not None:
                member.uid = number
            elif (user := self._accounts.user(member.uname)) is not None:
                member.uid = user.uid
        if (text := self._options.value("group")) is not None:
            member.gname, number = _named(text)
            if number is not None:
                member.gid = number
            elif (group := self._accounts.group(member.gname)) is not None:
                member.gid = group.gid

    def _content(self, member: tarfile.TarInfo, path: str, status: Status) -> bytes | None:
        """Let a member be of its kind, and return what is in it.

        Raises:
            OSError: it cannot be read.
        """
        if status.kind == "dir":
            member.type = tarfile.DIRTYPE
        elif status.kind == "symlink":
            member.type = tarfile.SYMTYPE
            member.linkname = to_archive(self._files.read_link(self._process, path))
        elif status.kind == "fifo":
            member.type = tarfile.FIFOTYPE
        elif status.kind in ("char", "block"):
            member.type = tarfile.CHRTYPE if status.kind == "char" else tarfile.BLKTYPE
            member.devmajor, member.devminor = status.device
        elif status.links > 1 and status.inode in self._inodes:
            member.type = tarfile.LNKTYPE
            member.linkname = self._inodes[status.inode]
        else:
            if status.links > 1:
                self._inodes[status.inode] = member.name
            data = self._files.read_file(self._process, path)
            member.size = len(data)
            return data
        return None

    def append(self) -> int:
        """Add to an archive, and return the exit code."""
        path = self._options.value("f") or ""
        data = (
            self._files.read_file(self._process, path)
            if self._files.exists(self._process, path)
            else b""
        )
        buffer = io.BytesIO()
        home = self._process.working_dir
        if (folder := self._options.value("C")) is not None:
            self._enter(folder)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            if data:
                with tarfile.open(fileobj=io.BytesIO(data)) as old:
                    for member in old:
                        archive.addfile(member, old.extractfile(member) if member.isreg() else None)
            for name in self._options.operands:
                self._pack(archive, name, skip=path)
        self._process.working_dir = home
        self._files.write_file(self._process, path, buffer.getvalue())
        return self._code


def _named(text: str) -> tuple[str, int | None]:
    """Return the name and the number of `name`, `name:number` or `number`."""
    name, _, number = text.partition(":")
    if number:
        return name, int(number)
    return ("", int(name)) if name.isdigit() else (name, None)
