"""`mv`."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def mv(process: Process) -> int:
    """Move files and folders."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "finuvTt:bS:Z" if not busybox else "finTt:uv",
        "force:f interactive:i no-clobber:n verbose:v update=?:u no-target-directory:T "
        "target-directory=:t backup=?:b strip-trailing-slashes:",
    )
    files = process.system.files
    operands = list(options.operands)
    folder = options.value("t")
    if folder is None:
        options.needs(2, file=True)
        target = operands.pop()
    else:
        options.needs(1, file=True)
        target = folder
    is_folder = files.kind(process, target) == "dir" and "T" not in options
    if (len(operands) > 1 or folder is not None) and not is_folder:
        process.complain(
            f"target '{target}' is not a directory"
            if not busybox
            else f"can't stat '{target}': No such file or directory"
            if not files.exists(process, target)
            else f"'{target}' is not a directory"
        )
        return 1
    code = 0
    for source in operands:
        path = (
            f"{target.rstrip('/')}/{posixpath.basename(source.rstrip('/'))}"
            if is_folder
            else target
        )
        code = _move(process, options, source, path) or code
    return code


def _move(process: Process, options: Options, source: str, path: str) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    try:
        kind = files.status(process, source, follow=False).kind
    except OSError as error:
        process.complain(
            f"can't rename '{source}': {error.strerror}"
            if busybox
            else f"cannot stat '{source}': {error.strerror}"
        )
        return 1
    old = files.kind(process, path, follow=False)
    if old and "n" in options:
        return 0
    try:
        if (
            old
            and old != "dir"
            and kind != "dir"
            and files.status(process, path, follow=False).inode
            == files.status(process, source, follow=False).inode
        ):
            process.complain(f"'{source}' and '{path}' are the same file")
            return 1
        if old == "dir" and kind != "dir":
            process.complain(
                f"can't rename '{source}': Is a directory"
                if busybox
                else f"cannot overwrite directory '{path}' with non-directory"
            )
            return 1
        if old and old != "dir" and kind == "dir":
            process.complain(
                f"can't rename '{source}': Not a directory"
                if busybox
                else f"cannot overwrite non-directory '{path}' with directory '{source}'"
            )
            return 1
        files.rename(process, source, path)
    except OSError as error:
        if busybox:
            process.complain(f"can't rename '{source}': {error.strerror}")
        elif error.errno == errno.EINVAL:
            process.complain(f"cannot move '{source}' to a subdirectory of itself, '{path}'")
        else:
            process.complain(f"cannot move '{source}' to '{path}': {error.strerror}")
        return 1
    if "v" in options:
        process.print(
            f"'{source}' -> '{path}'\n" if busybox else f"renamed '{source}' -> '{path}'\n"
        )
    return 0
