"""A script that comes by standard input: done command by command, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .parsing.parser import Parser
from .syntax import ScriptError

if TYPE_CHECKING:
    from .state import Shell

_PIECE = 8192


def commands_of_input(shell: Shell) -> Iterator[tuple[int, str]]:
    """Give the commands of standard input, each with the number of its line, once it is whole.

    Programs that a command starts may read on: with bash from the next line, with the others from
    what the shell has not read ahead, for they read as much as there is.
    """
    process, line = shell.process, 1
    text, is_end = "", False
    while True:
        used = _length_of_next(shell, text, is_end=is_end)
        if used:
            command, text = text[:used], text[used:]
            if text and shell.dialect.is_bash:
                opened = process.descriptors.get(0)
                if opened is not None and opened.push_back(text.encode("latin-1")):
                    text, is_end = "", False
            yield line, command
            line += command.count("\n")
        elif is_end:
            return
        else:
            process.flush()
            piece = process.read(_PIECE)
            text += piece.decode("latin-1")
            is_end = not piece


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _length_of_next(shell: Shell, text: str, *, is_end: bool) -> int:
    """Return how many letters the next line's commands have; 0 where more is to come."""
    parser = Parser(
        text,
        shell.dialect,
        aliases=lambda: shell.active_aliases,
        extended=lambda: shell.shopt("extglob"),
    )
    try:
        script = parser.next_line()
    except ScriptError as error:
        # Whoever does the commands finds the error, too, and says so.
        return len(text) if is_end or not error.is_of_end else 0
    command = text if script is None else text[: len(text) - len(parser.rest)]
    if is_end:
        return len(command)
    if parser.lacks_document or not command.endswith("\n") or _is_continued(command[:-1]):
        return 0
    return len(command)
