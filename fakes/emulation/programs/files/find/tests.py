"""The tests of an expression."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ....shell.patterns import compile_pattern
from ...machine.dates import DateError, parse_date
from ...text.expressions import compile_expression
from ..modes import symbolic_mode
from .arguments import Arguments
from .visit import TYPES, Test, Visit

if TYPE_CHECKING:
    from ....file_system import Status

_UNITS = {"c": 1, "w": 2, "b": 512, "k": 1024, "M": 1 << 20, "G": 1 << 30, "": 512}


class Tests(Arguments):
    """Makes tests of words."""

    _extended = False

    def _name(self, word: str, *, ignore_case: bool) -> Test:
        pattern = compile_pattern([(self._take(word), False)], ignore_case=ignore_case)
        return lambda visit: (
            pattern.match(posixpath.basename(visit.path.rstrip("/")) or "/") is not None
        )

    def _path(self, word: str, *, ignore_case: bool) -> Test:
        pattern = compile_pattern([(self._take(word), False)], ignore_case=ignore_case)
        return lambda visit: pattern.match(visit.path) is not None

    def _regex(self, word: str, *, ignore_case: bool = False) -> Test:
        source = self._take(word)
        pattern = compile_expression(source, extended=self._extended, ignore_case=ignore_case)
        return lambda visit: pattern.fullmatch(visit.path) is not None

    def _lname(self, word: str) -> Test:
        pattern = compile_pattern([(self._take(word), False)])

        def test(visit: Visit) -> bool:
            files = self._process.system.files
            return (
                visit.status.kind == "symlink"
                and pattern.match(files.read_link(self._process, visit.path)) is not None
            )

        return test

    def _type(self, word: str) -> Test:
        letters = self._take(word).split(",")
        if any(letter not in TYPES for letter in letters):
            raise self._wrong(f"Unknown argument to -type: {letters[0][:1]}")
        kinds = [TYPES[letter] for letter in letters]
        return lambda visit: visit.status.kind in kinds

    def _size(self, word: str) -> Test:
        text = self._take(word)
        match = re.fullmatch(r"([-+]?)(\d+)([cwbkMG]?)", text)
        if match is None:
            raise self._wrong(f"Invalid argument `{text}' to -size")
        unit = _UNITS[match[3]]

        def test(visit: Visit) -> bool:
            size = visit.status.size
            if self._busybox:
                return (
                    _compare(match[1] + str(int(match[2]) * unit), size)
                    if match[1]
                    else -(-size // unit) == int(match[2])
                )
            return _compare(match[1] + match[2], -(-size // unit))

        return test

    def _empty(self, visit: Visit) -> bool:
        if visit.status.kind == "file":
            return not visit.status.size
        if visit.status.kind == "dir":
            try:
                return not self._process.system.files.names(self._process, visit.path)
            except OSError:
                return False
        return False

    def _permission(self, word: str) -> Test:
        text = self._take(word)
        kind = text[0] if text[:1] in ("-", "/", "+") else ""
        mode = symbolic_mode(text[len(kind) :], 0, is_folder=False, umask=0)
        if mode is None:
            raise self._wrong(f"invalid mode `{text}'")
        if kind == "-":
            return lambda visit: visit.status.mode & mode == mode
        if kind:
            return lambda visit: not mode or bool(visit.status.mode & mode)
        return lambda visit: visit.status.mode == mode

    def _owner(self, word: str, *, is_group: bool) -> Test:
        name = self._take(word)
        number = self._number_of(name, is_group=is_group)
        if number is None and self._busybox:
            raise self._process.fail(f"unknown {'group' if is_group else 'user'} {name}")
        if number is None:
            what = "an existing group" if is_group else "a known user"
            raise self._wrong(f"'{name}' is not the name of {what}")
        if is_group:
            return lambda visit: visit.status.gid == number
        return lambda visit: visit.status.uid == number

    def _number_of(self, name: str, *, is_group: bool) -> int | None:
        if is_group:
            group = self._accounts.group(name)
            found = None if group is None else group.gid
        else:
            user = self._accounts.user(name)
            found = None if user is None else user.uid
        return int(name) if found is None and name.isdigit() else found

    def _number(self, word: str, read: Callable[[Status], int]) -> Test:
        text = self._take(word)
        return lambda visit: _compare(text, read(visit.status))

    def _newer(self, word: str) -> Test:
        path = self._take(word)
        try:
            other = self._process.system.files.status(self._process, path)
        except OSError as error:
            raise self._process.fail(self._shown(path, error.strerror)) from error
        return lambda visit: (
            (visit.status.mtime, visit.status.nanoseconds) > (other.mtime, other.nanoseconds)
        )

    def _newer_time(self, word: str) -> Test:
        try:
            moment = parse_date(self._take(word), self._process.system.now())
        except DateError as error:
            raise self._wrong(
                "I cannot figure out how to interpret that as a date or time"
            ) from error
        return lambda visit: visit.status.mtime > moment

    def _age(self, word: str, unit: int) -> Test:
        text = self._take(word)
        now = self._process.system.now()
        return lambda visit: _compare(text, (now - visit.status.mtime) // unit)

    def _same(self, word: str) -> Test:
        inode = self._process.system.files.status(self._process, self._take(word)).inode
        return lambda visit: visit.status.inode == inode

    def _may(self, wanted: int) -> Test:
        files = self._process.system.files
        return lambda visit: files.may(self._process, visit.path, wanted)


def _compare(text: str, value: float) -> bool:
    """Tell whether a value is what `5`, `+5` or `-5` asks for."""
    number = float(text.lstrip("+-"))
    if text[0] == "+":
        return value > number
    return value < number if text[0] == "-" else value == number
