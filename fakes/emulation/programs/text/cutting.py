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
                        if "s" not in options:
                            process.print(text + "\n")
                        continue
                    parts = text.split(separator)
                    process.print(
                        joiner.join(_chosen(parts, ranges, complement="complement" in options))
                        + "\n"
                    )
                else:
                    process.print(
                        (options.value("O") or "").join(
                            _chosen(list(text), ranges, complement="complement" in options)
                        )
                        + "\n"
                    )
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
    letters = dollar_quoted(options.value("d") or "\t").replace("\\0", "")
    files = [
        [line.rstrip(b"\n").decode("latin-1") for line in lines_of(process, path)]
        for path in options.operands or ["-"]
    ]

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


def expand(process: Process) -> int:
    """Make blanks of tabs."""
    options = Options(process, "t:i", "tabs=:t initial:i")
    width = int(options.value("t") or 8)
    for path in options.operands or ["-"]:
        for line in lines_of(process, path):
            process.print(line.decode("latin-1").expandtabs(width))
    return 0
