"""`read` and `mapfile`."""

from __future__ import annotations

import errno
import re
from collections.abc import Container
from typing import TYPE_CHECKING

from ...open_files import failure
from ..variables import Variable
from .registry import builtin

if TYPE_CHECKING:
    from ...process import Process
    from ..state import Shell


def read_line(
    process: Process, number: int, end: bytes = b"\n", most: int | None = None
) -> tuple[bytes, bool]:
    """Read up to an end, and no byte more than needed; whether the end was there."""
    opened = process.descriptors.get(number)
    if opened is None:
        raise failure(errno.EBADF)
    line = bytearray()
    while most is None or len(line) < most:
        piece = opened.read(process, 4096)
        if not piece:
            return bytes(line), False
        stop = piece.find(end)
        room = len(piece) if most is None else most - len(line)
        if 0 <= stop < room:
            line += piece[:stop]
            opened.push_back(piece[stop + 1 :])
            return bytes(line), True
        line += piece[:room]
        if len(piece) > room:
            opened.push_back(piece[room:])
    return bytes(line), True


@builtin("read")
def _read(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    options: dict[str, str] = {}
    takes = {"bash": "adiNnptu", "busybox": "ntpud", "dash": "p"}[shell.dialect.name]
    flags = {"bash": "ers", "busybox": "rs", "dash": "r"}[shell.dialect.name]
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        position = 1
        while position < len(word):
            letter = word[position]
            position += 1
            if letter in takes:
                options[letter] = (
                    word[position:] if position < len(word) else (rest.pop(0) if rest else "")
                )
                break
            if letter not in flags:
                if shell.dialect.is_bash:
                    shell.complain(f"read: -{letter}: invalid option")
                    shell.process.print_error(
                        "read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars]"
                        " [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]\n"
                    )
                else:
                    shell.complain(f"read: Illegal option -{letter}")
                return 2
            options[letter] = ""
    names = rest or (["REPLY"] if not shell.dialect.is_dash and "a" not in options else [])
    if not names and "a" not in options:
        shell.complain("read: arg count")
        return 2
    number = int(options.get("u") or 0)
    end = options.get("d", "\n")[:1].encode("latin-1") or b"\0" if "d" in options else b"\n"
    most_text = options.get("n") or options.get("N")
    most = int(most_text) if most_text and most_text.isdigit() else None
    is_raw = "r" in options
    text, quoted_places, is_whole = _collect(shell, number, end, most, is_raw=is_raw)
    if "a" in options:
        fields = _all_fields(shell, text, quoted_places)
        shell.variables.variable(options["a"])
        shell.variables.table[options["a"]] = Variable(items=dict(enumerate(fields)))
        return int(not is_whole)
    if not rest and not shell.dialect.is_dash:
        shell.assign("REPLY", text)
        return int(not is_whole)
    for name, value in zip(names, _fields(shell, text, quoted_places, len(names)), strict=False):
        if not re.fullmatch(r"[A-Za-z_]\w*(\[.*\])?", name):
            shell.complain(
                f"read: `{name}': not a valid identifier"
                if shell.dialect.is_bash
                else f"read: {name}: bad variable name"
            )
            return 1 if shell.dialect.is_bash else 2
        shell.assign(name, value)
    return int(not is_whole)


def _collect(
    shell: Shell, number: int, end: bytes, most: int | None, *, is_raw: bool
) -> tuple[str, set[int], bool]:
    """Read a line with its continuations; the places of letters that a backslash quotes."""
    text: list[str] = []
    places: set[int] = set()
    while True:
        try:
            data, is_whole = read_line(shell.process, number, end, most)
        except OSError:
            return "", set(), False
        line = data.replace(b"\0", b"").decode("latin-1")
        if is_raw or "\\" not in line:
            text += line
            return "".join(text), places, is_whole
        position = 0
        continues = False
        while position < len(line):
            letter = line[position]
            if letter == "\\":
                if position + 1 == len(line):
                    continues = is_whole and end == b"\n"
                    position += 1
                    continue
                places.add(len(text))
                text.append(line[position + 1])
                position += 2
                continue
            text.append(letter)
            position += 1
        if not continues:
            return "".join(text), places, is_whole


def _fields(shell: Shell, text: str, quoted: set[int], count: int) -> list[str]:
    separators = shell.separators
    white = [one for one in separators if one in " \t\n"]
    letters = [(letter, place in quoted) for place, letter in enumerate(text)]
    position = 0

    def is_in(place: int, which: Container[str]) -> bool:
        letter, is_quoted = letters[place]
        return not is_quoted and letter in which

    while position < len(letters) and is_in(position, white):
        position += 1
    fields: list[str] = []
    for _ in range(count - 1):
        start = position
        while position < len(letters) and not is_in(position, separators):
            position += 1
        fields.append("".join(one for one, _ in letters[start:position]))
        while position < len(letters) and is_in(position, white):
            position += 1
        if position < len(letters) and is_in(position, separators):
            position += 1
            while position < len(letters) and is_in(position, white):
                position += 1
    stop = len(letters)
    while stop > position and is_in(stop - 1, white):
        stop -= 1
    rest = letters[position:stop]
    # A single separator at the end of the last field goes, if it is the only one there.
    other = [
        place
        for place, (one, is_quoted) in enumerate(rest)
        if not is_quoted and one in separators and one not in white
    ]
    if len(other) == 1 and other[0] == len(rest) - 1:
        rest = rest[:-1]
    fields.append("".join(one for one, _ in rest))
    return fields


def _all_fields(shell: Shell, text: str, quoted: set[int]) -> list[str]:
    fields = _fields(shell, text, quoted, len(text) + 2)
    while fields and not fields[-1]:
        fields.pop()
    return fields


@builtin("mapfile", "readarray", shells=("bash",))
def _mapfile(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    strips = False
    values: dict[str, str] = {}
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if "t" in word:
            strips = True
        if word[1:] in ("d", "n", "s", "O", "u", "c", "C") and rest:
            values[word[1:]] = rest.pop(0)
    end = values["d"][:1].encode("latin-1") or b"\0" if "d" in values else b"\n"
    for letter in "nsuO":
        if not values.setdefault(letter, "0").isdigit():
            shell.complain(f"{words[0]}: {values[letter]}: invalid number")
            return 1
    most, skipped, number, first = (int(values[letter]) for letter in "nsuO")
    name = rest[0] if rest else "MAPFILE"
    items: dict[int | str, str] = {}
    while not most or len(items) < most:
        line, is_whole = read_line(shell.process, number, end)
        if not is_whole and not line:
            break
        if skipped:
            skipped -= 1
            continue
        items[first + len(items)] = line.decode("latin-1") + (
            "" if strips or not is_whole else end.decode("latin-1")
        )
        if not is_whole:
            break
    shell.variables.table[name] = Variable(items=items)
    return 0
