"""`wc` and `uniq`."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from ..options import Options
from .inputs import complain_of_input, lines_of, read_input

if TYPE_CHECKING:
    from ...process import Process


def wc(process: Process) -> int:
    """Count lines, words and bytes."""
    options = Options(
        process,
        "lwcmL",
        "lines:l words:w bytes:c chars:m max-line-length:L",
    )
    busybox = process.system.programs.is_busybox
    wanted = [one for one in "lwmcL" if one in options] or ["l", "w", "c"]
    rows: list[tuple[list[int], str]] = []
    code = 0
    operands = options.operands
    from_file = False
    for path in operands or [""]:
        try:
            data = read_input(process, path or "-")
        except OSError as error:
            complain_of_input(process, path, error)
            code = 1
            if error.errno == errno.EISDIR and not busybox:
                rows.append(([0] * len(wanted), path))
            continue
        if not path:
            opened = process.descriptors.get(0)
            from_file = bool(opened and opened.path and not opened.path.startswith("/dev"))
        counts = {
            "l": data.count(b"\n"),
            "w": len(data.split()),
            "m": len(data) if not busybox else sum(1 for byte in data if byte & 0xC0 != 0x80),
            "c": len(data),
            "L": max((_width(line) for line in data.split(b"\n")), default=0),
        }
        rows.append(([counts[one] for one in wanted], path))
    if len(operands) > 1:
        totals = (
            [
                max(column) if one == "L" else sum(column)
                for one, column in zip(
                    wanted, zip(*(row for row, _ in rows), strict=False), strict=False
                )
            ]
            if rows
            else [0] * len(wanted)
        )
        rows.append((totals, "total"))
    if busybox:
        for row, path in rows:
            if len(wanted) == 1 and len(operands) < 2:
                text = str(row[0])
            else:
                text = " ".join(f"{value:9d}" for value in row)
            process.print(text + (f" {path}" if path else "") + "\n")
        return code
    width = 1
    if len(wanted) > 1 or len(operands) > 1:
        width = 7
        if operands and "-" not in operands:
            total = 0
            for path in operands:
                with contextlib.suppress(OSError):
                    total += process.system.files.status(process, path).size
            width = max(1, len(str(total)))
        elif not operands and from_file and len(wanted) > 1:
            size = process.system.files.status(process, process.descriptors[0].path).size
            width = len(str(size))
    for row, path in rows:
        process.print(
            " ".join(f"{value:{width}d}" for value in row) + (f" {path}" if path else "") + "\n"
        )
    return code


def _width(line: bytes) -> int:
    width = 0
    for byte in line:
        if byte == 9:
            width += 8 - width % 8
        elif 32 <= byte < 127:
            width += 1
    return width


def uniq(process: Process) -> int:
    """Drop lines that repeat the one before."""
    options = Options(
        process,
        "cdDuif:s:w:z",
        "count:c repeated:d unique:u ignore-case:i skip-fields=:f skip-chars=:s "
        "check-chars=:w all-repeated=?:D",
    )
    fields, letters = options.number("f", 0), options.number("s", 0)
    width = options.number("w", 1 << 30)

    def key(line: bytes) -> bytes:
        text = line.rstrip(b"\n")
        for _ in range(fields):
            stripped = text.lstrip(b" \t")
            stop = next(
                (place for place, byte in enumerate(stripped) if byte in b" \t"), len(stripped)
            )
            text = stripped[stop:]
        text = text[letters:][:width]
        return text.lower() if "i" in options else text

    groups: list[list[bytes]] = []
    path = options.operands[0] if options.operands else "-"
    try:
        lines = list(lines_of(process, path))
    except OSError as error:
        complain_of_input(process, path, error)
        return 1
    for line in lines:
        if groups and key(groups[-1][0]) == key(line):
            groups[-1].append(line)
        else:
            groups.append([line])
    out: list[bytes] = []
    for group in groups:
        if ("d" in options and len(group) < 2) or ("u" in options and len(group) > 1):
            continue
        if "D" in options:
            out += group if len(group) > 1 else []
            continue
        line = group[0] if group[0].endswith(b"\n") else group[0] + b"\n"
        out.append((b"%7d " % len(group) if "c" in options else b"") + line)
    if len(options.operands) > 1:
        process.system.files.write_file(process, options.operands[1], b"".join(out))
    else:
        process.write(b"".join(out))
    return 0
