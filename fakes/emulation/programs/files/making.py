"""Programs that make files: `mkdir`, `mkfifo`, `mknod`, `mktemp`."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from ..options import Options, usage
from .modes import symbolic_mode

if TYPE_CHECKING:
    from ...process import Process


_TEMPORARY = "/tmp"  # noqa: S108  (the container's own)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def mkdir(process: Process) -> int:
    """Make folders."""
    options = Options(process, "pm:vZ", "parents:p mode=:m verbose:v")
    options.needs(1)
    text = options.value("m")
    mode: int | None = None
    if text is not None:
        mode = symbolic_mode(text, 0o777, is_folder=True, umask=process.umask)
        if mode is None:
            raise process.fail(f"invalid mode '{text}'")
    status = 0
    for path in options.operands:
        status = _make_folder(process, options, path, mode) or status
    return status


def _make_folder(process: Process, options: Options, path: str, mode: int | None) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    made: list[str] = []
    try:
        if "p" in options:
            _make_parents(process, path, made)
        else:
            files.make_folder(process, path)
            made.append(path)
        if (mode is not None and made and made[-1] == path.rstrip("/")) or (
            mode is not None and made
        ):
            files.set_mode(process, path, mode)
    except OSError as error:
        shown = error.filename if "p" in options and error.filename else path
        if busybox:
            process.complain(
                f"can't create directory '{shown if 'p' in options else path}': {error.strerror}"
            )
        else:
            process.complain(f"cannot create directory '{shown}': {error.strerror}")
        return 1
    if "v" in options:
        for one in made:
            process.print(
                f"created directory: '{one}'\n"
                if busybox
                else f"mkdir: created directory '{one}'\n"
            )
    return 0


def _make_parents(process: Process, path: str, made: list[str]) -> None:
    files = process.system.files
    parts = path.rstrip("/").split("/")
    current = ""
    for place, part in enumerate(parts):
        current = part if place == 0 else f"{current}/{part}"
        if not current or part in ("", "."):
            continue
        kind = files.kind(process, current)
        if kind == "dir":
            continue
        if kind:
            is_last = place == len(parts) - 1
            number = errno.EEXIST if is_last else errno.ENOTDIR
            import os

            raise OSError(number, os.strerror(number), current)
        files.make_folder(process, current)
        made.append(current)


def mkfifo(process: Process) -> int:
    """Make named pipes."""
    options = Options(process, "m:", "mode=:m")
    options.needs(1)
    code = 0
    for path in options.operands:
        try:
            process.system.files.make_node(process, path, "fifo", _mode(process, options, 0o666))
            if options.value("m"):
                process.system.files.set_mode(process, path, _mode(process, options, 0o666))
        except OSError as error:  # noqa: PERF203  (each one is told of)
            process.complain(
                f"{path}: {error.strerror}"
                if process.system.programs.is_busybox
                else f"cannot create fifo '{path}': {error.strerror}"
            )
            code = 1
    return code


def _mode(process: Process, options: Options, default: int) -> int:
    text = options.value("m")
    if text is None:
        return default
    mode = symbolic_mode(text, default, is_folder=False, umask=process.umask)
    if mode is None:
        raise process.fail(f"invalid mode: '{text}'")
    return mode


def mknod(process: Process) -> int:
    """Make pipes and devices."""
    options = Options(process, "m:", "mode=:m")
    operands = options.operands
    options.needs(2)
    path, kind = operands[:2]
    kinds = {"p": "fifo", "c": "char", "u": "char", "b": "block"}
    if kind not in kinds:
        raise usage(process, f"invalid device type '{kind}'")
    device = (0, 0)
    if kind != "p":
        if len(operands) < 4:
            raise usage(process, "Special files require major and minor device numbers.")
        device = (int(operands[2], 0), int(operands[3], 0))
    try:
        process.system.files.make_node(
            process, path, kinds[kind], _mode(process, options, 0o666), device
        )
    except OSError as error:
        raise process.fail(f"{path}: {error.strerror}") from error
    return 0


def mktemp(process: Process) -> int:
    """Make a file or folder with a name of its own."""
    options = Options(
        process,
        "dqutp:V",
        "directory:d quiet:q dry-run:u tmpdir=?:p suffix=",
    )
    files = process.system.files
    template = options.operands[0] if options.operands else ""
    suffix = options.value("suffix") or ""
    folder = options.value("p")
    if not template:
        template = "tmp.XXXXXXXXXX" if not process.system.programs.is_busybox else "tmp.XXXXXX"
        folder = folder or process.environment.get("TMPDIR") or _TEMPORARY
    elif ("t" in options or "p" in options) and not template.startswith("/"):
        folder = folder or process.environment.get("TMPDIR") or _TEMPORARY
    match = re.search(r"X{3,}(?=[^X]*$)", template)
    if match is None or (process.system.programs.is_busybox and not template.endswith("XXXXXX")):
        if process.system.programs.is_busybox:
            raise process.fail(f"{template}: Invalid argument")
        raise process.fail(f"too few X's in template '{template}'")
    while True:
        letters = "".join(process.system.random.choice(_LETTERS) for _ in match[0])
        name = template[: match.start()] + letters + template[match.end() :] + suffix
        path = f"{folder.rstrip('/')}/{name}" if folder and not name.startswith("/") else name
        if not files.exists(process, path, follow=False):
            break
    try:
        if "u" not in options:
            if "d" in options:
                files.make_folder(process, path)
                files.set_mode(process, path, 0o700)
            else:
                files.write_file(process, path, b"")
                files.set_mode(process, path, 0o600)
    except OSError as error:
        if "q" in options:
            return 1
        if process.system.programs.is_busybox:
            raise process.fail(f"{template}: {error.strerror}") from error
        what = "directory" if "d" in options else "file"
        shown = f"{folder}/{template}" if folder else template
        raise process.fail(
            f"failed to create {what} via template '{shown}': {error.strerror}"
        ) from error
    process.print(path + "\n")
    return 0
