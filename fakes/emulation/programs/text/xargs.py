"""`xargs`."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

from ...open_files import Device
from ..invoking import invoke
from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def xargs(process: Process) -> int:
    """Run a command with words from standard input."""
    options = Options(
        process,
        "0d:I:i::n:L:P:rts:a:E:xp",
        "null:0 delimiter=:d replace=?:i max-args=:n max-lines=?:L max-procs=:P "
        "no-run-if-empty:r verbose:t arg-file=:a max-chars=:s exit:x",
        stops=True,
    )
    command = options.operands or ["echo"]
    path = options.value("a")
    data = process.system.files.read_file(process, path) if path else process.read_all()
    text = data.decode("latin-1")
    mark = options.value("I") or ("{}" if "i" in options else None)
    delimiter = "\0" if "0" in options else options.value("d")
    if delimiter is not None:
        delimiter = (
            delimiter.encode("latin-1").decode("unicode_escape")
            if delimiter.startswith("\\")
            else delimiter
        )
        words = text.split(delimiter)
        if words and not words[-1]:
            words.pop()
        groups = [[word] for word in words]
    elif mark is not None:
        groups = [[line.strip(" \t")] for line in text.split("\n") if line.strip(" \t")]
        groups = [
            [
                "".join(_words(process, one[0]))
                if "'" in one[0] or '"' in one[0] or "\\" in one[0]
                else one[0]
            ]
            for one in groups
        ]
    elif "L" in options:
        groups = [_words(process, line) for line in text.split("\n") if line.strip()]
    else:
        groups = [[word] for word in _words(process, text)]
    runs = _runs(options, groups, mark)
    if not groups:
        runs = [] if "r" in options or mark is not None else [[]]
    code = 0
    for words in runs:
        line = (
            [part.replace(mark, words[0]) for part in command]
            if mark is not None
            else [*command, *words]
        )
        if "t" in options:
            process.print_error(" ".join(line) + "\n")
        process.flush()
        status = invoke(
            process,
            line,
            stdin=Device("null"),
            complain=lambda name, reason: process.complain(f"{name}: {reason}"),
        )
        if status in (126, 127):
            return status
        if status == 255:
            process.complain(f"{command[0]}: exited with status 255; aborting")
            return 124
        if status:
            code = 123
    return code


def _runs(options: Options, groups: list[list[str]], mark: str | None) -> list[list[str]]:
    if mark is not None:
        return groups
    if "L" in options:
        count = max(1, options.number("L", 1))
        return [
            functools.reduce(operator.iadd, groups[place : place + count], [])
            for place in range(0, len(groups), count)
        ]
    words = (
        functools.reduce(operator.iadd, groups, [])
        if len(groups) < 2000
        else [group[0] for group in groups]
    )
    size = max(1, options.number("n", 5000))
    return [words[place : place + size] for place in range(0, len(words), size)]


def _words(process: Process, text: str) -> list[str]:
    words: list[str] = []
    current: list[str] | None = None
    position = 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter in " \t\n":
            if current is not None:
                words.append("".join(current))
                current = None
            continue
        current = current if current is not None else []
        if letter in "'\"":
            stop = text.find(letter, position)
            end_of_line = text.find("\n", position)
            if stop < 0 or (0 <= end_of_line < stop):
                kind = "single" if letter == "'" else "double"
                raise process.fail(
                    f"unmatched {kind} quote"
                    if process.system.programs.is_busybox
                    else (
                        f"unmatched {kind} quote; by default quotes are special to xargs"
                        " unless you use the -0 option"
                    )
                )
            current.append(text[position:stop])
            position = stop + 1
        elif letter == "\\" and position < len(text):
            current.append(text[position])
            position += 1
        else:
            current.append(letter)
    if current is not None:
        words.append("".join(current))
    return words
