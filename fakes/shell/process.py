"""A command as a function sees it that does its work."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence

Writer = Callable[[bytes], None]
"""Takes a piece of what a command prints."""

_HIGHEST_CODE = 255
_FAILED = 1


class ProcessStoppedError(BaseException):
    """A command was stopped: it unwinds the function that does its work, past any `except`."""


class CommandRefusedError(Exception):
    """No rule is meant for a command, and the policy is to refuse it."""


class _Input(io.RawIOBase):
    """What is sent to a command, which waits for it."""

    def __init__(self, waits: threading.Event) -> None:
        self._waits = waits
        self._pieces = bytearray()
        self._ended = False
        self._stopped = False
        self._changed = threading.Condition()
        self._watchers: list[Callable[[], None]] = []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as readers give it
        with self._changed:
            while not (self._pieces or self._ended or self._stopped):
                self._waits.set()
                self._changed.wait()
            if self._stopped:
                raise ProcessStoppedError
            size = min(len(buffer), len(self._pieces))
            buffer[:size] = self._pieces[:size]
            del self._pieces[:size]
            return size

    def watch(self, watcher: Callable[[], None]) -> None:
        with self._changed:
            self._watchers.append(watcher)

    def take(self, size: int) -> bytes | None:
        with self._changed:
            if not (self._pieces or self._ended):
                return None
            data = bytes(self._pieces[:size])
            del self._pieces[:size]
            return data

    def feed(self, data: bytes) -> None:
        with self._changed:
            self._pieces += data
            self._changed.notify_all()
        self._tell()

    def end(self, *, stopped: bool = False) -> None:
        with self._changed:
            self._ended = True
            self._stopped = self._stopped or stopped
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        # Whoever watches takes locks of his own, so none is held here.
        for watcher in list(self._watchers):
            watcher()


class Process:
    """A command at work.

    Attributes:
        command: its words; of a RUN, with the shell that it is handed to.
        environment: its variables; `HOME` is that of its account.
        user: as it was asked for; empty for root.
        working_dir: an absolute path.
        stdin: what it is sent, as a binary file; reading waits.
        files: the files that it sees by their absolute paths. Values are bytes; text that is
            assigned is encoded as UTF-8. A path that ends with `/` makes a folder.
        settled: set when it has ended, or waits for the first time.

    Args:
        stdout: takes what is printed.
        stderr: takes what is printed to standard error.
        takes_input: something may be sent to it; else its standard input is empty.
        stdin: where its standard input comes from, if it is not sent.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        user: str,
        working_dir: str,
        files: MutableMapping[str, bytes],
        stdout: Writer,
        stderr: Writer,
        takes_input: bool = False,
        stdin: io.RawIOBase | None = None,
    ) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self.user = user
        self.working_dir = working_dir
        self.files = files
        self._stdout = stdout
        self._stderr = stderr
        self._stopped = threading.Event()
        self.settled = threading.Event()
        self._input = _Input(self.settled)
        self._takes_input = takes_input
        self.stdin = io.BufferedReader(self._input if stdin is None else stdin)
        if not takes_input:
            self._input.end()

    def print(self, text: str | bytes = "", end: str = "\n") -> None:
        """Print to standard output.

        Raises:
            ProcessStoppedError: the command was stopped.
        """
        self._write(self._stdout, text, end)

    def print_error(self, text: str | bytes = "", end: str = "\n") -> None:
        """Print to standard error; as `print`."""
        self._write(self._stderr, text, end)

    def _write(self, writer: Writer, text: str | bytes, end: str) -> None:
        self.sleep(0)
        data = text.encode() if isinstance(text, str) else text
        writer(data + end.encode())

    def sleep(self, seconds: float | None) -> None:
        """Wait; without end for `None`.

        Raises:
            ProcessStoppedError: the command is stopped meanwhile.
        """
        if seconds != 0:
            self.settled.set()
        if self._stopped.wait(seconds):
            raise ProcessStoppedError

    @property
    def stopped(self) -> bool:
        """Whether the command is to end."""
        return self._stopped.is_set()

    # --- the side of who evaluates it -----------------------------------------

    @property
    def takes_input(self) -> bool:
        """Whether something may be sent to it."""
        return self._takes_input

    def take_input(self, size: int) -> bytes | None:
        """Take what was sent, so many bytes at most; `b""` at the end, `None` if more may come."""
        return self._input.take(size)

    def emit(self, data: bytes, stream: int) -> None:
        """Print bytes to standard output (1) or standard error (2), also when it was stopped."""
        (self._stdout if stream == 1 else self._stderr)(data)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have a function called when something is sent to it, and when it is to end."""
        self._input.watch(watcher)

    # --- the side of the engine -----------------------------------------------

    def feed(self, data: bytes) -> None:
        """Send something to its standard input."""
        self._input.feed(data)

    def end_input(self) -> None:
        """Say that nothing more is sent."""
        self._input.end()

    def stop(self) -> None:
        """Stop the command, wherever it waits."""
        self._stopped.set()
        self._input.end(stopped=True)


Work = Callable[[Process], "int | None"]
"""Does the work of a command; its result is the exit code, `None` for 0."""


def run(work: Work, process: Process) -> int:
    """Let a function do a command's work; the exit code.

    A function that raises makes a command that fails, whose standard error has the reason.

    Raises:
        ProcessStoppedError: it was stopped.
        CommandRefusedError: it starts what the policy refuses.
    """
    try:
        code = work(process)
    except CommandRefusedError:
        raise
    except Exception as error:
        words = f"the function of a rule failed: {type(error).__name__}: {error}"
        process.print_error(f"fake engine: {words}")
        return _FAILED
    if code is None:
        return 0
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= _HIGHEST_CODE:
        process.print_error(
            f"fake engine: the function of a rule returned {code!r}, which is no exit code (0 to "
            f"{_HIGHEST_CODE}, or None for 0)"
        )
        return _FAILED
    return code
