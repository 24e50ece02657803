"""Programs that show or keep whole files: `cat`, `tac`, `rev`, `tee`, `strings`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ...open_files import OpenFile
from ..options import Options
from .inputs import complain_of_input, lines_of, pieces_of, read_input

if TYPE_CHECKING:
    from ...process import Process


def cat(process: Process) -> int:
    """Print files."""
    options = Options(
        process,
        "AbeEnstTuv",
        "show-all:A number:n number-nonblank:b squeeze-blank:s show-ends:E show-tabs:T "
        "show-nonprinting:v",
    )
    changes = any(one in options for one in "AbeEnstTv")
    code, number, was_empty = 0, 0, False
    for path in options.operands or ["-"]:
        try:
            if not changes:
                for piece in pieces_of(process, path):
                    process.write(piece)
                    process.flush()
                continue
            for line in lines_of(process, path):
                is_empty = line == b"\n"
                if "s" in options and is_empty and was_empty:
                    continue
                was_empty = is_empty
                text = _shown(line, options)
                if ("n" in options and "b" not in options) or ("b" in options and not is_empty):
                    number += 1
                    text = b"%6d\t" % number + text
                process.write(text)
        except OSError as error:
            complain_of_input(process, path, error)
            code = 1
    return code


def _shown(line: bytes, options: Options) -> bytes:
    ends = line.endswith(b"\n")
    body = line[:-1] if ends else line
    out = bytearray()
    visible = any(one in options for one in "Aetv")
    for byte in body:
        if byte == 9 and any(one in options for one in "AtT"):
            out += b"^I"
        elif visible and byte != 9 and (byte < 32 or byte == 127 or byte > 127):
            high = byte > 127
            low = byte & 127
            out += (b"M-" if high else b"") + (
                b"^" + bytes([low ^ 64]) if low < 32 or low == 127 else bytes([low])
            )
        else:
            out.append(byte)
    if ends:
        out += b"$\n" if any(one in options for one in "AeE") else b"\n"
    return bytes(out)


def tac(process: Process) -> int:
    """Print lines from the last to the first."""
    return _each(process, lambda lines: reversed(list(lines)))


def _each(process: Process, change: Callable[[Iterator[bytes]], Iterable[bytes]]) -> int:
    """Print the lines of each file, changed."""
    code = 0
    for path in Options(process, "").operands or ["-"]:
        try:
            process.write(b"".join(change(lines_of(process, path))))
        except OSError as error:  # noqa: PERF203  (each one is told of)
            if process.system.programs.is_busybox or process.name == "rev":
                complain_of_input(process, path, error)
            else:
                process.complain(f"failed to open '{path}' for reading: {error.strerror}")
            code = 1
    return code


def rev(process: Process) -> int:
    """Print lines with their letters reversed."""
    return _each(process, lambda lines: (line.rstrip(b"\n")[::-1] + b"\n" for line in lines))


def tee(process: Process) -> int:
    """Print standard input, and write it to files."""
    options = Options(process, "aip", "append:a ignore-interrupts:i output-error=?:p")
    opened: list[OpenFile] = []
    code = 0
    for path in options.operands:
        try:
            opened.append(
                process.system.files.open(
                    process,
                    path,
                    reads=False,
                    writes=True,
                    creates=True,
                    truncates="a" not in options,
                    appends="a" in options,
                ).retain()
            )
        except OSError as error:  # noqa: PERF203  (each one is told of)
            process.complain(f"{path}: {error.strerror}")
            code = 1
    try:
        while piece := process.read():
            process.write(piece)
            process.flush()
            for one in opened:
                one.write(process, piece)
    finally:
        for one in opened:
            one.release()
    return code


def strings(process: Process) -> int:
    """Print what is text in files."""
    options = Options(process, "n:af", "bytes=:n")
    least = max(1, options.number("n", 4))
    for path in options.operands or ["-"]:
        for match in re.finditer(rb"[\t\x20-\x7e]{%d,}" % least, read_input(process, path)):
            process.write(match[0] + b"\n")
    return 0
