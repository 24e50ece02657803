"""What ends processes, past any `except` for errors."""

from __future__ import annotations


class ProcessExit(BaseException):
    """Ends a process with an exit code, past any `except`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code & 0xFF


class SignalledError(BaseException):
    """Ends a process by a signal."""

    def __init__(self, signal: int, process: object = None) -> None:
        super().__init__(signal)
        self.signal = signal
        self.process = process


class BoundReachedError(BaseException):
    """Ends everything: commands did more than they may."""
