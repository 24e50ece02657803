"""`basename`, `dirname`, `readlink`, `realpath` and `pwd`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def basename(process: Process) -> int:
    """Print the last part of paths."""
    options = Options(process, "as:z", "multiple:a suffix=:s zero:z", stops=True)
    options.needs(1)
    operands = options.operands
    suffix = options.value("s") or ""
    if "a" in options or "s" in options:
        names = operands
    else:
        if len(operands) > 2:
            raise usage(process, f"extra operand '{operands[2]}'")
        names, suffix = operands[:1], operands[1] if len(operands) > 1 else ""
    for path in names:
        name = posixpath.basename(path.rstrip("/")) or ("/" if path.startswith("/") else "")
        if suffix and name.endswith(suffix) and name != suffix:
            name = name[: -len(suffix)]
        process.print(name + ("\0" if "z" in options else "\n"))
    return 0


def dirname(process: Process) -> int:
    """Print paths without their last part."""
    options = Options(process, "z", "zero:z", stops=True)
    options.needs(1)
    for path in options.operands:
        stripped = path.rstrip("/")
        folder = stripped.rpartition("/")[0].rstrip("/")
        if not folder:
            folder = "/" if path.startswith("/") else "."
        process.print(folder + ("\0" if "z" in options else "\n"))
    return 0


def readlink(process: Process) -> int:
    """Print where links point."""
    options = Options(
        process,
        "fenmqsvz",
        "canonicalize:f canonicalize-existing:e canonicalize-missing:m no-newline:n verbose:v",
    )
    options.needs(1)
    files = process.system.files
    code = 0
    for path in options.operands:
        try:
            if "f" in options or "e" in options or "m" in options:
                text = _canonical(
                    process, path, "e" if "e" in options else "m" if "m" in options else "f"
                )
            else:
                text = files.read_link(process, path)
        except OSError as error:
            if "v" in options:
                process.complain(f"{path}: {error.strerror}")
            code = 1
            continue
        process.print(text + ("" if "n" in options else "\n"))
    return code


def _canonical(process: Process, path: str, kind: str) -> str:
    files = process.system.files
    if kind == "e":
        files.status(process, path)
        return files.real_path(process, path)
    try:
        return files.real_path(process, path)
    except OSError:
        if kind == "f":
            raise
        whole = posixpath.join(process.working_dir, path)
        parent, _, name = whole.rpartition("/")
        return posixpath.normpath(posixpath.join(_canonical(process, parent or "/", "m"), name))


def realpath(process: Process) -> int:
    """Print paths without links."""
    options = Options(
        process,
        "emLPqsz",
        "canonicalize-existing:e canonicalize-missing:m quiet:q strip:s no-symlinks:s "
        "relative-to=:to relative-base=:base",
    )
    options.needs(1)
    code = 0
    for path in options.operands:
        try:
            if "s" in options:
                text = posixpath.normpath(posixpath.join(process.working_dir, path))
            else:
                text = _canonical(
                    process, path, "e" if "e" in options else "m" if "m" in options else "f"
                )
                if process.system.programs.is_busybox and not process.system.files.exists(
                    process, path
                ):
                    text = process.system.files.real_path(process, path)
            if (to := options.value("to")) is not None:
                text = posixpath.relpath(text, _canonical(process, to, "m"))
        except OSError as error:
            if "q" not in options:
                process.complain(f"{path}: {error.strerror}")
            code = 1
            continue
        process.print(text + "\n")
    return code


def pwd(process: Process) -> int:
    """Print the working directory."""
    options = Options(process, "LP", "logical:L physical:P")
    shown = process.environment.get("PWD") if options.last("LP") == "L" else None
    try:
        real = process.system.files.real_path(process, process.working_dir)
        if process.system.files.kind(process, process.working_dir) != "dir":
            raise FileNotFoundError(2, "No such file or directory")
    except OSError as error:
        raise process.fail(
            "couldn't find directory entry in '..' with matching i-node"
            if not process.system.programs.is_busybox
            else f"getcwd: {error.strerror}"
        ) from error
    process.print((shown or real) + "\n")
    return 0
