"""Extracts and lists archives."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ....accounts import Accounts
from ....endings import ProcessExit
from ....shell.patterns import compile_pattern
from ...text.expressions import compile_expression
from .call import TarCall
from .listing import long_line, shown_name
from .member_names import from_archive

if TYPE_CHECKING:
    from ....process import Process
    from ...options import Options


class Unpacker(TarCall):
    """Extracts or lists an archive.

    Args:
        process: the process of the program.
        options: how it was called.
        lists: whether it only lists.
    """

    def __init__(self, process: Process, options: Options, *, lists: bool) -> None:
        super().__init__(process, options)
        self._lists = lists
        self._has_begun = False
        self._folders: list[tuple[str, tarfile.TarInfo]] = []

    def run(self) -> int:
        """Extract or list, and return the exit code."""
        data = self._archive()
        if (folder := self._options.value("C")) is not None:
            self._enter(folder)
        try:
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                self._read(archive)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise self._broken(data) from error
        for target, member in reversed(self._folders):
            self._settle(target, member)
        if self._code and not self._busybox:
            self._process.flush()
            self._process.complain("Exiting with failure status due to previous errors")
        return self._code

    def _broken(self, data: bytes) -> ProcessExit:
        """Say what is wrong with an archive, of which some members may have been read."""
        if self._busybox:
            is_other = len(data) >= 512 and not self._has_begun
            return self._fatal("invalid tar magic" if is_other else "short read")
        if self._has_begun:
            return self._fatal("Unexpected EOF in archive")
        self._process.complain("This does not look like a tar archive")
        self._process.complain("Exiting with failure status due to previous errors")
        return ProcessExit(2)

    def _archive(self) -> bytes:
        path = self._options.value("f") or "-"
        try:
            data = (
                self._process.read_all()
                if path == "-"
                else self._files.read_file(self._process, path)
            )
        except OSError as error:
            raise self._cannot_open(path, error) from error
        if "z" in self._options and data[:2] != b"\x1f\x8b" and not self._busybox:
            # GNU's looks itself what an archive is compressed by, but tells of a letter that lies.
            self._process.print_error("\ngzip: stdin: not in gzip format\n")
            self._process.complain("Child returned status 1")
            self._process.complain("Error is not recoverable: exiting now")
            raise ProcessExit(2)
        return data

    def _read(self, archive: tarfile.TarFile) -> None:
        wanted = [one.rstrip("/") for one in self._options.operands]
        found: set[str] = set()
        for member in archive:
            self._process.step()
            self._has_begun = True
            name = from_archive(member.name)
            match = self._wanted(name, wanted)
            if wanted and match is None:
                continue
            if match is not None:
                found.add(match)
            if self._is_excluded(name):
                continue
            if self._lists:
                self._list(member, name)
            else:
                self._extract(archive, member, name)
        for one in wanted:
            if one not in found:
                self._process.flush()
                missing = "not found in archive"
                self._fail_later(one, missing.capitalize(), f"{one}: {missing}")

    def _wanted(self, name: str, wanted: list[str]) -> str | None:
        bare = name.rstrip("/")
        for one in wanted:
            if bare == one or bare.startswith(one + "/"):
                return one
            if "wildcards" in self._options and compile_pattern([(one, False)]).match(bare):
                return one
        return None

    def _list(self, member: tarfile.TarInfo, name: str) -> None:
        line = (
            long_line(member, name, is_busybox=self._busybox)
            if "v" in self._options
            else shown_name(member, name)
        )
        self._process.print(line + "\n")

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
                pattern = compile_expression(match[2], extended=False)
                new = _replacement(match[3])
                target = pattern.sub(new, target, count=0 if "g" in match[4] else 1)
        if absolute and "P" not in self._options:
            target = target.lstrip("/")
        return target

    def _extract(
        self,
        archive: tarfile.TarFile,
        member: tarfile.TarInfo,
        name: str,
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
            self._process.print(shown_name(member, name) + "\n")
        try:
            self._make(archive, member, target)
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
    ) -> None:
        files, process = self._files, self._process
        bare = target.rstrip("/")
        self._make_parents(bare)
        if member.isdir():
            if files.kind(process, bare) != "dir":
                if files.exists(process, bare, follow=False):
                    files.remove_file(process, bare)
                files.make_folder(process, bare)
                self._folders.append((bare, member))
            elif self._busybox or "p" in self._options or process.credentials.uid == 0:
                self._folders.append((bare, member))
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
            files.make_link(process, from_archive(member.linkname), bare)
        elif member.islnk():
            files.make_hard_link(process, self._target(from_archive(member.linkname)), bare)
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


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    """Return what makes the new text of a match: `&`, `\\1` and other letters."""

    def of_match(match: re.Match[str]) -> str:
        def piece(one: re.Match[str]) -> str:
            letter = one[1]
            if letter is None:
                return match[0]
            if letter.isdecimal() and int(letter) <= (match.re.groups or 0):
                return match[int(letter)] or ""
            return letter

        return re.sub(r"\\(.)|&", piece, text)

    return of_match
