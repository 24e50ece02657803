"""`install`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ..options import Options
from .modes import parse_owner, symbolic_mode

if TYPE_CHECKING:
    from ...process import Process


def install(process: Process) -> int:
    """Copy files with modes and owners, or make folders."""
    options = Options(
        process,
        "cdDm:o:g:psSvt:Tb",
        "directory:d mode=:m owner=:o group=:g preserve-timestamps:p strip:s verbose:v "
        "target-directory=:t no-target-directory:T backup=?:b",
    )
    files = process.system.files
    busybox = process.system.programs.is_busybox
    text = options.value("m")
    mode = symbolic_mode(text, 0, is_folder=False, umask=0) if text is not None else 0o755
    if mode is None:
        raise process.fail(f"invalid mode '{text}'")
    uid = gid = None
    for letter, is_group in (("o", False), ("g", True)):
        name = options.value(letter)
        if name is not None:
            found = parse_owner(process, name, is_group=is_group)
            if isinstance(found, str):
                what = "group" if is_group else "user"
                raise process.fail(
                    f"unknown {what} {name}" if busybox else f"invalid {what}: '{name}'"
                )
            uid, gid = (uid, found[1]) if is_group else (found[0], gid)

    def finish(path: str) -> None:
        files.set_mode(process, path, mode)
        if uid is not None or gid is not None:
            files.set_owner(process, path, uid, gid)
            files.set_mode(process, path, mode)

    operands = list(options.operands)
    if "d" in options:
        options.needs(1)
        for path in operands:
            _parents(process, path.rstrip("/") + "/x")
            finish(path)
        return 0
    folder = options.value("t")
    if folder is None:
        options.needs(2, file=True)
        target = operands.pop()
    else:
        target = folder
        if "D" in options:
            _parents(process, target.rstrip("/") + "/x")
    is_folder = files.kind(process, target) == "dir" and "T" not in options
    if "D" in options and not is_folder:
        _parents(process, target)
    if len(operands) > 1 and not is_folder:
        raise process.fail(f"target '{target}' is not a directory")
    code = 0
    for source in operands:
        path = f"{target.rstrip('/')}/{posixpath.basename(source)}" if is_folder else target
        try:
            if files.kind(process, source) == "dir":
                process.complain(f"omitting directory '{source}'")
                code = 1
                continue
            status = files.status(process, source)
            data = files.read_file(process, source)
            if files.exists(process, path, follow=False):
                files.remove_file(process, path)
            files.write_file(process, path, data)
            finish(path)
            if "p" in options:
                files.set_time(process, path, status.mtime + status.nanoseconds / 1e9)
        except OSError as error:
            if error.filename == source:
                process.complain(
                    f"can't stat '{source}': {error.strerror}"
                    if busybox
                    else f"cannot stat '{source}': {error.strerror}"
                )
            else:
                process.complain(
                    f"can't create '{path}': {error.strerror}"
                    if busybox
                    else f"cannot create regular file '{path}': {error.strerror}"
                )
            code = 1
    return code


def _parents(process: Process, path: str) -> None:
    files = process.system.files
    current = ""
    for part in posixpath.dirname(path).split("/"):
        current = f"{current}/{part}" if current or path.startswith("/") else part
        if current and not files.exists(process, current):
            files.make_folder(process, current.replace("//", "/"))
            files.set_mode(process, current, 0o755)
