"""How the programs of shadow begin, and what they refuse alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from .databases import Database, Databases

if TYPE_CHECKING:
    from ...process import Process
    from ..options import Options

SYSTEM_NUMBERS = (100, 999)
NUMBERS = (1000, 60_000)
"""The numbers that accounts and groups are given."""
_NAME = re.compile(r"[a-z_][a-z0-9_-]*\$?", re.I)


def begin(process: Process, options: Options, locks: str = "/etc/passwd") -> tuple[str, Databases]:
    """Return the name that a program is called for, and the databases.

    Args:
        process: the process of the program.
        options: how it was called.
        locks: the database that it changes.

    Raises:
        ProcessExit: there is not one name, or the caller is not root.
    """
    if len(options.operands) != 1:
        process.print_error(f"Usage: {process.name} [options] LOGIN\n")
        raise ProcessExit(2)
    if process.credentials.uid:
        process.complain("Permission denied.")
        raise process.fail(
            f"cannot lock {locks}; try again later.", 1 if locks == "/etc/passwd" else 10
        )
    return options.operands[0], Databases(process)


def is_valid_name(name: str) -> bool:
    """Tell whether an account or a group may have a name."""
    return _NAME.fullmatch(name) is not None


def existing(process: Process, database: Database, name: str, kind: str = "user") -> list[str]:
    """Return the line of a name.

    Raises:
        ProcessExit: there is none.
    """
    line = database.find(name)
    if line is None:
        raise process.fail(f"{kind} '{name}' does not exist", 6)
    return line


def refuse_taken(process: Process, database: Database, name: str, kind: str = "user") -> None:
    """Let a name be new.

    Raises:
        ProcessExit: there is a line of it.
    """
    if database.find(name) is not None:
        raise process.fail(f"{kind} '{name}' already exists", 9)


def group_number(process: Process, data: Databases, word: str) -> int:
    """Return the number of a group that is named, or given by its number.

    Raises:
        ProcessExit: there is none.
    """
    line = data.groups.find(word)
    if line is not None:
        return int(line[2])
    if word.isdigit() and int(word) in data.groups.numbers():
        return int(word)
    raise process.fail(f"group '{word}' does not exist", 6)


def group_names(process: Process, data: Databases, text: str) -> list[str]:
    """Return the names of groups, which commas separate, by names or numbers.

    Raises:
        ProcessExit: one is not there.
    """
    names = []
    for word in [one for one in text.split(",") if one]:
        line = data.groups.find(word) or next(
            (one for one in data.groups.lines if one[2] == word), None
        )
        if line is None:
            raise process.fail(f"group '{word}' does not exist", 6)
        names.append(line[0])
    return names
