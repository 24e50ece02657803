"""`ln` and `link`."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def ln(process: Process) -> int:
    """Make links."""
    options = Options(
        process,
        "sfnvrTt:biPLS:",
        "symbolic:s force:f no-dereference:n verbose:v relative:r no-target-directory:T "
        "target-directory=:t backup=?:b",
    )
    files = process.system.files
    operands = list(options.operands)
    options.needs(1, file=True)
    folder = options.value("t")
    if folder is None and len(operands) == 1:
        folder = "."
    elif folder is None:
        last = operands[-1]
        is_folder = files.kind(process, last) == "dir"
        if "n" in options and files.kind(process, last, follow=False) == "symlink":
            is_folder = False
        if is_folder and "T" not in options:
            folder = operands.pop()
        elif len(operands) > 2:
            process.complain(
                f"target '{last}' is not a directory"
                if not process.system.programs.is_busybox
                else f"{last}: Not a directory"
            )
            return 1
    code = 0
    pairs = (
        [(one, f"{folder.rstrip('/')}/{posixpath.basename(one.rstrip('/'))}") for one in operands]
        if folder is not None
        else [(operands[0], operands[1])]
    )
    for target, path in pairs:
        code = _link(process, options, target, path) or code
    return code


def _link(process: Process, options: Options, target: str, path: str) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    symbolic = "s" in options
    if "r" in options and symbolic:
        target = posixpath.relpath(
            files.real_path(process, target),
            posixpath.dirname(posixpath.join(process.working_dir, path)),
        )
    try:
        if not symbolic:
            kind = files.status(process, target, follow=False).kind
            if kind == "dir":
                if busybox:
                    process.complain(f"{path}: Operation not permitted")
                else:
                    process.complain(f"{target}: hard link not allowed for directory")
                return 1
        if "f" in options and files.exists(process, path, follow=False):
            if files.kind(process, path, follow=False) == "dir":
                process.complain(
                    f"{path}: cannot overwrite directory"
                    if not busybox
                    else f"'{path}' is a directory"
                )
                return 1
            # Busybox looks at nothing first, and loses a file that is linked to itself.
            if not busybox and _is_same_file(process, target, path, symbolic=symbolic):
                process.complain(f"'{target}' and '{path}' are the same file")
                return 1
            files.remove_file(process, path)
        if symbolic:
            files.make_link(process, target, path)
        else:
            files.make_hard_link(process, target, path)
    except OSError as error:
        kind_word = "symbolic" if symbolic else "hard"
        if busybox:
            process.complain(
                f"{path if symbolic or error.errno != 2 else target}: {error.strerror}"
            )
        elif (
            not symbolic
            and error.errno == errno.ENOENT
            and not files.exists(process, target, follow=False)
        ):
            process.complain(f"failed to access '{target}': {error.strerror}")
        elif symbolic:
            process.complain(f"failed to create symbolic link '{path}': {error.strerror}")
        else:
            process.complain(
                f"failed to create {kind_word} link '{path}' => '{target}': {error.strerror}"
                if error.errno != errno.EEXIST
                else f"failed to create hard link '{path}': {error.strerror}"
            )
        return 1
    if "v" in options:
        process.print(f"'{path}' {'->' if symbolic or busybox else '=>'} '{target}'\n")
    return 0


def _is_same_file(process: Process, target: str, path: str, *, symbolic: bool) -> bool:
    """Tell whether a target would go with what is at a path, where its link is to be."""
    files = process.system.files
    if symbolic and not files.exists(process, target):
        return False
    status = files.status(process, path, follow=False)
    if files.status(process, target, follow=symbolic).inode != status.inode:
        return False
    target_key = files.find(process, target, follow=False).key
    return status.links == 1 or target_key == files.find(process, path, follow=False).key


def link(process: Process) -> int:
    """Make one hard link."""
    options = Options(process, "")
    options.needs(2)
    process.system.files.make_hard_link(process, options.operands[0], options.operands[1])
    return 0
