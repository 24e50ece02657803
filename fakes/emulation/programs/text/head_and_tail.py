"""`head` and `tail`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..options import Options
from .inputs import complain_of_input, lines_of, pieces_of, read_input
from .sizes import read_size

if TYPE_CHECKING:
    from ...process import Process


def head(process: Process) -> int:
    """Print the beginning of files."""
    words = process.arguments[1:]
    if words and re.fullmatch(r"-\d+[cq]?", words[0]):
        words = ["-c" if words[0].endswith("c") else "-n", words[0][1:].rstrip("cq"), *words[1:]]
    options = Options(
        process,
        "n:c:qv" + ("" if process.system.programs.is_busybox else "z"),
        "lines=:n bytes=:c quiet:q silent:q verbose:v zero-terminated:z",
        arguments=words,
    )
    in_bytes = options.last("nc") == "c"
    text = options.value("c" if in_bytes else "n") or "10"
    from_end = text.startswith("-")
    count = read_size(process, text.lstrip("+-"))
    operands = options.operands or ["-"]
    code, is_first = 0, True
    for path in operands:
        try:
            titled = (len(operands) > 1 or "v" in options) and "q" not in options
            source = pieces_of(process, path) if in_bytes else lines_of(process, path)
            first = next(source, None)
            if titled:
                name = "standard input" if path == "-" else path
                process.print(f"{'' if is_first else chr(10)}==> {name} <==\n")
            is_first = False
            if first is None:
                continue
            if from_end:
                everything = [first, *source]
                if in_bytes:
                    joined = b"".join(everything)
                    process.write(joined[: max(0, len(joined) - count)])
                else:
                    process.write(b"".join(everything[: max(0, len(everything) - count)]))
                continue
            _head_of(process, first, source, count, in_bytes=in_bytes)
        except OSError as error:
            if process.system.programs.is_busybox:
                complain_of_input(process, path, error)
            elif error.strerror == "Is a directory":
                process.complain(f"error reading '{path}': Is a directory")
            else:
                process.complain(f"cannot open '{path}' for reading: {error.strerror}")
            code = 1
    return code


def _head_of(
    process: Process, first: bytes, source: Iterator[bytes], count: int, *, in_bytes: bool
) -> None:
    left = count
    piece: bytes | None = first
    while piece is not None and left > 0:
        if in_bytes:
            process.write(piece[:left])
            left -= min(left, len(piece))
        else:
            process.write(piece)
            left -= 1
        if left > 0:
            piece = next(source, None)


def tail(process: Process) -> int:
    """Print the end of files."""
    words = process.arguments[1:]
    if words and (match := re.fullmatch(r"([-+])(\d+)([cf]?)", words[0])):
        words = [
            "-c" if match[3] == "c" else "-n",
            (match[1] if match[1] == "+" else "") + match[2],
            *words[1:],
        ]
        if match[3] == "f":
            words.insert(0, "-f")
    options = Options(
        process,
        "n:c:fFqvs:" + ("" if process.system.programs.is_busybox else "z"),
        "lines=:n bytes=:c follow=?:f quiet:q silent:q verbose:v retry:F pid= sleep-interval=:s",
        arguments=words,
    )
    in_bytes = options.last("nc") == "c"
    text = options.value("c" if in_bytes else "n") or "10"
    from_start = text.startswith("+")
    count = read_size(process, text.lstrip("+-"))
    operands = options.operands or ["-"]
    code, is_first = 0, True
    seen: dict[str, int] = {}
    for path in operands:
        try:
            data = read_input(process, path)
        except OSError as error:
            if process.system.programs.is_busybox:
                complain_of_input(process, path, error)
            elif error.strerror == "Is a directory":
                process.complain(f"error reading '{path}': Is a directory")
            else:
                process.complain(f"cannot open '{path}' for reading: {error.strerror}")
            code = 1
            continue
        seen[path] = len(data)
        if (len(operands) > 1 or "v" in options) and "q" not in options:
            name = "standard input" if path == "-" else path
            process.print(f"{'' if is_first else chr(10)}==> {name} <==\n")
        is_first = False
        process.write(_end_of(data, count, in_bytes=in_bytes, from_start=from_start))
    if "f" in options or "F" in options:
        process.flush()
        if operands != ["-"]:
            _follow(process, [path for path in operands if path in seen], seen)
    return code


def _end_of(data: bytes, count: int, *, in_bytes: bool, from_start: bool) -> bytes:
    if in_bytes:
        if from_start:
            return data[max(0, count - 1) :]
        return data[-count:] if count else b""
    lines = (
        data.splitlines(keepends=True)
        if b"\r" not in data
        else re.findall(rb"[^\n]*\n|[^\n]+", data)
    )
    if from_start:
        return b"".join(lines[max(0, count - 1) :])
    return b"".join(lines[-count:]) if count else b""


def _follow(process: Process, paths: list[str], seen: dict[str, int]) -> None:
    while True:
        process.sleep(0.1)
        for path in paths:
            try:
                size = process.system.files.status(process, path).size
            except OSError:
                continue
            if size > seen[path]:
                data = process.system.files.read_file(process, path)
                process.write(data[seen[path] :])
                process.flush()
            seen[path] = size
