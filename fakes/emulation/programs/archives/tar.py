"""`tar`."""

from __future__ import annotations

import io
import posixpath
import re
import stat as modes
import tarfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ...accounts import Accounts
from ...endings import ProcessExit
from ...shell.patterns import compile_pattern
from ..files.modes import walk
from ..options import BUSYBOX, Options

if TYPE_CHECKING:
    from ...process import Process

_KINDS = {
    tarfile.SYMTYPE: "l",
    tarfile.DIRTYPE: "d",
    tarfile.FIFOTYPE: "p",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
}


def tar(process: Process) -> int:
    """Pack, unpack or list."""
    return _Tar(process).run()


class _Tar:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._files = process.system.files
        self._busybox = process.system.programs.is_busybox
        words = process.arguments[1:]
        if words and not words[0].startswith("-"):
            # The old way: letters first, then their values in order.
            letters = words.pop(0)
            rebuilt: list[str] = []
            for letter in letters:
                rebuilt.append(f"-{letter}")
                if letter in "fCTXbIK" and words:
                    rebuilt.append(words.pop(0))
            words = rebuilt + words
        self._options = Options(
            process,
            "cxtrudAf:C:T:X:zjJvOpmkhPSb:aZwoHI:KnUWl",
            "create:c extract:x get:x list:t append:r update:u file=:f directory=:C files-from=:T "
            "exclude-from=:X gzip:z gunzip:z bzip2:j xz:J verbose:v to-stdout:O "
            "preserve-permissions:p same-permissions:p touch:m keep-old-files:k dereference:h "
            "absolute-names:P strip-components=:strip exclude= owner= group= mode= mtime= sort= "
            "numeric-owner:numeric no-same-owner:o same-owner no-same-permissions overwrite "
            "wildcards transform= auto-compress:a no-recursion warning=: format=: "
            "one-file-system: totals: checkpoint=?: skip-old-files:k null anchored: xattrs: acls: "
            "selinux: use-compress-program=:I zstd",
            code=64 if not self._busybox else 1,
            arguments=words,
        )
        self._code = 0
        self._inodes: dict[int, str] = {}
        self._told_of_slash = False
        self._folder = process.working_dir

    def run(self) -> int:
        options = self._options
        action = options.last("cxtru")
        if not action:
            if self._busybox:
                self._process.print_error(
                    f"{BUSYBOX}\n\nUsage: tar c|x|t [-zjJOpv] [-f TARFILE] [FILE]...\n"
                )
                raise ProcessExit(1)
            self._process.complain(
                "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options"
            )
            self._process.print_error("Try 'tar --help' or 'tar --usage' for more information.\n")
            raise ProcessExit(2)
        if action == "c":
            return self._create()
        if action in "xt":
            return self._read(lists=action == "t")
        return self._append()

    def _fatal(self, message: str, code: int = 2) -> ProcessExit:
        self._process.flush()
        self._process.complain(message)
        if not self._busybox:
            self._process.complain("Error is not recoverable: exiting now")
        return ProcessExit(1 if self._busybox else code)

    def _enter(self, folder: str) -> None:
        try:
            path = self._files.real_path(self._process, folder)
            if self._files.status(self._process, folder).kind != "dir":
                raise NotADirectoryError(20, "Not a directory")
        except OSError as error:
            if self._busybox:
                raise self._fatal(
                    f"can't change directory to '{folder}': {error.strerror}"
                ) from error
            raise self._fatal(f"{folder}: Cannot open: {error.strerror}") from error
        self._process.working_dir = path

    # --- packing --------------------------------------------------------------------------

    def _create(self) -> int:
        options = self._options
        names = list(options.operands)
        if (listed := options.value("T")) is not None:
            data = (
                self._process.read_all()
                if listed == "-"
                else self._files.read_file(self._process, listed)
            )
            names += [
                one
                for one in data.decode("latin-1").split("\0" if "null" in options else "\n")
                if one
            ]
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
        accounts = Accounts.read(self._process)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in names:
                self._pack(archive, name, accounts, skip=absolute)
        self._process.working_dir = home
        data = self._compressed(buffer.getvalue(), path)
        if path == "-":
            self._process.write(data)
        else:
            try:
                self._files.write_file(self._process, path, data)
            except OSError as error:
                if self._busybox:
                    raise self._fatal(f"can't open '{path}': {error.strerror}") from error
                raise self._fatal(f"{path}: Cannot open: {error.strerror}") from error
        if self._code and not self._busybox:
            self._process.complain("Exiting with failure status due to previous errors")
        elif self._code:
            self._process.complain("error exit delayed from previous errors")
        return self._code

    def _compressed(self, data: bytes, path: str) -> bytes:
        import bz2
        import gzip
        import lzma

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

    def _is_excluded(self, name: str) -> bool:
        patterns = list(self._options.values("exclude"))
        for path in self._options.values("X"):
            patterns += self._files.read_file(self._process, path).decode("latin-1").splitlines()
        for pattern in patterns:
            compiled = compile_pattern([(pattern.rstrip("/"), False)])
            parts = name.strip("/").split("/")
            whole = name.rstrip("/")
            if compiled.match(whole) or any(
                compiled.match("/".join(parts[start:])) for start in range(len(parts))
            ):
                return True
        return False

    def _pack(self, archive: tarfile.TarFile, name: str, accounts: Accounts, *, skip: str) -> None:
        if not self._files.exists(self._process, name, follow=False):
            if self._busybox:
                self._process.complain(f"{name}: No such file or directory")
                self._code = 1
            else:
                self._process.complain(f"{name}: Cannot stat: No such file or directory")
                self._code = 2
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
            self._pack_one(archive, path, accounts)

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

    def _pack_one(self, archive: tarfile.TarFile, path: str, accounts: Accounts) -> None:
        options = self._options
        status = self._files.status(self._process, path, follow="h" in options)
        name = self._member_name(path)
        if not name:
            return
        member = tarfile.TarInfo(_shown(name))
        member.mode, member.uid, member.gid, member.mtime = (
            status.mode,
            status.uid,
            status.gid,
            status.mtime,
        )
        member.uname, member.gname = (
            accounts.user_name(status.uid, ""),
            accounts.group_name(status.gid, ""),
        )
        for letter, attribute, named in (("owner", "uid", "uname"), ("group", "gid", "gname")):
            if (text := options.value(letter)) is not None:
                who, _, number = text.partition(":")
                if number or who.isdigit():
                    setattr(member, attribute, int(number or who))
                    setattr(member, named, who if number else "")
                else:
                    setattr(member, named, who)
                    found = accounts.user(who) if letter == "owner" else accounts.group(who)
                    if found is not None:
                        setattr(member, attribute, found.uid if letter == "owner" else found.gid)  # type: ignore[union-attr]
        if (text := options.value("mtime")) is not None:
            from ..machine.dates import parse_date

            member.mtime = int(parse_date(text, self._process.system.now()))
        data: bytes | None = None
        if status.kind == "dir":
            member.type = tarfile.DIRTYPE
        elif status.kind == "symlink":
            member.type = tarfile.SYMTYPE
            member.linkname = _shown(self._files.read_link(self._process, path))
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
            try:
                data = self._files.read_file(self._process, path)
            except OSError as error:
                self._process.complain(
                    f"{path}: Cannot open: {error.strerror}"
                    if not self._busybox
                    else f"can't open '{path}': {error.strerror}"
                )
                self._code = 2 if not self._busybox else 1
                return
            member.size = len(data)
        archive.addfile(member, io.BytesIO(data) if data is not None else None)
        if "v" in options:
            shown = name + ("/" if status.kind == "dir" and not name.endswith("/") else "")
            line = shown + "\n"
            if (options.value("f") or "-") == "-":
                self._process.print_error(line)
            else:
                self._process.print(line)

    def _append(self) -> int:
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
                self._pack(archive, name, Accounts.read(self._process), skip=path)
        self._process.working_dir = home
        self._files.write_file(self._process, path, buffer.getvalue())
        return self._code

    # --- unpacking ------------------------------------------------------------------------

    def _read(self, *, lists: bool) -> int:
        options = self._options
        path = options.value("f") or "-"
        try:
            data = (
                self._process.read_all()
                if path == "-"
                else self._files.read_file(self._process, path)
            )
        except OSError as error:
            if self._busybox:
                raise self._fatal(f"can't open '{path}': {error.strerror}") from error
            raise self._fatal(f"{path}: Cannot open: {error.strerror}") from error
        if not self._busybox:
            self._check_archive(data)
        if (folder := options.value("C")) is not None:
            self._enter(folder)
        try:
            opened = tarfile.open(fileobj=io.BytesIO(data))  # noqa: SIM115  (closed below)
        except (tarfile.TarError, EOFError) as error:
            self._code = 1 if self._busybox else 2
            if self._busybox:
                raise self._fatal(
                    "invalid tar magic" if len(data) >= 512 else "short read"
                ) from error
            self._process.complain("This does not look like a tar archive")
            self._process.complain("Exiting with failure status due to previous errors")
            return 2
        wanted = [one.rstrip("/") for one in options.operands]
        found: set[str] = set()
        folders: list[tuple[str, tarfile.TarInfo]] = []
        with opened as archive:
            for member in archive:
                self._process.step()
                name = member.name.encode("utf-8", "surrogateescape").decode("latin-1")
                match = self._wanted(name, wanted)
                if wanted and match is None:
                    continue
                if match is not None:
                    found.add(match)
                if self._is_excluded(name):
                    continue
                if lists:
                    self._list(member, name)
                else:
                    self._extract(archive, member, name, folders)
        for target, member in reversed(folders):
            self._settle(target, member)
        for one in wanted:
            if one not in found:
                self._process.flush()
                self._process.complain(
                    f"{one}: not found in archive"
                    if self._busybox
                    else f"{one}: Not found in archive"
                )
                self._code = 1 if self._busybox else 2
        if self._code and not self._busybox:
            self._process.flush()
            self._process.complain("Exiting with failure status due to previous errors")
        return self._code

    def _check_archive(self, data: bytes) -> None:
        """GNU's tar looks by what an archive is compressed itself; flags that lie are told of."""
        if "z" in self._options and data[:2] != b"\x1f\x8b":
            self._process.print_error("\ngzip: stdin: not in gzip format\n")
            self._process.complain("Child returned status 1")
            raise self._fatal_only()

    def _fatal_only(self) -> ProcessExit:
        self._process.complain("Error is not recoverable: exiting now")
        return ProcessExit(2)

    def _wanted(self, name: str, wanted: list[str]) -> str | None:
        bare = name.rstrip("/")
        for one in wanted:
            if bare == one or bare.startswith(one + "/"):
                return one
            if "wildcards" in self._options and compile_pattern([(one, False)]).match(bare):
                return one
        return None

    def _list(self, member: tarfile.TarInfo, name: str) -> None:
        shown = name + ("/" if member.isdir() and not name.endswith("/") else "")
        if "v" not in self._options:
            self._process.print(shown + "\n")
            return
        letter = _KINDS.get(member.type, "-")
        mode = letter + modes.filemode(member.mode | modes.S_IFREG)[1:]
        owner = f"{member.uname or member.uid}/{member.gname or member.gid}"
        moment = datetime.fromtimestamp(member.mtime, timezone.utc)
        link = (
            f" -> {member.linkname}"
            if member.issym()
            else f" link to {member.linkname}"
            if member.islnk()
            else ""
        )
        if self._busybox:
            stamp = moment.strftime("%Y-%m-%d %H:%M:%S")
            self._process.print(f"{mode} {owner} {member.size:9d} {stamp} {shown}{link}\n")
        else:
            stamp = moment.strftime("%Y-%m-%d %H:%M")
            width = max(0, 19 - len(owner) - 1)
            size = str(member.size).rjust(width)
            self._process.print(f"{mode} {owner} {size} {stamp} {shown}{link}\n")

    def _target(self, name: str) -> str:
        strip = self._options.number("strip", 0)
        parts = name.split("/")
        absolute = name.startswith("/")
        if strip:
            parts = [part for part in parts if part not in ("",)][strip:]
            absolute = False
        target = "/".join(parts)
        for expression in self._options.values("transform"):
            match = re.fullmatch(r"s(.)(.*?)\1(.*?)\1([gi]*)", expression)
            if match is not None:
                from ..text.expressions import compile_expression

                target = compile_expression(match[2], extended=False).sub(
                    match[3].replace("&", r"\g<0>"), target, count=0 if "g" in match[4] else 1
                )
        if absolute and "P" not in self._options:
            target = target.lstrip("/")
        return target

    def _extract(
        self,
        archive: tarfile.TarFile,
        member: tarfile.TarInfo,
        name: str,
        folders: list[tuple[str, tarfile.TarInfo]],
    ) -> None:
        options = self._options
        target = self._target(name)
        if not target.strip("/"):
            return
        if "O" in options:
            if member.isreg():
                opened = archive.extractfile(member)
                self._process.write(opened.read() if opened is not None else b"")
            return
        if ".." in target.split("/") and "P" not in options:
            self._process.complain(
                f"Removing leading `{target[: target.rfind('..') + 3]}' from member names"
                if not self._busybox
                else f"removing leading '{target[: target.rfind('..') + 3]}' from member names"
            )
            target = target[target.rfind("..") + 3 :]
            if not target:
                return
        if "v" in options:
            self._process.print(
                name + ("/" if member.isdir() and not name.endswith("/") else "") + "\n"
            )
        try:
            self._make(archive, member, target, folders)
        except OSError as error:
            self._process.flush()
            if self._busybox:
                raise self._fatal(
                    f"can't open '{target}': {error.strerror}"
                    if not member.isdir()
                    else f"can't make dir {target}: {error.strerror}"
                ) from error
            verb = "mkdir" if member.isdir() else "open"
            self._process.complain(f"{target}: Cannot {verb}: {error.strerror}")
            self._code = 2

    def _make(
        self,
        archive: tarfile.TarFile,
        member: tarfile.TarInfo,
        target: str,
        folders: list[tuple[str, tarfile.TarInfo]],
    ) -> None:
        files, process = self._files, self._process
        bare = target.rstrip("/")
        self._make_parents(bare)
        if member.isdir():
            if files.kind(process, bare) != "dir":
                if files.exists(process, bare, follow=False):
                    files.remove_file(process, bare)
                files.make_folder(process, bare)
                folders.append((bare, member))
            elif self._busybox or "p" in self._options or process.credentials.uid == 0:
                folders.append((bare, member))
            return
        old = files.kind(process, bare, follow=False)
        if old:
            if "k" in self._options:
                if not self._busybox:
                    raise FileExistsError(17, "File exists")
                return
            if old == "dir":
                files.remove_folder(process, bare)
            else:
                files.remove_file(process, bare)
        if member.issym():
            files.make_link(process, _inner(member.linkname), bare)
        elif member.islnk():
            files.make_hard_link(process, self._target(_inner(member.linkname)), bare)
            return
        elif member.isfifo() or member.ischr() or member.isblk():
            kind = "fifo" if member.isfifo() else "char" if member.ischr() else "block"
            files.make_node(process, bare, kind, member.mode, (member.devmajor, member.devminor))
        else:
            opened = archive.extractfile(member)
            files.write_file(process, bare, opened.read() if opened is not None else b"")
        self._settle(bare, member)

    def _make_parents(self, path: str) -> None:
        current = "" if not path.startswith("/") else "/"
        for part in path.strip("/").split("/")[:-1]:
            current = f"{current}{part}" if current in ("", "/") else f"{current}/{part}"
            if not self._files.exists(self._process, current):
                self._files.make_folder(self._process, current)

    def _settle(self, target: str, member: tarfile.TarInfo) -> None:
        """Give a file the owner, mode and time that the archive has for it."""
        files, process, options = self._files, self._process, self._options
        is_link = member.issym()
        root = process.credentials.uid == 0
        if root and "o" not in options:
            accounts = Accounts.read(process)
            uid, gid = member.uid, member.gid
            if "numeric" not in options:
                user, group = accounts.user(member.uname), accounts.group(member.gname)
                uid = user.uid if user is not None and member.uname else uid
                gid = group.gid if group is not None and member.gname else gid
            files.set_owner(process, target, uid, gid, follow=not is_link)
        if is_link:
            files.set_time(process, target, float(member.mtime), follow=False)
            return
        mode = member.mode & 0o7777
        if not root and "p" not in options:
            mode &= ~process.umask & 0o777
        files.set_mode(process, target, mode)
        if "m" not in options:
            files.set_time(process, target, float(member.mtime))


def _shown(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _inner(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
