"""`cut`, `tr`, `paste` and `expand`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...shell.escapes import dollar_quoted
from ..options import Options, usage
from .inputs import complain_of_input, lines_of

if TYPE_CHECKING:
    from ...process import Process


def cut(process: Process) -> int:
    """Print parts of lines."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "b:c:f:d:sn" + ("O:F:D" if busybox else "z"),
        "bytes=:b characters=:c fields=:f delimiter=:d only-delimited:s output-delimiter=:O "
        "complement",
    )
    kind = options.last("bcf")
    if not kind:
        if busybox:
            raise process.fail("expected a list of bytes, characters, or fields")
        raise usage(process, "you must specify a list of bytes, characters, or fields")
    ranges = _ranges(process, options.value(kind) or "")
    delimiter = options.value("d")
    if delimiter is not None and kind != "f":
        raise usage(
            process,
            "an input delimiter may be specified only when operating on fields"
            if not busybox
            else "-d DELIM makes sense only with -f",
        )
    if delimiter is not None and len(delimiter) > 1 and not busybox:
        raise usage(process, "the delimiter must be a single character")
    separator = "\t" if delimiter is None else (delimiter or "\0")
    joiner = options.value("O")
    joiner = separator if joiner is None else joiner
    code = 0
    for path in options.operands or ["-"]:
        try:
            for line in lines_of(process, path):
                text = line.rstrip(b"\n").decode("latin-1")
                if kind == "f":
                    if separator not in text:
                        if "s" not in options or (busybox and not text):
                            process.print(text + "\n")
                        continue
                    parts = text.split(separator)
                    process.print(
                        joiner.join(_chosen(parts, ranges, complement="complement" in options))
                        + "\n"
                    )
                else:
                    runs = _runs(text, ranges, complement="complement" in options)
                    process.print((options.value("O") or "").join(runs) + "\n")
        except OSError as error:
            complain_of_input(process, path, error)
            code = 1
    return code


def _ranges(process: Process, text: str) -> list[tuple[int, int]]:
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d*)(-?)(\d*)", part)
        if match is None or not (match[1] or match[3]):
            raise usage(
                process,
                f"invalid field value '{part}'"
                if not process.system.programs.is_busybox
                else f"invalid number '{part}'",
            )
        first = int(match[1] or 1)
        last = int(match[3]) if match[3] else (1 << 30 if match[2] else first)
        if not first:
            raise usage(process, "fields are numbered from 1")
        if last < first:
            raise usage(process, "invalid decreasing range")
        found.append((first, last))
    return found


def _chosen(parts: list[str], ranges: list[tuple[int, int]], *, complement: bool) -> list[str]:
    return [
        part
        for number, part in enumerate(parts, 1)
        if any(first <= number <= last for first, last in ranges) != complement
    ]


def _runs(text: str, ranges: list[tuple[int, int]], *, complement: bool) -> list[str]:
    """The chosen letters, in a piece for each range."""
    if complement:
        return ["".join(_chosen(list(text), ranges, complement=True))]
    found: list[str] = []
    last = 0
    for first, stop in sorted(ranges):
        piece = text[max(first - 1, last) : stop]
        if piece and first - 1 < last and found:
            found[-1] += piece
        elif piece:
            found.append(piece)
        last = max(last, stop)
    return found


_CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "0-9A-Za-z",
    "upper": "A-Z",
    "lower": "a-z",
    "space": "\\t-\\r ",
    "blank": "\\t ",
    "punct": "!-/:-@\\[-`{-~",
    "cntrl": "\\x00-\\x1f\\x7f",
    "print": " -~",
    "graph": "!-~",
    "xdigit": "0-9A-Fa-f",
}


def tr(process: Process) -> int:
    """Change or drop letters."""
    options = Options(
        process,
        "cCdst",
        "complement:c delete:d squeeze-repeats:s truncate-set1:t",
        stops=True,
    )
    options.needs(1)
    operands = options.operands
    complement = "c" in options or "C" in options
    if len(operands) < 2 and not ("d" in options or "s" in options):
        raise usage(
            process,
            "" if process.system.programs.is_busybox else f"missing operand after '{operands[0]}'",
        )
    first = _set(operands[0])
    if complement:
        first = [byte for byte in range(256) if byte not in set(first)]
    second = _set(operands[1], fill=len(first)) if len(operands) > 1 else []
    deleted = set(first) if "d" in options else set()
    table = list(range(256))
    if second and "d" not in options:
        for place, byte in enumerate(first):
            if place < len(second) or "t" not in options:
                table[byte] = second[min(place, len(second) - 1)]
    squeezed = set(second if second else first) if "s" in options else set()
    last: int | None = None
    while piece := process.read():
        out = bytearray()
        for byte in piece:
            if byte in deleted:
                continue
            changed = table[byte]
            if changed in squeezed and changed == last:
                continue
            out.append(changed)
            last = changed
        process.write(bytes(out))
        process.flush()
    return 0


