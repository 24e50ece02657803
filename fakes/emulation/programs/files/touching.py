"""`touch` and `truncate`, which change a file, or make it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..machine.dates import DateError, parse_date
from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def touch(process: Process) -> int:
    """Set times, and make files that are missing."""
    options = Options(
        process,
        "cahmr:d:t:f",
        "no-create:c reference=:r date=:d no-dereference:h time=",
    )
    options.needs(1, file=True)
    files = process.system.files
    busybox = process.system.programs.is_busybox
    moment: float | None = None
    try:
        if (date := options.value("d")) is not None:
            moment = parse_date(date, process.system.now(), is_busybox=busybox)
        elif (stamp := options.value("t")) is not None:
            moment = parse_date(_stamp(stamp), process.system.now(), is_busybox=busybox)
    except DateError as error:
        raise process.fail(
            f"invalid date '{options.value('d')}'"
            if busybox
            else f"invalid date format '{options.value('d')}'"
        ) from error
    if (reference := options.value("r")) is not None:
        try:
            status = files.status(process, reference)
        except OSError as error:
            raise process.fail(
                f"{reference}: {error.strerror}"
                if busybox
                else f"failed to get attributes of '{reference}': {error.strerror}"
            ) from error
        moment = status.mtime + status.nanoseconds / 1e9
    code = 0
    for path in options.operands:
        try:
            if not files.exists(process, path, follow="h" not in options):
                if "c" in options or "h" in options:
                    continue
                opened = files.open(process, path, reads=False, writes=True, creates=True)
                opened.retain().release()
                if moment is None:
                    continue
            if "a" in options and "m" not in options:
                continue
            files.set_time(process, path, moment, follow="h" not in options)
        except OSError as error:
            process.complain(
                f"{path}: {error.strerror}"
                if busybox
                else f"cannot touch '{path}': {error.strerror}"
            )
            code = 1
    return code


def _stamp(text: str) -> str:
    match = re.fullmatch(r"(\d{2})?(\d{2})?(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{2}))?", text)
    if match is None:
        return text
    century, year, month, day, hour, minute, second = match.groups()
    full = f"{century or '20'}{year}" if year else "1970"
    return f"{full}-{month}-{day} {hour}:{minute}:{second or '00'}"


def truncate(process: Process) -> int:
    """Cut files off, or lengthen them."""
    options = Options(process, "cs:r:o", "no-create:c size=:s reference=:r")
    files = process.system.files
    text = options.value("s")
    reference = options.value("r")
    if text is None and reference is None:
        raise usage(process, "you must specify either '--size' or '--reference'")
    options.needs(1, file=True)
    code = 0
    for path in options.operands:
        try:
            exists = files.exists(process, path)
            if not exists:
                if "c" in options:
                    continue
                files.write_file(process, path, b"")
            size = files.status(process, reference or path).size
            files.truncate(process, path, _size(process, text, size) if text else size)
        except OSError as error:
            process.complain(
                f"{path}: {error.strerror}"
                if process.system.programs.is_busybox
                else f"cannot open '{path}' for writing: {error.strerror}"
            )
            code = 1
    return code


_UNITS = {
    "": 1,
    "K": 1024,
    "k": 1024,
    "M": 1 << 20,
    "G": 1 << 30,
    "T": 1 << 40,
    "KB": 1000,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 1024,
    "MiB": 1 << 20,
}


def _size(process: Process, text: str, old: int) -> int:
    match = re.fullmatch(r"([-+<>/%]?)(\d+)([A-Za-z]*)", text)
    if match is None or match[3] not in _UNITS:
        raise process.fail(f"Invalid number: '{text}'")
    value = int(match[2]) * _UNITS[match[3]]
    return {
        "": value,
        "+": old + value,
        "-": max(0, old - value),
        "<": min(old, value),
        ">": max(old, value),
        "/": old // value * value if value else old,
        "%": -(-old // value) * value if value else old,
    }[match[1]]
