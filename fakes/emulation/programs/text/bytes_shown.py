"""`od`, `hexdump` and `xxd`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..options import Options
from .inputs import read_input

if TYPE_CHECKING:
    from ...process import Process

_NAMES = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}


def od(process: Process) -> int:
    """Show bytes."""
    options = Options(
        process,
        "A:t:N:j:cbdoxXhvw::an:s",
        "address-radix=:A format=:t read-bytes=:N skip-bytes=:j width=?:w output-duplicates:v",
    )
    data = b"".join(read_input(process, path) for path in options.operands or ["-"])
    skip = options.number("j", 0)
    data = data[skip:]
    if "N" in options:
        data = data[: options.number("N", 0)]
    kinds: list[str] = []
    for letter, value in options.given:
        if letter == "t":
            kinds += re.findall(r"[acdoux][0-9]*z?|[acdoux][CSIL]?", value)
        elif letter in "cbdoxXha":
            kinds.append(
                {
                    "c": "c",
                    "b": "o1",
                    "d": "u2",
                    "o": "o2",
                    "x": "x2",
                    "X": "x4",
                    "h": "x2",
                    "a": "a",
                }[letter]
            )
    kinds = kinds or ["o2"]
    radix = options.value("A") or "o"
    width = max(1, options.number("w", 16))
    offset = 0
    last: bytes | None = None
    starred = False
    columns = max(_cell(kind)[1] * (width // _cell(kind)[0]) for kind in kinds)
    while offset < len(data):
        row = data[offset : offset + width]
        if row == last and len(row) == width and "v" not in options:
            if not starred:
                process.print("*\n")
                starred = True
            offset += width
            continue
        starred, last = False, row
        for place, kind in enumerate(kinds):
            address = _address(offset + skip, radix) if not place else " " * len(_address(0, radix))
            process.print(address + _row(row, kind, columns, width) + "\n")
        offset += width
    if radix != "n":
        process.print(_address(len(data) + skip, radix) + "\n")
    return 0


def _address(offset: int, radix: str) -> str:
    return {"o": f"{offset:07o}", "d": f"{offset:07d}", "x": f"{offset:06x}", "n": ""}[radix]


def _cell(kind: str) -> tuple[int, int]:
    """Bytes of a cell, and letters that it takes."""
    letter = kind[0]
    if letter in "ac":
        return 1, 4
    text = kind[1:].rstrip("z")
    size = {"": 4, "C": 1, "S": 2, "I": 4, "L": 8}.get(text) or int(text or 4)
    widths = {
        "x": {1: 2, 2: 4, 4: 8, 8: 16},
        "o": {1: 3, 2: 6, 4: 11, 8: 22},
        "u": {1: 3, 2: 5, 4: 10, 8: 20},
        "d": {1: 4, 2: 6, 4: 11, 8: 20},
    }
    return size, widths[letter][size] + 1


def _row(row: bytes, kind: str, columns: int, width: int) -> str:
    size, cell = _cell(kind)
    count = width // size
    wide = columns // count
    text = ""
    for place in range(0, len(row), size):
        piece = row[place : place + size].ljust(size, b"\0")
        if kind[0] == "c":
            byte = piece[0]
            shown = _NAMES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"{byte:03o}")
        elif kind[0] == "a":
            byte = piece[0] & 127
            names = [
                "nul",
                "soh",
                "stx",
                "etx",
                "eot",
                "enq",
                "ack",
                "bel",
                "bs",
                "ht",
                "nl",
                "vt",
                "ff",
                "cr",
                "so",
                "si",
                "dle",
                "dc1",
                "dc2",
                "dc3",
                "dc4",
                "nak",
                "syn",
                "etb",
                "can",
                "em",
                "sub",
                "esc",
                "fs",
                "gs",
                "rs",
                "us",
                "sp",
            ]
            shown = names[byte] if byte < 33 else "del" if byte == 127 else chr(byte)
        else:
            value = int.from_bytes(piece, "little", signed=kind[0] == "d")
            digits = cell - 1
            shown = {
                "x": f"{value:0{digits}x}",
                "o": f"{value:0{digits}o}",
                "u": str(value),
                "d": str(value),
            }[kind[0]]
        text += shown.rjust(wide)
    return text


def hexdump(process: Process) -> int:
    """Show bytes as hexadecimal numbers."""
    options = Options(process, "Cvn:s:bcdoxe:", "")
    data = b"".join(read_input(process, path) for path in options.operands or ["-"])
    if (limit := options.value("n")) is not None:
        data = data[: int(limit)]
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        if "C" in options:
            left = " ".join(f"{byte:02x}" for byte in row[:8])
            right = " ".join(f"{byte:02x}" for byte in row[8:])
            shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            process.print(f"{offset:08x}  {left:<23}  {right:<23}  |{shown}|\n")
        else:
            words = [
                f"{int.from_bytes(row[place : place + 2].ljust(2, bytes(1)), 'little'):04x}"
                for place in range(0, len(row), 2)
            ]
            process.print(f"{offset:07x} {' '.join(words)}".ljust(47) + "\n")
    process.print(f"{len(data):08x}\n" if "C" in options else f"{len(data):07x}\n")
    return 0


def xxd(process: Process) -> int:
    """Show bytes as hexadecimal numbers, or make bytes of them."""
    options = Options(process, "pri:l:s:c:g:u", "")
    data = b"".join(read_input(process, path) for path in options.operands or ["-"])
    if (limit := options.value("l")) is not None:
        data = data[: int(limit)]
    if "r" in options and "p" in options:
        process.write(bytes.fromhex(re.sub(rb"[^0-9a-fA-F]", b"", data).decode()))
        return 0
    if "p" in options:
        text = data.hex()
        for place in range(0, len(text), 60):
            process.print(text[place : place + 60] + "\n")
        return 0
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        words = [row[place : place + 2].hex() for place in range(0, len(row), 2)]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        process.print(f"{offset:08x}: {' '.join(words):<39}  {shown}\n")
    return 0
