"""A process of the emulated system: what a program is handed, and how it ends.

It is longer because processes, what they have in common and the programs name each other.
"""

from __future__ import annotations

import errno
import posixpath
import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from . import signals
from .credentials import Credentials
from .endings import BoundReachedError, ProcessExit, SignalledError
from .file_system import FileSystem
from .open_files import Collector, OpenFile, failure
from .streams import Streams, error_text

_LONGEST_LOOK = 0.5
FOLDERS = ("", "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
"""Where programs are that need no files."""


@dataclass(frozen=True)
class Bounds:
    """How much commands may do until they are ended.

    Attributes:
        steps: of work without waiting in between, as a loop makes them.
        output: bytes that are written in all.
        processes: at work at the same time.
        depth: of calls in each other.
    """

    steps: int = 3_000_000
    output: int = 64 * 1024 * 1024
    processes: int = 400
    depth: int = 60


class Machine(ABC):
    """What processes have in common; `System` is the one that there is.

    Attributes:
        files: what they see.
        programs: what they can run.
        hostname: the container's name for itself.
        now: the time, in seconds since the epoch.
        monotonic: a clock for what takes time, in seconds.
        bounds: how much they may do.
        random: the source of what is by chance.
        changed: the lock of all that processes wait for.
        processes: those that are known, by their numbers.
        reached: the bound by which all has ended.
        on_sleep: called when a process begins to sleep, or to wait for input from outside.
        evaluated: how many programs and built-in commands were run that the system knows.
    """

    files: FileSystem
    programs: Programs
    hostname: str
    now: Callable[[], float]
    monotonic: Callable[[], float]
    bounds: Bounds
    random: random.Random
    changed: threading.Condition
    processes: dict[int, Process]
    reached: BoundReachedError | None
    on_sleep: Callable[[], None]
    evaluated: int
    is_frozen: bool

    @abstractmethod
    def next_number(self) -> int:
        """Return a number that no process had yet."""

    @abstractmethod
    def add(self, process: Process) -> None:
        """Let a process be known by its number.

        Raises:
            BoundReachedError: there are too many.
        """

    @abstractmethod
    def forget(self, process: Process) -> None:
        """Let the number of a process be unknown, once somebody has heard how it ended."""

    @abstractmethod
    def kill(self, number: int, signal: int) -> bool:
        """Send a signal to a process; whether there is one."""

    @abstractmethod
    def stop(self, signal: int = signals.KILL) -> None:
        """End every process, wherever it waits."""

    @abstractmethod
    def end_at(self, error: BoundReachedError) -> None:
        """End every process, as commands did more than they may."""

    @abstractmethod
    def wake(self) -> None:
        """Let those who wait look again."""

    @abstractmethod
    def count_output(self, size: int) -> None:
        """Count bytes that are written.

        Raises:
            BoundReachedError: they are too many.
        """


def _nothing() -> None:
    """Wait for nothing that a signal would have to end."""


class Process(Streams):
    """A process.

    Attributes:
        system: the system that it is part of.
        number: its number (PID).
        arguments: its words; the first is the program's name.
        asked: the words by which a script was started whose interpreter it is; empty for others.
        environment: its variables.
        credentials: who it works for.
        working_dir: an absolute path, as `pwd` shows it.
        umask: bits that new files do not get.
        descriptors: what is open.
        ignored: signals that it does not hear.
        hears: a shell's traps: signals that it is told of instead of ending by them.
        ends_by_signals: it has asked for the signals that end processes, to end in order by them:
            they do so also when it is process 1.
        interrupt: ends what it waits for outside the system when a signal comes.
    """

    def __init__(
        self,
        system: Machine,
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
        self.asked: list[str] = []
        self.environment = dict(environment)
        self.credentials = credentials
        self.working_dir = working_dir
        self.umask: int = parent.umask if parent else 0o022
        self.limits: dict[str, str] = dict(parent.limits) if parent else {}
        self.descriptors: dict[int, OpenFile] = {}
        self.ignored: set[int] = set(parent.ignored) if parent else set()
        self.hears: set[int] = set()
        self.ends_by_signals = False
        self.heard: list[int] = []
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.status: int | None = None
        self.ended_by = 0
        self._pending: list[int] = []
        self._steps = 0
        self._buffer = bytearray()
        self.runs_within: Process | None = None
        self.interrupt: Callable[[], None] = _nothing
        self.has_thread = False

    # --- what system calls ask for ------------------------------------------------

    @property
    def changed(self) -> threading.Condition:
        """The lock of all that processes wait for."""
        return self.system.changed

    def count_output(self, size: int) -> None:
        """Count bytes that are written.

        Raises:
            BoundReachedError: they are too many.
        """
        self.system.count_output(size)

    def hold(self, text: str) -> str:
        """Return a text that has grown.

        Raises:
            BoundReachedError: it is longer than all that may be written.
        """
        if len(text) > self.system.bounds.output:
            raise BoundReachedError(f"a text of {self.system.bounds.output} bytes")
        return text

    def random_bytes(self, size: int) -> bytes:
        """Return so many bytes by chance."""
        return self.system.random.randbytes(size)

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.system.now()

    def wake(self) -> None:
        """Let those who wait look again."""
        self.system.wake()

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
        except RecursionError as error:
            raise BoundReachedError("calls within each other, deeper than there is room") from error
        except SignalledError as ended:
            self.ended_by = ended.signal
            code = 128 + ended.signal
            if ended.process is not None and ended.process is not self:
                raise
        except ProcessExit as ended:
            code = ended.code
        finally:
            self.end(code)
        if self.parent is None and self.system.reached is not None:
            raise self.system.reached
        return code

    @property
    def exit_code(self) -> int:
        """How it ended.

        Raises:
            RuntimeError: it has not ended.
        """
        if self.status is None:
            raise RuntimeError(f"process {self.number} has not ended")
        return self.status

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
            self.interrupt()

    def step(self) -> None:
        """Count a step, and hear signals.

        Raises:
            SignalledError: one ends it.
            BoundReachedError: it has done too much.
        """
        self._steps += 1
        if self._steps > self.system.bounds.steps:
            raise BoundReachedError(f"{self.system.bounds.steps} steps without waiting")
        if self.system.is_frozen:
            with self.system.changed:
                while self._is_held():
                    self.system.changed.wait(_LONGEST_LOOK)
        process: Process | None = self
        while process is not None:
            if process._pending:
                process._hear()
            process = process.runs_within

    def _is_held(self) -> bool:
        """Whether it makes no progress: all are frozen, and nobody has killed it."""
        if not self.system.is_frozen:
            return False
        process: Process | None = self
        while process is not None:
            if signals.KILL in process._pending:
                return False
            process = process.runs_within
        return True

    def is_ended_by(self, signal: int) -> bool:
        """Return whether a signal ends it that it does not hear: process 1 is spared by most."""
        if signal in self.ignored or not signals.ends_process(signal):
            return False
        return self.number != 1 or (self.ends_by_signals and signal != signals.INT)

    def _hear(self) -> bool:
        """Deal with signals that came; whether one is to be told of."""
        told = False
        while self._pending:
            signal = self._pending.pop(0)
            if signal in self.hears and signal != signals.KILL:
                self.heard.append(signal)
                told = True
            elif signal == signals.KILL or self.is_ended_by(signal):
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
                if self._is_held():
                    system.changed.wait(_LONGEST_LOOK)
                    continue
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
        self.system.on_sleep()
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

    def capture(self, work: Callable[[Process], int]) -> tuple[int, bytes]:
        """Let a forked process work, and collect what it prints."""
        child = self.fork()
        collector = Collector()
        child.set_descriptor(1, collector)
        code = child.run(lambda: work(child))
        self.system.forget(child)
        return code, bytes(collector.data)


Main = Callable[[Process], int]
"""Does the work of a program; its exit code."""


@dataclass
class Programs:
    """Which programs a system knows, and who wrote them: busybox, or GNU and Debian.

    Attributes:
        is_busybox: whether busybox's are meant, not GNU's.
        known: by their names.
        need_no_files: those that are known can be run though no file of the tree is one.
        has_other: whether somebody else does the work of a program that has no file, by who starts
            it and its words.
        run_other: does the work of a program that nobody here knows; `None` where it was not done.
    """

    is_busybox: bool
    known: dict[str, Main] = field(default_factory=dict)
    need_no_files: bool = False
    has_other: Callable[[Process, Sequence[str]], bool] = lambda _process, _words: False
    run_other: Callable[[Process], int | None] = lambda _process: None

    def find(self, name: str) -> Main | None:
        """Return a program by its name."""
        return self.known.get(name)

    def has_without_file(self, process: Process, path: str, words: Sequence[str]) -> bool:
        """Tell whether something can be run that no file of the tree is.

        Args:
            process: who starts it.
            path: its name or path.
            words: of the command; empty where something is only looked up.
        """
        folder, _, name = path.rpartition("/")
        if self.need_no_files and name in self.known and folder in FOLDERS:
            return True
        return bool(words) and self.has_other(process, words)
