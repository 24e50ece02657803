"""`cat`, `head`, `tail`, `tee`, `dd` and others that pass text on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ...open_files import FileHandle, OpenFile
from ..options import Options
from .inputs import complain_of_input, lines_of, pieces_of, read_input

if TYPE_CHECKING:
    from ...process import Process

_SUFFIXES = {
    "": 1,
    "b": 512,
    "k": 1024,
    "K": 1024,
    "M": 1 << 20,
    "G": 1 << 30,
    "m": 1 << 20,
    "kB": 1000,
    "KB": 1000,
    "MB": 10**6,
    "c": 1,
    "w": 2,
}


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


def _count(process: Process, text: str) -> int:
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    if match is None or match[2] not in _SUFFIXES:
        raise process.fail(
            f"invalid number '{text}'"
            if process.system.programs.is_busybox
            else f"invalid number of lines: '{text}'"
        )
    return int(match[1]) * _SUFFIXES[match[2]]


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
    count = _count(process, text.lstrip("+-"))
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
    count = _count(process, text.lstrip("+-"))
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


def dd(process: Process) -> int:
    """Copy blocks."""
    words: dict[str, str] = {}
    for word in process.arguments[1:]:
        name, equals, value = word.partition("=")
        if equals:
            words[name] = value
    sizes = {
        name: _count(process, words[name])
        for name in ("bs", "ibs", "obs", "count", "skip", "seek")
        if name in words
    }
    size = sizes.get("bs") or sizes.get("ibs") or 512
    files = process.system.files
    source = files.open(process, words["if"]).retain() if "if" in words else None
    try:
        data = bytearray()
        blocks = sizes.get("count")
        skip = sizes.get("skip", 0) * size
        limit = None if blocks is None else blocks * size + skip
        while limit is None or len(data) < limit:
            wanted = 65_536 if limit is None else min(65_536, limit - len(data))
            piece = source.read(process, wanted) if source else process.read(wanted)
            if not piece:
                break
            data += piece
        del data[:skip]
        conversions = (words.get("conv") or "").split(",")
        if "ucase" in conversions or "lcase" in conversions:
            data = data.upper() if "ucase" in conversions else data.lower()
        if "of" in words:
            target = files.open(
                process,
                words["of"],
                reads=False,
                writes=True,
                creates=True,
                truncates="notrunc" not in conversions and "seek" not in sizes,
            ).retain()
            try:
                if "seek" in sizes and isinstance(target, FileHandle):
                    target.seek(sizes["seek"] * size)
                    if "notrunc" not in conversions:
                        kept = target.node.content()[: sizes["seek"] * size]
                        target.node.truncate(process.now())
                        target.node.write(0, kept, process.now())
                target.write(process, bytes(data))
            finally:
                target.release()
        else:
            process.write(bytes(data))
            process.flush()
    finally:
        if source is not None:
            source.release()
    full, rest = divmod(len(data), size)
    if words.get("status") not in ("none",):
        process.print_error(
            f"{full}+{int(bool(rest))} records in\n{full}+{int(bool(rest))} records out\n"
        )
        if words.get("status") != "noxfer":
            process.print_error(f"{len(data)} bytes copied, 0.0001 s, 1.0 MB/s\n")
    return 0


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
        step = _count(process, size)
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


def strings(process: Process) -> int:
    """Print what is text in files."""
    options = Options(process, "n:af", "bytes=:n")
    least = max(1, options.number("n", 4))
    for path in options.operands or ["-"]:
        for match in re.finditer(rb"[\t\x20-\x7e]{%d,}" % least, read_input(process, path)):
            process.write(match[0] + b"\n")
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
