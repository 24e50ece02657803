"""What leaves loops, functions and commands."""

from __future__ import annotations


class BreakLoop(BaseException):
    """Leaves so many loops."""

    def __init__(self, levels: int) -> None:
        super().__init__(levels)
        self.levels = levels


class ContinueLoop(BaseException):
    """Goes on with the next round of the loop that is so many levels above."""

    def __init__(self, levels: int) -> None:
        super().__init__(levels)
        self.levels = levels


class FunctionReturn(BaseException):
    """Leaves a function, or a script that was read by `.`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ExpansionError(Exception):
    """A word that cannot be expanded: the command, and a script, end by it."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
