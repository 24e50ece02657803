"""`cp`."""

from __future__ import annotations

import contextlib
import errno
import posixpath
from typing import TYPE_CHECKING

from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def cp(process: Process) -> int:
    """Copy files and folders."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "aprRdPLHfinuvxTt:lsbS:c" if busybox else "adrRpfiHLPnuvxTt:lsbS:Z",
        (
            "archive:a recursive:r force:f no-dereference:P dereference:L no-clobber:n update=?:u "
            "verbose:v no-target-directory:T target-directory=:t link:l symbolic-link:s "
            "preserve=? parents remove-destination reflink=?: sparse=: no-preserve= "
            "one-file-system:x backup=?:b interactive:i"
        )
        if not busybox
        else (
            "archive:a force:f interactive:i link:l dereference:L no-dereference:P recursive:R "
            "symbolic-link:s no-target-directory:T verbose:v update:u remove-destination parents "
            "reflink=?: target-directory=:t"
        ),
    )
    return _Copying(process, options).run()


class _Copying:
    def __init__(self, process: Process, options: Options) -> None:
        self._process = process
        self._files = process.system.files
        self._busybox = process.system.programs.is_busybox
        self._options = options
        self._recursive = any(one in options for one in "arR")
        kept = set((options.value("preserve") or "").split(",")) - {""}
        if "preserve" in options and not kept:
            kept = {"mode", "ownership", "timestamps"}
        if "a" in options:
            kept = {"all"}
        if "p" in options:
            kept |= {"mode", "ownership", "timestamps"}
        self._keeps_mode = bool(kept & {"mode", "all"})
        self._keeps_owner = bool(kept & {"ownership", "all"})
        self._keeps_time = bool(kept & {"timestamps", "all"})
        last = options.last("LPdHa")
        self._follows = last == "L" or (not self._recursive and last not in ("P", "d", "a"))
        self._links: dict[int, str] = {}
        self._keeps_links = "a" in options or "d" in options

    def run(self) -> int:
        options = self._options
        operands = list(options.operands)
        folder = options.value("t")
        if folder is None:
            options.needs(2, file=True)
            target = operands.pop()
        else:
            options.needs(1, file=True)
            target = folder
        is_folder = self._files.kind(self._process, target) == "dir" and "T" not in options
        if "parents" in options and not is_folder and not self._busybox:
            raise usage(self._process, "with --parents, the destination must be a directory")
        if (len(operands) > 1 or folder is not None) and not is_folder:
            self._process.complain(
                f"target '{target}' is not a directory"
                if not self._busybox
                else f"can't stat '{target}': No such file or directory"
                if not self._files.exists(self._process, target)
                else f"target '{target}' is not a directory"
            )
            return 1
        code = 0
        for source in operands:
            if is_folder:
                name = (
                    source.rstrip("/")
                    if "parents" in options
                    else posixpath.basename(source.rstrip("/"))
                )
                if "parents" in options:
                    self._make_parents(target, name)
                path = f"{target.rstrip('/')}/{name.lstrip('/')}"
                if name in (".", "..") or (not name):
                    path = f"{target.rstrip('/')}/{name}"
            else:
                path = target
                if target.endswith("/") and self._files.kind(self._process, source) != "dir":
                    self._process.complain(self._no_folder(target))
                    code = 1
                    continue
            code = self._copy(source, path, is_top=True) or code
        return code

    def _make_parents(self, target: str, name: str) -> None:
        current = target.rstrip("/")
        for part in posixpath.dirname(name).strip("/").split("/"):
            if part:
                current = f"{current}/{part}"
                if not self._files.exists(self._process, current):
                    self._files.make_folder(self._process, current)

    def _complain(self, text: str) -> int:
        self._process.complain(text)
        return 1

    def _no_folder(self, target: str) -> str:
        if not self._busybox:
            return f"cannot create regular file '{target}': Not a directory"
        above = posixpath.dirname(target.rstrip("/")) or "."
        is_there = self._files.exists(self._process, above)
        reason = "Is a directory" if is_there else "No such file or directory"
        return f"can't create '{target}': {reason}"

    def _copy(self, source: str, path: str, *, is_top: bool = False) -> int:
        process, files = self._process, self._files
        follow = self._follows or ("H" in self._options and is_top)
        try:
            status = files.status(process, source, follow=follow)
        except OSError as error:
            return self._complain(
                f"can't stat '{source}': {error.strerror}"
                if self._busybox
                else f"cannot stat '{source}': {error.strerror}"
            )
        if status.kind == "dir":
            if not self._recursive:
                return self._complain(
                    f"omitting directory '{source}'"
                    if self._busybox
                    else f"-r not specified; omitting directory '{source}'"
                )
            return self._copy_folder(source, path, status.mode)
        old = files.kind(process, path, follow=False)
        if old and "n" in self._options:
            return 0
        if old == "dir":
            return self._complain(
                f"cannot overwrite directory '{path}' with non-directory"
                if not self._busybox
                else f"can't overwrite directory '{path}' with non-directory"
            )
        try:
            if (
                old
                and files.exists(process, path)
                and files.status(process, path).inode == files.status(process, source).inode
                and status.kind != "symlink"
            ):
                return self._complain(f"'{source}' and '{path}' are the same file")
            if "u" in self._options and old:
                there = files.status(process, path)
                if (there.mtime, there.nanoseconds) >= (status.mtime, status.nanoseconds):
                    return 0
            self._write(source, path, status.kind, status.mode, old)
        except OSError as error:
            return self._failed(source, path, error)
        self._keep(source, path, follow=follow)
        self._tell(source, path)
        return 0

    def _write(self, source: str, path: str, kind: str, mode: int, old: str) -> None:
        process, files = self._process, self._files
        if "l" in self._options:
            files.make_hard_link(process, source, path)
            return
        if "s" in self._options:
            files.make_link(process, source, path)
            return
        if old and ("remove-destination" in self._options or kind == "symlink"):
            files.remove_file(process, path)
        if kind == "symlink":
            files.make_link(process, files.read_link(process, source), path)
            return
        if kind in ("fifo", "char", "block") and self._recursive:
            status = files.status(process, source, follow=False)
            files.make_node(process, path, kind, mode, status.device)
            return
        inode = files.status(process, source).inode
        if self._keeps_links and files.status(process, source).links > 1:
            if inode in self._links:
                files.make_hard_link(process, self._links[inode], path)
                return
            self._links[inode] = path
        data = files.read_file(process, source)
        try:
            files.write_file(process, path, data, mode=mode & 0o777)
        except OSError as error:
            if not ("f" in self._options and old and error.errno == errno.EACCES):
                raise
            files.remove_file(process, path)
            files.write_file(process, path, data, mode=mode & 0o777)

    def _failed(self, source: str, path: str, error: OSError) -> int:
        if error.filename == source and error.errno == errno.EACCES:
            return self._complain(
                f"can't open '{source}': {error.strerror}"
                if self._busybox
                else f"cannot open '{source}' for reading: {error.strerror}"
            )
        if self._files.kind(
            self._process, path, follow=False
        ) == "symlink" and not self._files.exists(self._process, path):
            return self._complain(
                f"not writing through dangling symlink '{path}'"
                if not self._busybox
                else f"can't create '{path}': {error.strerror}"
            )
        return self._complain(
            f"can't create '{path}': {error.strerror}"
            if self._busybox
            else f"cannot create regular file '{path}': {error.strerror}"
        )

    def _copy_folder(self, source: str, path: str, mode: int) -> int:
        process, files = self._process, self._files
        real_source = files.real_path(process, source)
        try:
            real_path = files.real_path(process, path)
        except OSError:
            real_path = path
        if (real_path + "/").startswith(real_source.rstrip("/") + "/") and real_path != real_source:
            return self._complain(
                f"cannot copy a directory, '{source}', into itself, '{path}'"
                if not self._busybox
                else f"recursion detected, omitting directory '{source}'"
            )
        kind = files.kind(process, path)
        if kind and kind != "dir":
            return self._complain(
                f"cannot overwrite non-directory '{path}' with directory '{source}'"
                if not self._busybox
                else f"target '{path}' is not a directory"
            )
        made = not kind
        try:
            names = files.names(process, source)
            if made:
                files.make_folder(process, path.rstrip("/") or path, 0o777)
                if not self._keeps_mode:
                    files.set_mode(process, path, (mode & ~process.umask) | 0o700)
        except OSError as error:
            if error.filename == source:
                return self._complain(
                    f"cannot access '{source}': {error.strerror}"
                    if not self._busybox
                    else f"can't open '{source}': {error.strerror}"
                )
            return self._complain(
                f"cannot create directory '{path}': {error.strerror}"
                if not self._busybox
                else f"can't create directory '{path}': {error.strerror}"
            )
        self._tell(source, path)
        code = 0
        for name in names:
            code = self._copy(f"{source.rstrip('/')}/{name}", f"{path.rstrip('/')}/{name}") or code
        if made and not self._keeps_mode:
            files.set_mode(process, path, mode & ~process.umask)
        self._keep(source, path, follow=True)
        return code

    def _keep(self, source: str, path: str, *, follow: bool) -> None:
        process, files = self._process, self._files
        try:
            status = files.status(process, source, follow=follow)
            is_link = files.kind(process, path, follow=False) == "symlink"
            if self._keeps_owner:
                try:
                    files.set_owner(process, path, status.uid, status.gid, follow=not is_link)
                except OSError:
                    with contextlib.suppress(OSError):
                        files.set_owner(process, path, None, status.gid, follow=not is_link)
            if self._keeps_mode and not is_link:
                files.set_mode(process, path, status.mode)
            if self._keeps_time:
                files.set_time(
                    process, path, status.mtime + status.nanoseconds / 1e9, follow=not is_link
                )
        except OSError:
            return

    def _tell(self, source: str, path: str) -> None:
        if "v" in self._options:
            self._process.print(f"'{source}' -> '{path}'\n")
