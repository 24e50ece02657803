"""The words of an expression, and how it is told that they are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....accounts import Accounts
from ....endings import ProcessExit
from ...options import usage
from .visit import Search

if TYPE_CHECKING:
    from ....process import Process


class Arguments:
    """Reads the words of an expression.

    Args:
        process: the process of the program.
        words: the expression.
        search: what the expression says about the walk.
    """

    def __init__(self, process: Process, words: list[str], search: Search) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._words = words
        self._position = 0
        self._search = search
        self._accounts = Accounts.read(process)

    def _wrong(self, message: str) -> ProcessExit:
        if self._busybox:
            return usage(self._process, message)
        self._process.complain(message)
        return ProcessExit(1)

    def _peek(self) -> str | None:
        return self._words[self._position] if self._position < len(self._words) else None

    def _take(self, of: str) -> str:
        if self._position >= len(self._words):
            if self._busybox:
                raise usage(
                    self._process,
                    f"requires an argument: {of}",
                )
            raise self._wrong(f"missing argument to `{of}'")
        self._position += 1
        return self._words[self._position - 1]

    def _complain(self, path: str, error: OSError) -> None:
        """Say why a file cannot be looked at."""
        self._process.complain(self._shown(path, error.strerror))
        self._search.code = 1

    def _shown(self, name: str, reason: str | None) -> str:
        return f"{name}: {reason}" if self._busybox else f"'{name}': {reason}"
