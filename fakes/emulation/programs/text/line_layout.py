"""Programs that lay lines out anew: `fold`, `nl`, `split`, `dos2unix`, `unix2dos`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options import Options
from .inputs import lines_of, read_input
from .sizes import read_size

if TYPE_CHECKING:
    from ...process import Process


def fold(process: Process) -> int:
    """Break lines at a width."""
    options = Options(process, "w:sb", "width=:w spaces:s bytes:b")
    width = max(1, options.number("w", 80))
    for path in options.operands or ["-"]:
        for line in lines_of(process, path):
            ends = line.endswith(b"\n")
            body = line.rstrip(b"\n")
            while len(body) > width:
                stop = width
                if "s" in options and (space := body.rfind(b" ", 0, width)) >= 0:
                    stop = space + 1
                process.write(body[:stop] + b"\n")
                body = body[stop:]
            process.write(body + (b"\n" if ends else b""))
    return 0


def nl(process: Process) -> int:
    """Number lines."""
    options = Options(
        process,
        "b:s:w:v:n:i:",
        "body-numbering=:b number-separator=:s number-width=:w starting-line-number=:v "
        "line-increment=:i number-format=:n",
    )
    number = options.number("v", 1)
    step = options.number("i", 1)
    width = options.number("w", 6)
    separator = options.value("s", "\t") or ""
    style = options.value("b") or "t"
    layout = {"ln": "<", "rz": "0>"}.get(options.value("n") or "", ">")
    for path in options.operands or ["-"]:
        for line in lines_of(process, path):
            if style == "a" or (style == "t" and line.strip(b"\n")):
                process.print(f"{number:{layout}{width}}{separator}")
                number += step
            else:
                process.print(" " * (width + len(separator)))
            process.write(line if line.endswith(b"\n") else line + b"\n")
    return 0


def split(process: Process) -> int:
    """Cut a file into several."""
    options = Options(
        process,
        "l:b:a:" + ("" if process.system.programs.is_busybox else "dn:"),
        "lines=:l bytes=:b suffix-length=:a numeric-suffixes=?:d number=:n additional-suffix=",
    )
    operands = [*options.operands, "-"][:1]
    prefix = options.operands[1] if len(options.operands) > 1 else "x"
    try:
        data = read_input(process, operands[0])
    except OSError as error:
        text = f"cannot open '{operands[0]}' for reading: {error.strerror}"
        if process.system.programs.is_busybox:
            text = f"can't open '{operands[0]}': {error.strerror}"
        raise process.fail(text) from error
    length = options.number("a", 2)
    end = options.value("additional-suffix") or ""
    if (size := options.value("b")) is not None:
        step = read_size(process, size)
        parts = [data[place : place + step] for place in range(0, len(data), step)]
    elif "n" in options:
        count = max(1, options.number("n", 1))
        step = len(data) // count
        parts = [data[place * step : (place + 1) * step] for place in range(count - 1)]
        parts.append(data[(count - 1) * step :])
    else:
        step = max(1, options.number("l", 1000))
        lines = data.splitlines(keepends=True)
        parts = [b"".join(lines[place : place + step]) for place in range(0, len(lines), step)]
    for number, part in enumerate(parts):
        if "d" in options:
            suffix = f"{number:0{length}d}"
        else:
            suffix = "".join(
                chr(97 + number // 26**place % 26) for place in reversed(range(length))
            )
        process.system.files.write_file(process, prefix + suffix + end, part)
    return 0


def _line_ends(process: Process, old: bytes, new: bytes) -> int:
    operands = [word for word in process.arguments[1:] if not word.startswith("-")]
    if not operands:
        process.write(read_input(process, "-").replace(b"\r\n", b"\n").replace(old, new))
        return 0
    for path in operands:
        data = process.system.files.read_file(process, path)
        process.system.files.write_file(
            process, path, data.replace(b"\r\n", b"\n").replace(b"\n", new)
        )
    return 0


def dos2unix(process: Process) -> int:
    """Make line ends those of Unix."""
    return _line_ends(process, b"\r\n", b"\n")


def unix2dos(process: Process) -> int:
    """Make line ends those of DOS."""
    return _line_ends(process, b"\n", b"\r\n")
