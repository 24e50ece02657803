"""`sort`, `comm` and `shuf`."""

from __future__ import annotations

import itertools
import re
from functools import cmp_to_key
from typing import TYPE_CHECKING

from ..options import Options, usage
from .inputs import lines_of, read_input

if TYPE_CHECKING:
    from ...process import Process

_UNITS = {"": 0, "K": 1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


class _Key:
    """One of the keys of `-k`."""

    def __init__(self, text: str, flags: str) -> None:
        match = re.fullmatch(
            r"(\d+)(?:\.(\d+))?([bdfghiMnRrV]*)(?:,(\d+)(?:\.(\d+))?([bdfghiMnRrV]*))?", text
        )
        if match is None:
            raise ValueError(text)
        self.field, self.letter = int(match[1]), int(match[2] or 1)
        self.last_field = int(match[4]) if match[4] else None
        self.last_letter = int(match[5] or 0)
        own = match[3] + (match[6] or "")
        self.flags = own or flags
        self.has_own = bool(own)


def sort(process: Process) -> int:
    """Sort lines."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "bcCdfghik:mMno:rRsS:t:T:uVz",
        "ignore-leading-blanks:b check=?:c dictionary-order:d ignore-case:f "
        "general-numeric-sort:g human-numeric-sort:h key=:k merge:m month-sort:M "
        "numeric-sort:n output=:o reverse:r random-sort:R stable:s field-separator=:t "
        "unique:u version-sort:V zero-terminated:z parallel=:",
        code=1 if busybox else 2,
    )
    flags = "".join(one for one in "bdfghiMnRV" if one in options)
    try:
        keys = [_Key(text, flags) for text in options.values("k")]
    except ValueError as error:
        raise usage(
            process, f"invalid number at field start: invalid count at start of '{error}'", 2
        ) from error
    lines: list[bytes] = []
    for path in options.operands or ["-"]:
        try:
            if "z" in options:
                lines += [one for one in read_input(process, path).split(b"\0") if one]
            else:
                lines += [line.rstrip(b"\n") for line in lines_of(process, path)]
        except OSError as error:  # noqa: PERF203  (each one is told of)
            process.complain(
                f"{path}: {error.strerror}" if busybox else f"cannot read: {path}: {error.strerror}"
            )
            return 1 if busybox else 2
    order = _Order(
        keys,
        flags,
        options.value("t"),
        reverse="r" in options,
        stable="s" in options or "u" in options,
    )
    key = cmp_to_key(order.compare)
    if "c" in options or "C" in options:
        return _check(process, options, lines, order)
    if "R" in options:
        process.system.random.shuffle(lines)
    else:
        lines.sort(key=key)
    if "u" in options:
        kept: list[bytes] = []
        for line in lines:
            if not kept or order.by_keys(kept[-1], line) != 0:
                kept.append(line)
        lines = kept
    end = b"\0" if "z" in options else b"\n"
    data = b"".join(line + end for line in lines)
    if (output := options.value("o")) is not None:
        process.system.files.write_file(process, output, data)
    else:
        process.write(data)
    return 0


def _check(process: Process, options: Options, lines: list[bytes], order: _Order) -> int:
    for number, (first, second) in enumerate(itertools.pairwise(lines), 2):
        compared = order.compare(first, second)
        if compared > 0 or (compared == 0 and "u" in options):
            if "C" not in options and not process.system.programs.is_busybox:
                path = options.operands[0] if options.operands else "-"
                process.complain(f"{path}:{number}: disorder: {second.decode('latin-1')}")
            elif "C" not in options:
                path = options.operands[0] if options.operands else "-"
                process.complain(f"Check line {number}")
            return 1
    return 0


class _Order:
    def __init__(
        self, keys: list[_Key], flags: str, separator: str | None, *, reverse: bool, stable: bool
    ) -> None:
        self._keys = keys
        self._flags = flags
        self._separator = separator.encode("latin-1") if separator else None
        self._reverse = reverse
        self._stable = stable

    def compare(self, left: bytes, right: bytes) -> int:
        result = self.by_keys(left, right)
        if result or self._stable:
            return result
        last = (left > right) - (left < right)
        return -last if self._reverse else last

    def by_keys(self, left: bytes, right: bytes) -> int:
        if not self._keys:
            result = _compared(left, right, self._flags)
            return -result if self._reverse else result
        for key in self._keys:
            result = _compared(self._part(left, key), self._part(right, key), key.flags)
            if result:
                reverse = "r" in key.flags if key.has_own else self._reverse
                return -result if reverse else result
        return 0

    def _fields(self, line: bytes) -> list[tuple[int, int]]:
        if self._separator is not None:
            found, start = [], 0
            for part in line.split(self._separator):
                found.append((start, start + len(part)))
                start += len(part) + 1
            return found
        return [match.span() for match in re.finditer(rb"[ \t]*[^ \t]+", line)] or [(0, len(line))]

    def _part(self, line: bytes, key: _Key) -> bytes:
        fields = self._fields(line)
        if key.field > len(fields):
            return b""
        begin, end = fields[key.field - 1]
        if "b" in key.flags:
            while begin < end and line[begin : begin + 1] in (b" ", b"\t"):
                begin += 1
        begin = min(begin + key.letter - 1, len(line))
        stop = len(line)
        if key.last_field is not None and key.last_field <= len(fields):
            first, last = fields[key.last_field - 1]
            stop = last if not key.last_letter else min(last, first + key.last_letter)
        return line[begin:stop] if begin < stop else b""


def _compared(left: bytes, right: bytes, flags: str) -> int:
    a: object
    b: object
    if "n" in flags:
        a, b = _number(left), _number(right)
    elif "g" in flags:
        a, b = _general(left), _general(right)
    elif "h" in flags:
        a, b = _human(left), _human(right)
    elif "V" in flags:
        a, b = _version(left), _version(right)
    elif "M" in flags:
        a, b = _month(left), _month(right)
    else:
        a, b = _folded(left, flags), _folded(right, flags)
    return (a > b) - (a < b)  # type: ignore[operator]  # both are keys of one kind


def _folded(text: bytes, flags: str) -> bytes:
    if "b" in flags:
        text = text.lstrip(b" \t")
    if "d" in flags:
        text = re.sub(rb"[^A-Za-z0-9 \t]", b"", text)
    if "i" in flags:
        text = re.sub(rb"[^ -~]", b"", text)
    return text.upper() if "f" in flags else text


def _number(text: bytes) -> float:
    match = re.match(rb"[ \t]*(-?\d*(?:\.\d*)?)", text)
    try:
        return float(match[1]) if match else 0.0
    except ValueError:
        return 0.0


def _general(text: bytes) -> float:
    match = re.match(rb"[ \t]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)", text)
    return float(match[1]) if match else float("-inf")


def _human(text: bytes) -> tuple[int, int, float]:
    match = re.match(rb"[ \t]*(-?)(\d*(?:\.\d*)?)([KkMGTPE]?)", text)
    if match is None or not match[2].strip(b"."):
        return (0, 0, 0.0)
    sign = -1 if match[1] else 1
    value = float(match[2])
    if not value:
        return (0, 0, 0.0)
    return (sign, sign * _UNITS[match[3].decode()], sign * value)


def _version(text: bytes) -> list[tuple[int, object]]:
    return [
        (1, int(part)) if part.isdigit() else (0, part) for part in re.findall(rb"\d+|\D+", text)
    ]


def _month(text: bytes) -> int:
    name = text.strip()[:3].lower().decode("latin-1")
    return _MONTHS.index(name) + 1 if name in _MONTHS else 0


def comm(process: Process) -> int:
    """Compare two sorted files line by line."""
    options = Options(process, "123", "")
    options.needs(2)
    left, right = (
        [line.rstrip(b"\n") for line in lines_of(process, path)] for path in options.operands[:2]
    )
    hidden = [one in options for one in "123"]
    i = j = 0
    while i < len(left) or j < len(right):
        if j >= len(right) or (i < len(left) and left[i] < right[j]):
            column, line, i = 0, left[i], i + 1
        elif i >= len(left) or right[j] < left[i]:
            column, line, j = 1, right[j], j + 1
        else:
            column, line, i, j = 2, left[i], i + 1, j + 1
        if not hidden[column]:
            process.write(b"\t" * sum(not one for one in hidden[:column]) + line + b"\n")
    return 0


def shuf(process: Process) -> int:
    """Put lines in a random order."""
    options = Options(process, "n:ei:", "head-count=:n echo:e input-range=:i")
    if "e" in options:
        lines = [one.encode("latin-1") for one in options.operands]
    elif (span := options.value("i")) is not None:
        first, _, last = span.partition("-")
        lines = [str(one).encode() for one in range(int(first), int(last) + 1)]
    else:
        lines = [line.rstrip(b"\n") for line in lines_of(process, (options.operands or ["-"])[0])]
    process.system.random.shuffle(lines)
    count = options.value("n")
    for line in lines[: int(count)] if count else lines:
        process.write(line + b"\n")
    return 0
