"""A process of the emulated system: what a program is handed, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from . import signals
from .open_files import Collector, OpenFile, failure, make_pipe

if TYPE_CHECKING:
    from .system import System

_PIECE = 65_536
_LONGEST_LOOK = 0.5


class Credentials(NamedTuple):
    """Who a process works for."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()

    def is_in(self, gid: int) -> bool:
        """Tell whether a group is one of its."""
        return gid == self.gid or gid in self.groups


class ProcessExit(BaseException):
    """Ends a process with an exit code, past any `except`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code & 0xFF


class SignalledError(BaseException):
    """Ends a process by a signal."""

    def __init__(self, signal: int, process: Process | None = None) -> None:
        super().__init__(signal)
        self.signal = signal
        self.process = process


class BoundReachedError(BaseException):
    """Ends everything: commands did more than they may."""


class Process:
    """A process.

    Attributes:
        system: the system that it is part of.
        number: its number (PID).
        arguments: its words; the first is the program's name.
        environment: its variables.
        credentials: who it works for.
        working_dir: an absolute path, as `pwd` shows it.
        umask: bits that new files do not get.
        descriptors: what is open.
        ignored: signals that it does not hear.
        hears: a shell's traps: signals that it is told of instead of ending by them.
    """

    def __init__(
        self,
        system: System,
        number: int,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        credentials: Credentials,
        working_dir: str,
        parent: Process | None = None,
    ) -> None:
        self.system = system
        self.number = number
        self.arguments = list(arguments)
        self.environment = dict(environment)
        self.credentials = credentials
        self.working_dir = working_dir
        self.umask: int = parent.umask if parent else 0o022
        self.limits: dict[str, str] = dict(parent.limits) if parent else {}
        self.descriptors: dict[int, OpenFile] = {}
        self.ignored: set[int] = set(parent.ignored) if parent else set()
        self.hears: set[int] = set()
        self.heard: list[int] = []
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.status: int | None = None
        self.ended_by = 0
        self._pending: list[int] = []
        self._steps = 0
        self._buffer = bytearray()
        self.runs_within: Process | None = None
        self.has_thread = False

    # --- life -------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What its messages begin with."""
        return posixpath.basename(self.arguments[0]) if self.arguments else ""

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, and how is known."""
        return self.status is not None

    def fork(self, arguments: Sequence[str] | None = None) -> Process:
        """Make a process that has the same open, and begins where this one is.

        Raises:
            BoundReachedError: processes start each other without end.
        """
        if self.depth >= self.system.bounds.depth:
            raise BoundReachedError(f"{self.system.bounds.depth} processes within each other")
        child = Process(
            self.system,
            self.system.next_number(),
            self.arguments if arguments is None else arguments,
            environment=self.environment,
            credentials=self.credentials,
            working_dir=self.working_dir,
            parent=self,
        )
        for number, opened in self.descriptors.items():
            child.descriptors[number] = opened.retain()
        self.system.add(child)
        return child

    def run(self, work: Callable[[], int]) -> int:
        """Do its work in this thread, to its end; the status as a shell sees it.

        Raises:
            BoundReachedError: it did more than it may.
        """
        code = 1
        if self.parent is not None and not self.has_thread:
            self.runs_within = self.parent
        try:
            try:
                code = work() & 0xFF
                self.flush()
            except ProcessExit as ended:
                code = ended.code
                self.flush()
            except OSError as error:  # a program that leaves it to us to say so
                self.complain(error_text(error))
                code = 1
        except SignalledError as ended:
            self.ended_by = ended.signal
            code = 128 + ended.signal
            if ended.process is not None and ended.process is not self:
                raise
        except ProcessExit as ended:
            code = ended.code
        finally:
            self.end(code)
        return code

    def end(self, code: int) -> None:
        """Close what it has open, and let its end be known."""
        for opened in list(self.descriptors.values()):
            opened.release()
        self.descriptors.clear()
        with self.system.changed:
            self.status = code
            if self.parent is None:
                self.system.processes.pop(self.number, None)
            self.system.changed.notify_all()

    def start_thread(
        self, work: Callable[[], int], on_bound: Callable[[BaseException], None]
    ) -> None:
        """Do its work in a thread of its own."""

        def run() -> None:
            try:
                self.run(work)
            except BaseException as error:
                on_bound(error)

        self.has_thread = True
        thread = threading.Thread(target=run, name="emulated-process", daemon=True)
        self.thread = thread
        thread.start()

    # --- signals and waiting ----------------------------------------------------

    def receive(self, signal: int) -> None:
        """Note a signal; the caller has the system's lock."""
        if signal == signals.KILL or signal not in self.ignored:
            self._pending.append(signal)

    def step(self) -> None:
        """Count a step, and hear signals.

        Raises:
            SignalledError: one ends it.
            BoundReachedError: it has done too much.
        """
        self._steps += 1
        if self._steps > self.system.bounds.steps:
            raise BoundReachedError(f"{self.system.bounds.steps} steps without waiting")
        process: Process | None = self
        while process is not None:
            if process._pending:
                process._hear()
            process = process.runs_within

    def _hear(self) -> bool:
        """Deal with signals that came; whether one is to be told of."""
        told = False
        while self._pending:
            signal = self._pending.pop(0)
            if signal in self.hears and signal != signals.KILL:
                self.heard.append(signal)
                told = True
            elif signal == signals.KILL or (
                signals.ends_process(signal) and signal not in self.ignored and self.number != 1
            ):
                raise SignalledError(signal, self)
        return told

    def wait_for(
        self,
        is_so: Callable[[], bool],
        seconds: float | None = None,
        *,
        told_is_enough: bool = False,
    ) -> bool:
        """Wait until something is so; whether it is.

        Args:
            is_so: asked with the system's lock, whenever something has changed.
            seconds: the longest wait.
            told_is_enough: return early when a signal came that the process hears.

        Raises:
            SignalledError: a signal ends it meanwhile.
        """
        system = self.system
        end = None if seconds is None else system.monotonic() + seconds
        with system.changed:
            while True:
                if self._pending and self._hear() and told_is_enough:
                    return is_so()
                if self.runs_within is not None:
                    self.step()
                if is_so():
                    return True
                left = _LONGEST_LOOK
                if end is not None:
                    left = min(left, end - system.monotonic())
                    if left <= 0:
                        return False
                self._steps = 0
                system.changed.wait(left)

    def sleep(self, seconds: float | None, *, told_is_enough: bool = False) -> None:
        """Wait; without end for `None`."""
        self.wait_for(
            lambda: bool(self.heard) and told_is_enough, seconds, told_is_enough=told_is_enough
        )

    def broken_pipe(self) -> None:
        """Write into a pipe that nobody reads.

        Raises:
            SignalledError: that ends it.
            OSError: it does not mind the signal.
        """
        if signals.PIPE not in self.ignored and signals.PIPE not in self.hears:
            raise SignalledError(signals.PIPE, self)
        raise failure(errno.EPIPE)

    # --- descriptors ------------------------------------------------------------

    def set_descriptor(self, number: int, opened: OpenFile | None) -> None:
        """Let a descriptor lead elsewhere; `None` closes it."""
        if opened is not None:
            opened.retain()
        old = self.descriptors.pop(number, None)
        if opened is not None:
            self.descriptors[number] = opened
        if old is not None:
            old.release()

    def descriptor(self, number: int) -> OpenFile:
        """Return what a descriptor leads to.

        Raises:
            OSError: it is not open.
        """
        try:
            return self.descriptors[number]
        except KeyError:
            raise failure(errno.EBADF) from None

    def pipe(self) -> tuple[OpenFile, OpenFile]:
        """Make a pipe: its end to read, and its end to write to."""
        return make_pipe(self.system.wake)

    # --- what programs do with text -----------------------------------------------

    def print(self, text: str) -> None:
        """Print to standard output; it may wait until there is more, or the program ends."""
        self._buffer += text.encode("latin-1")
        if len(self._buffer) >= _PIECE:
            self.flush()

    def write(self, data: bytes) -> None:
        """As `print`, of bytes."""
        self._buffer += data
        if len(self._buffer) >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Let what was printed be seen."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            self.descriptor(1).write(self, data)

    def drop_output(self) -> None:
        """Forget what could not be printed."""
        self._buffer.clear()

    def print_error(self, text: str) -> None:
        """Print to standard error, at once; where that is closed, nothing is said."""
        opened = self.descriptors.get(2)
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.write(self, text.encode("latin-1", "replace"))

    def complain(self, message: str) -> None:
        """Say what is wrong, after the program's name, on a line of standard error."""
        self.print_error(f"{self.name}: {message}\n")

    def fail(self, message: str, code: int = 1) -> ProcessExit:
        """Say what is wrong; the exception that ends the program."""
        self.complain(message)
        return ProcessExit(code)

    def read(self, size: int = _PIECE, number: int = 0) -> bytes:
        """Read what is there; nothing at the end."""
        return self.descriptor(number).read(self, size)

    def read_all(self, number: int = 0) -> bytes:
        """Read to the end."""
        pieces = []
        while piece := self.read(number=number):
            pieces.append(piece)
        return b"".join(pieces)

    def capture(self, work: Callable[[Process], int]) -> tuple[int, bytes]:
        """Let a forked process work, and collect what it prints."""
        child = self.fork()
        collector = Collector()
        child.set_descriptor(1, collector)
        code = child.run(lambda: work(child))
        self.system.forget(child)
        return code, bytes(collector.data)


def error_text(error: OSError) -> str:
    """Say what a failed system call means, as programs do."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror}"
