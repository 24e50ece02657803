"""Which lines a command is for."""

from __future__ import annotations

import re

from .lines import Lines
from .script import Address, Command


class Selector:
    """Compares addresses with the line that was taken last.

    Args:
        lines: what is edited.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._last_pattern: re.Pattern[str] | None = None

    def pattern_or_last(self, pattern: re.Pattern[str] | None) -> re.Pattern[str] | None:
        """Return a pattern, or the one that was used last where it is empty."""
        self._last_pattern = pattern or self._last_pattern
        return self._last_pattern

    def selects(self, command: Command, space: str) -> bool:
        """Tell whether a command is for a line, whose text may have changed."""
        if command.first is None:
            return True
        if command.second is None:
            return self._matches(command.first, space)
        if command.active:
            return self._goes_on(command, command.second, space)
        if command.first.kind == "line" and command.first.number == 0:
            starts = self._lines.number == 1
            if starts and command.second.kind == "pattern" and self._matches(command.second, space):
                return True
        else:
            starts = self._matches(command.first, space)
        if not starts:
            return False
        self._begin(command, command.second)
        return True

    def _begin(self, command: Command, second: Address) -> None:
        """Begin a range, whose last line may be known already."""
        number = self._lines.number
        if second.kind == "line":
            command.last_line = second.number
        elif second.kind == "plus":
            command.last_line = number + second.number
        elif second.kind == "multiple":
            step = second.number
            command.last_line = -(-number // step) * step if step else number
        is_known = second.kind in ("line", "plus", "multiple")
        command.active = not (is_known and command.last_line <= number)

    def _goes_on(self, command: Command, second: Address, space: str) -> bool:
        """Tell whether a range that has begun has this line, and end it where it ends."""
        if second.kind in ("line", "plus", "multiple"):
            if self._lines.number >= command.last_line:
                command.active = False
                return self._lines.number == command.last_line
            return True
        if self._matches(second, space):
            command.active = False
        return True

    def _matches(self, address: Address, space: str) -> bool:
        if address.kind == "line":
            return self._lines.number == address.number
        if address.kind == "last":
            return self._lines.is_last
        if address.kind == "step":
            if not address.step:
                return self._lines.number == address.number
            return (
                self._lines.number >= address.number
                and not (self._lines.number - address.number) % address.step
            )
        if address.kind == "pattern":
            pattern = self.pattern_or_last(address.pattern)
            return pattern is not None and pattern.search(space) is not None
        return False
