"""A system of emulated processes: their numbers, signals, clock and bounds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import signals
from .endings import BoundReachedError
from .process import Bounds, Machine, Process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .credentials import Credentials
    from .file_system import FileSystem
    from .process import Programs


def _nothing() -> None:
    """Tell nobody."""


class System(Machine):
    """One container's processes.

    Args:
        files: what they see.
        programs: what they can run.
        hostname: the container's name for itself.
        now: the time, in seconds since the epoch.
        sleep: waits for so many seconds on the double's clock, or until the function says so.
        bounds: how much they may do.
        seed: of random numbers.

    Attributes:
        on_sleep: called when a process begins to sleep, or to wait for input from outside.
        evaluated: how many programs and built-in commands were run that the system knows.
        is_frozen: no process makes progress, as with a frozen cgroup: only a kill reaches it.
    """

    def __init__(
        self,
        files: FileSystem,
        programs: Programs,
        *,
        hostname: str = "box",
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        bounds: Bounds | None = None,
        seed: int = 0,
    ) -> None:
        self.files = files
        self.programs = programs
        self.hostname = hostname
        self.now = now
        self.monotonic = monotonic
        self.bounds = bounds or Bounds()
        self.random = random.Random(seed)  # noqa: S311  (the same at each run)
        self.changed = threading.Condition(threading.RLock())
        self.processes: dict[int, Process] = {}
        self.on_sleep: Callable[[], None] = _nothing
        self.evaluated = 0
        self._last_pid = 0
        self._output = 0
        self.reached: BoundReachedError | None = None
        self.is_frozen = False
        self._is_stopped = False

    # --- processes --------------------------------------------------------------

    def start(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        credentials: Credentials,
        working_dir: str = "/",
        number: int | None = None,
    ) -> Process:
        """Make a process that no other one started: a container's first, or an exec's."""
        process = Process(
            self,
            number or self.next_number(),
            arguments,
            environment=environment,
            credentials=credentials,
            working_dir=working_dir,
        )
        self.add(process)
        return process

    def next_number(self) -> int:
        """Return a number that no process had yet."""
        with self.changed:
            self._last_pid += 1
            return self._last_pid

    def add(self, process: Process) -> None:
        """Let a process be known by its number.

        Raises:
            BoundReachedError: there are too many.
        """
        with self.changed:
            if len(self.processes) >= self.bounds.processes:
                raise BoundReachedError(f"{self.bounds.processes} processes at the same time")
            self.processes[process.number] = process

    def forget(self, process: Process) -> None:
        """Let the number of a process be unknown, once somebody has heard how it ended."""
        with self.changed:
            self.processes.pop(process.number, None)
            self.changed.notify_all()

    def kill(self, number: int, signal: int) -> bool:
        """Send a signal to a process; whether there is one."""
        with self.changed:
            process = self.processes.get(number)
            if process is None:
                return False
            if not process.has_ended:
                process.receive(signal)
                self.changed.notify_all()
            return True

    def stop(self, signal: int = signals.KILL) -> None:
        """End every process, wherever it waits."""
        with self.changed:
            self._is_stopped = True
            for process in list(self.processes.values()):
                if not process.has_ended:
                    process.receive(signal)
            self.changed.notify_all()

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no process make progress, or let all go on; time goes on for those that sleep."""
        with self.changed:
            self.is_frozen = is_frozen
            self.changed.notify_all()

    def end_at(self, error: BoundReachedError) -> None:
        """End every process, as commands did more than they may."""
        with self.changed:
            self.reached = self.reached or error
        self.stop()

    def wake(self) -> None:
        """Let those who wait look again."""
        with self.changed:
            self.changed.notify_all()

    # --- bounds -----------------------------------------------------------------

    def count_output(self, size: int) -> None:
        """Count bytes that are written.

        Raises:
            BoundReachedError: they are too many.
        """
        self._output += size
        if self._output > self.bounds.output:
            raise BoundReachedError(f"{self.bounds.output} bytes of output")
