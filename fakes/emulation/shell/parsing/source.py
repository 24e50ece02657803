"""A script, and where its reading stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..syntax import ScriptError

if TYPE_CHECKING:
    from ..dialect import Dialect


class SourceReader:
    """Reads letters.

    Args:
        source: the script.
        dialect: the shell's ways.
        line: the number of the first line.
    """

    def __init__(self, source: str, dialect: Dialect, line: int = 1) -> None:
        self._source = source
        self._position = 0
        self.dialect = dialect
        self.line = line

    @property
    def rest(self) -> str:
        """What was not read yet."""
        return self._source[self._position :]

    def _at_end(self) -> bool:
        return self._position >= len(self._source)

    def _peek(self) -> str:
        return self._source[self._position : self._position + 1]

    def _starts_with(self, text: str) -> bool:
        return self._source.startswith(text, self._position)

    def _skip_blanks(self) -> None:
        while self._position < len(self._source):
            letter = self._source[self._position]
            if letter in " \t":
                self._position += 1
            elif letter == "\\" and self._starts_with("\\\n"):
                self._position += 2
                self.line += 1
            else:
                return

    def _skip_comment(self) -> None:
        stop = self._source.find("\n", self._position)
        self._position = len(self._source) if stop < 0 else stop

    def _unclosed(self, quote: str) -> ScriptError:
        return ScriptError("", self.line, f"Unterminated quoted string|{quote}")