def _set(text: str, fill: int = 0) -> list[int]:
    found: list[int] = []
    position = 0
    while position < len(text):
        match = re.compile(r"\[:(\w+):\]").match(text, position)
        if match is not None and match[1] in _CLASSES:
            pattern = re.compile(f"[{_CLASSES[match[1]]}]")
            found += [byte for byte in range(256) if pattern.match(chr(byte))]
            position = match.end()
            continue
        if match := re.compile(r"\[(.|\\.)\*(\d*)\]", re.S).match(text, position):
            byte = ord(_letter(match[1])[0])
            count = int(match[2], 8 if match[2].startswith("0") else 10) if match[2] else 0
            found += [byte] * (count or max(0, fill - len(found)))
            position = match.end()
            continue
        if match := re.compile(r"\[=(.)=\]", re.S).match(text, position):
            found.append(ord(match[1]))
            position = match.end()
            continue
        one, after = _take(text, position)
        if text[after : after + 1] == "-" and after + 1 < len(text):
            other, end = _take(text, after + 1)
            found += range(ord(one), ord(other) + 1)
            position = end
            continue
        found.append(ord(one))
        position = after
    return found


def _take(text: str, position: int) -> tuple[str, int]:
    match = re.compile(r"\\([0-7]{1,3}|.)", re.S).match(text, position)
    if match is not None:
        return _letter(match[0]), match.end()
    return text[position], position + 1


def _letter(text: str) -> str:
    if not text.startswith("\\") or len(text) == 1:
        return text
    if text[1] in "01234567":
        return chr(int(text[1:], 8) & 0xFF)
    return dollar_quoted(text)[-1:]


def paste(process: Process) -> int:
    """Join lines of files."""
    options = Options(process, "d:sz", "delimiters=:d serial:s")
    letters = [
        "" if one == "\\0" else dollar_quoted(one)
        for one in re.findall(r"\\.|[^\\]", options.value("d", "\t") or "", re.S)
    ]
    try:
        files = _columns(process, options.operands or ["-"])
    except OSError as error:
        complain_of_input(process, error.filename or "", error)
        return 1

    def joined(parts: list[str]) -> str:
        text = parts[0] if parts else ""
        for place, part in enumerate(parts[1:]):
            text += (letters[place % len(letters)] if letters else "") + part
        return text

    if "s" in options:
        for lines in files:
            process.print(joined(lines) + "\n")
        return 0
    for row in range(max((len(lines) for lines in files), default=0)):
        process.print(joined([lines[row] if row < len(lines) else "" for lines in files]) + "\n")
    return 0


def _columns(process: Process, paths: list[str]) -> list[list[str]]:
    """The lines of each file; those of standard input take turns where it is named often."""
    inputs = paths.count("-")
    found: list[list[str]] = []
    shared = list(lines_of(process, "-")) if inputs else []
    for path in paths:
        turn = paths[: len(found)].count("-")
        lines = shared[turn::inputs] if path == "-" else lines_of(process, path)
        found.append([line.rstrip(b"\n").decode("latin-1") for line in lines])
    return found


def _stops(process: Process, text: str) -> list[int]:
    stops = re.split(r"[, ]", text)
    if not all(one.isdigit() and int(one) for one in stops):
        raise process.fail(f"tab size contains invalid character(s): '{text}'")
    return [int(one) for one in stops]


def _expanded(line: str, stops: list[int], *, initial: bool) -> str:
    out, column = "", 0
    for place, letter in enumerate(line):
        if letter != "\t" or (initial and line[:place].strip()):
            out += letter
            column += 1
            continue
        if len(stops) == 1:
            width = stops[0] - column % stops[0]
        else:
            width = next((stop - column for stop in stops if stop > column), 1)
        out += " " * width
        column += width
    return out


def expand(process: Process) -> int:
    """Make blanks of tabs."""
    options = Options(process, "t:i", "tabs=:t initial:i")
    stops = _stops(process, options.value("t") or "8")
    code = 0
    for path in options.operands or ["-"]:
        try:
            for line in lines_of(process, path):
                process.print(_expanded(line.decode("latin-1"), stops, initial="i" in options))
        except OSError as error:  # noqa: PERF203  (each one is told of)
            complain_of_input(process, path, error)
            code = 1
    return code


def unexpand(process: Process) -> int:
    """Make tabs of blanks, as far as a line begins with them."""
    options = Options(process, "at:f", "all:a tabs=:t first-only:f")
    width = _stops(process, options.value("t") or "8")[0]
    everywhere = "a" in options or ("t" in options and "f" not in options)
    for path in options.operands or ["-"]:
        for raw in lines_of(process, path):
            line = raw.decode("latin-1")
            body = line.lstrip(" \t")
            start = len(line[: len(line) - len(body)].expandtabs(width))
            head = "\t" * (start // width) + " " * (start % width)
            if not everywhere:
                process.print(head + body)
                continue
            cells = re.findall(rf"[^\n]{{1,{width}}}|\n", line.expandtabs(width))
            process.print(
                "".join(re.sub(r"  +$", "\t", one) if len(one) == width else one for one in cells)
            )
    return 0
