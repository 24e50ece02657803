"""`rm`, `rmdir` and `unlink`."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def rm(process: Process) -> int:
    """Remove files and folders."""
    options = Options(
        process,
        "rRfivdI",
        "recursive:r force:f interactive=?:i verbose:v dir:d preserve-root=?: "
        "no-preserve-root one-file-system:",
    )
    recursive = "r" in options or "R" in options
    force = options.last("fi") == "f"
    if not options.operands:
        if force:
            return 0
        options.needs(1)
    status = 0
    for operand in options.operands:
        status = (
            _remove_operand(process, options, operand, recursive=recursive, force=force) or status
        )
    return status


def _remove_operand(
    process: Process, options: Options, path: str, *, recursive: bool, force: bool
) -> int:
    busybox = process.system.programs.is_busybox
    last = posixpath.basename(path.rstrip("/"))
    if last in (".", "..") and (recursive or not busybox):
        if busybox:
            process.complain("can't remove '.' or '..'")
        else:
            process.complain(f"refusing to remove '.' or '..' directory: skipping '{path}'")
        return 1
    is_root = bool(path) and not path.strip("/")
    if recursive and is_root and not busybox and "no-preserve-root" not in options:
        process.complain("it is dangerous to operate recursively on '/'")
        process.complain("use --no-preserve-root to override this failsafe")
        return 1
    try:
        kind = process.system.files.status(process, path, follow=False).kind
    except OSError as error:
        if force and error.errno in (errno.ENOENT, errno.ENOTDIR):
            return 0
        _complain(process, path, error)
        return 1
    if kind == "dir" and not recursive:
        if "d" in options:
            return _try(process, options, path, is_folder=True)
        if busybox:
            process.complain(f"'{path}' is a directory")
        else:
            process.complain(f"cannot remove '{path}': Is a directory")
        return 1
    return _remove(process, options, path)


def _agrees(process: Process, options: Options, question: str) -> bool:
    """Ask, if it is to be asked; whether the answer is yes."""
    if options.last("fi") != "i":
        return True
    process.flush()
    process.print_error(f"{process.name}: {question}? ")
    opened = process.descriptors.get(0)
    answer, _, rest = (b"" if opened is None else process.read()).partition(b"\n")
    if opened is not None and rest:
        opened.push_back(rest)
    return answer[:1] in (b"y", b"Y")


def _shown_kind(process: Process, path: str) -> str:
    if process.system.programs.is_busybox:
        return ""
    status = process.system.files.status(process, path, follow=False)
    if status.kind == "file":
        return "regular file " if status.size else "regular empty file "
    return {"symlink": "symbolic link "}.get(status.kind, "")


def _remove(process: Process, options: Options, path: str) -> int:
    files = process.system.files
    if files.kind(process, path, follow=False) != "dir":
        if not _agrees(process, options, f"remove {_shown_kind(process, path)}'{path}'"):
            return 0
        return _try(process, options, path, is_folder=False)
    status = 0
    try:
        names = files.names(process, path)
        if names and not _agrees(process, options, f"descend into directory '{path}'"):
            return 0
    except OSError as error:
        if error.errno == errno.EACCES and not _try_quiet(process, path):
            return 0
        _complain(process, path, error)
        return 1
    for name in names:
        status = _remove(process, options, f"{path.rstrip('/')}/{name}") or status
    if status or not _agrees(process, options, f"remove directory '{path}'"):
        return status
    return _try(process, options, path, is_folder=True)


def _try_quiet(process: Process, path: str) -> int:
    try:
        process.system.files.remove_folder(process, path)
    except OSError:
        return 1
    return 0


def _try(process: Process, options: Options, path: str, *, is_folder: bool) -> int:
    files = process.system.files
    try:
        if is_folder:
            files.remove_folder(process, path.rstrip("/") or "/")
        else:
            files.remove_file(process, path)
    except OSError as error:
        if error.errno == errno.ENOENT and "f" in options:
            return 0
        _complain(process, path, error)
        return 1
    if "v" in options:
        if process.system.programs.is_busybox:
            process.print(f"removed '{path}'\n")
        else:
            process.print(f"removed {'directory ' if is_folder else ''}'{path}'\n")
    return 0


def _complain(process: Process, path: str, error: OSError) -> None:
    if process.system.programs.is_busybox:
        process.complain(f"can't remove '{path}': {error.strerror}")
    else:
        process.complain(f"cannot remove '{path}': {error.strerror}")


def rmdir(process: Process) -> int:
    """Remove empty folders."""
    options = Options(process, "pv", "parents:p verbose:v ignore-fail-on-non-empty:ignore")
    options.needs(1)
    status = 0
    for operand in options.operands:
        path = operand
        while True:
            try:
                process.system.files.remove_folder(process, path)
            except OSError as error:
                if "ignore" in options and error.errno == errno.ENOTEMPTY:
                    break
                if process.system.programs.is_busybox:
                    process.complain(f"'{path}': {error.strerror}")
                elif path != operand:
                    process.complain(f"failed to remove directory '{path}': {error.strerror}")
                else:
                    process.complain(f"failed to remove '{path}': {error.strerror}")
                status = 1
                break
            parent = posixpath.dirname(path.rstrip("/"))
            if "p" not in options or parent in ("", ".") or parent == path:
                break
            path = parent
    return status


def unlink(process: Process) -> int:
    """Remove one file."""
    options = Options(process, "")
    options.needs(1)
    if len(options.operands) > 1:
        raise usage(process, f"extra operand '{options.operands[1]}'")
    path = options.operands[0]
    try:
        process.system.files.remove_file(process, path)
    except OSError as error:
        raise process.fail(f"cannot unlink '{path}': {error.strerror}") from error
    return 0
