"""The record that is worked on, and its fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .values import from_outside

if TYPE_CHECKING:
    from ....process import Process
    from .variables import Variables

_MOST_FIELDS = 32_767
"""More than mawk has."""


class Record:
    """`$0` and its fields, which are split when one is asked for.

    Args:
        process: the process of the program.
        variables: those of the program, of which it reads `FS`, `OFS` and `RS`.
    """

    def __init__(self, process: Process, variables: Variables) -> None:
        self._process = process
        self._variables = variables
        self._fields: list[str] | None = []
        self.text = ""

    def replace(self, text: str) -> None:
        """Take another record."""
        self.text = text
        self._fields = None

    @property
    def fields(self) -> list[str]:
        """Its fields."""
        if self._fields is None:
            self._fields = self.split(self.text, self._variables.text_of("FS"))
        return self._fields

    def get(self, number: int) -> str:
        """Return a field, or the record for 0; empty where there are fewer.

        Raises:
            ProcessExit: the number is below 0.
        """
        if number < 0:
            raise self._process.fail(f"attempt to access field {number}", 2)
        if number == 0:
            return from_outside(self.text)
        return from_outside(self.fields[number - 1]) if number <= len(self.fields) else ""

    def set(self, number: int, value: str) -> None:
        """Change a field, or the record for 0.

        Raises:
            ProcessExit: there can be no such field.
        """
        if number == 0:
            self.replace(value)
            return
        count = len(self.fields)
        self._resize(max(number, count) if number > 0 else number)
        self.fields[number - 1] = value
        self._join()

    def set_count(self, count: int) -> None:
        """Change the number of fields.

        Raises:
            ProcessExit: there cannot be so many.
        """
        self._resize(count)
        self._join()

    def _resize(self, count: int) -> None:
        if not 0 <= count <= _MOST_FIELDS:
            raise self._process.fail(f"program limit exceeded: {count} fields", 2)
        fields = self.fields
        del fields[count:]
        fields += [""] * (count - len(fields))

    def _join(self) -> None:
        self.text = self._variables.text_of("OFS").join(self.fields)

    def split(self, text: str, separator: str) -> list[str]:
        """Split a text as a record is split into fields."""
        if not text:
            return []
        if separator == " ":
            return text.split()
        if separator == "":
            return list(text)
        if len(separator) == 1 and separator != "\\":
            parts = text.split(separator)
            if self._variables.text_of("RS") == "":
                parts = [piece for part in parts for piece in part.split("\n")]
            return parts
        return split_at(self._variables.regex(separator), text)


def split_at(pattern: re.Pattern[str], text: str) -> list[str]:
    """Return what stands between the matches that are not empty."""
    parts, last = [], 0
    for match in pattern.finditer(text):
        if match.end() > match.start():
            parts.append(text[last : match.start()])
            last = match.end()
    return [*parts, text[last:]]
