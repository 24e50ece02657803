"""The values of `--chmod`: octal digits, or symbols as in `u=rwX,go=rX`.

The symbols are those of BSD's `chmod` with a creation mask of 0
(https://man.freebsd.org/cgi/man.cgi?query=chmod&sektion=1), as BuildKit reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from imagebuilders.lazy_dataclass import dataclass

_ALL = 0o6777
_CLASSES = {"u": 0o4700, "g": 0o2070, "o": 0o007, "a": _ALL}
_PERMISSIONS = {"r": 0o444, "w": 0o222, "x": 0o111}
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_CLAUSE = re.compile(r"(?P<who>[augo]*)(?P<actions>(?:[-+=][rwxXstugo]*)+)\Z")
_ACTION = re.compile(r"([-+=])([rwxXstugo]*)")
_EXECUTE = 0o111
_SET_ID = 0o6000
_STICKY = 0o1000

Change = Callable[[int, int, bool], int]
"""Takes the mode so far, the mode at first and whether it is a folder; returns the mode."""


@dataclass(frozen=True)
class SymbolicMode:
    """A symbolic mode, to be applied to any number of files."""

    changes: tuple[Change, ...]

    @classmethod
    def parse(cls, text: str) -> SymbolicMode:
        """Read a symbolic mode.

        Raises:
            ValueError: it is malformed.
        """
        changes: list[Change] = []
        for clause in text.split(","):
            match = _CLAUSE.match(clause)
            if match is None:
                raise ValueError("invalid syntax")
            who = 0
            for letter in match["who"]:
                who |= _CLASSES[letter]
            for operator, symbols in _ACTION.findall(match["actions"]):
                changes.extend(_changes(who, operator, symbols))
        return cls(tuple(changes))

    def apply(self, mode: int, *, is_folder: bool) -> int:
        """Return the mode that a file gets."""
        result = mode
        for change in self.changes:
            result = change(result, mode, is_folder)
        return result


def _changes(who: int, operator: str, symbols: str) -> list[Change]:
    """Return what one action does, as `+rw` or `=u`."""
    changes: list[Change] = []
    bits = execute_bits = 0
    is_assigned = operator != "="  # an assignment has to clear once, even if nothing follows

    def flush() -> None:
        nonlocal bits, execute_bits, is_assigned
        if bits or not is_assigned:
            changes.append(_plain(operator, who, bits))
            is_assigned = True
        if execute_bits:
            changes.append(_execute(who & execute_bits if who else execute_bits))
        bits = execute_bits = 0

    for symbol in symbols:
        if symbol in _PERMISSIONS:
            bits |= _PERMISSIONS[symbol]
        elif symbol in _SHIFTS:
            is_assigned = is_assigned or not bits
            flush()
            is_assigned = True
            changes.append(_copy(operator, who, symbol))
        elif symbol == "X" and operator != "-":
            execute_bits |= _EXECUTE
        elif symbol == "X":
            bits |= _EXECUTE
        elif not who or who & ~0o007:  # set-id and sticky bits mean nothing for others alone
            bits |= _SET_ID if symbol == "s" else _STICKY
            # Also without a class, so that `+tx` sets the sticky bit alone.
            who |= _STICKY if symbol == "t" else 0
    flush()
    return changes


def _plain(operator: str, who: int, bits: int) -> Change:
    touched = bits & who if who else bits

    def change(mode: int, _first: int, _is_folder: bool) -> int:
        if operator == "-":
            return mode & ~touched
        if operator == "=":
            mode &= ~(who or _ALL)
        return mode | touched

    return change


def _execute(bits: int) -> Change:
    """Return `X`: for folders, and for what somebody could execute at first."""
    return lambda mode, first, is_folder: mode | bits if is_folder or first & _EXECUTE else mode


def _copy(operator: str, who: int, source: str) -> Change:
    """Return the copying of one class's permissions to others."""
    classes = [shift for shift in _SHIFTS.values() if not who or who & 0o4 << shift]

    def change(mode: int, _first: int, _is_folder: bool) -> int:
        value = mode >> _SHIFTS[source] & 0o7
        for shift in classes:
            if operator == "=":
                mode &= ~(0o7 << shift)
            mode = mode & ~(value << shift) if operator == "-" else mode | value << shift
        return mode

    return change
