"""A machine whose commands an emulated shell evaluates, in this process and in memory."""

from __future__ import annotations

import errno
import posixpath
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..emulation import process as emulated
from ..emulation import signals
from ..emulation.accounts import Accounts
from ..emulation.credentials import Credentials
from ..emulation.endings import BoundReachedError, SignalledError
from ..emulation.file_system import FileSystem
from ..emulation.open_files import Device, OpenFile, Sink
from ..emulation.process import Bounds
from ..emulation.programs.lookup import Missing, find_program, run_program
from ..emulation.programs.table import make_programs
from ..emulation.system import System
from .emulated_files import EmulatedFiles
from .emulated_input import CommandInput, ProgramInput
from .emulated_programs import programs_of, reason_of, refusal_of
from .emulated_text import latin, text_of
from .emulated_users import credentials_of
from .machines import UNCONFINED, Confinement, Executed, OtherPrograms, StartRefusal
from .process import CommandRefusedError, Process, ProcessStoppedError
from .program_files import is_busybox_name, program_files

if TYPE_CHECKING:
    from ..emulation.file_table import FileTable


_KILLED = 137
_BOUNDS = Bounds(steps=1_000_000)
_MOST_LINES = 200_000
"""So many lines a machine prints at most: each is kept for logs."""
_SHELL_NAMES = frozenset(("sh", "ash", "dash", "bash", "busybox"))
_TOO_DEEP = "too many calls within each other"
_FIRST_SECONDS = 10.0
"""So long a command waits for the machine's own one, whose thread may be a little late."""
_LATE = 255
"""The exit code of what the kernel refuses after the runtime has looked at it."""


class EmulatedMachines:
    """Makes machines with an emulated shell."""

    def machine(
        self,
        table: FileTable,
        *,
        now: Callable[[], float],
        hostname: str,
        init: Sequence[str] = (),
        confinement: Confinement = UNCONFINED,
    ) -> EmulatedMachine:
        """Make a machine; see `Machines`."""
        return EmulatedMachine(
            table, now=now, hostname=hostname, init=init, confinement=confinement
        )

    def programs(self, image: str) -> Mapping[str, bytes]:
        """Return the programs that an image of some name has, by path without a leading slash."""
        is_busybox = is_busybox_name(image)
        return program_files(make_programs(is_busybox=is_busybox).known, is_busybox=is_busybox)


class EmulatedMachine:
    """The processes of one container or step; see `Machine`."""

    def __init__(
        self,
        table: FileTable,
        *,
        now: Callable[[], float],
        hostname: str,
        init: Sequence[str] = (),
        confinement: Confinement = UNCONFINED,
    ) -> None:
        self._confinement = confinement
        self.recorded: list[str] = []
        self.refused = ""
        self._others: dict[emulated.Process, OtherPrograms] = {}
        self._files = FileSystem(table, now)
        self._files.has_mounts = True
        self._ruled = 0
        self._shells = 0
        self._lines = 0
        self._first: emulated.Process | None = None
        programs, self._is_complete = programs_of(self._files, now)
        programs.has_other = self._has_other
        programs.run_other = self._run_other
        self._programs = programs
        self._system = System(
            self._files, programs, hostname=latin(hostname), now=now, bounds=_BOUNDS
        )
        if init:
            self.stand_in(init)
        self._first_is_there = threading.Event()
        self._first_is_there.set()

    # --- what was done ------------------------------------------------------------

    @property
    def executed(self) -> Executed | None:
        """By what its commands were done so far; `None` when all were only recorded."""
        if self._system.evaluated > self._shells or not (self._ruled or self.recorded):
            return "shell"
        return "rule" if self._ruled else None

    # --- starting -----------------------------------------------------------------

    def is_known(
        self, words: Sequence[str], environment: Mapping[str, str], other: OtherPrograms
    ) -> bool:
        """Return whether a command's own program is evaluated, or found missing."""
        with self._looking(words, environment, other) as looker:
            found = find_program(looker, looker.arguments[0], looker.environment.get("PATH"))
            if isinstance(found, Missing):
                return True
            if self._programs.find(posixpath.basename(found.path)) is not None:
                return True
            with suppress(OSError):
                return self._files.node(looker, found.path).read(0, 2) == b"#!"
            return False

    def refusal(self, process: Process, other: OtherPrograms) -> StartRefusal | None:
        """Return why a command cannot be started; `None` when it can."""
        credentials = self._who(process.user)
        folder, shown = latin(process.working_dir), process.working_dir
        with self._looking(process.command, process.environment, other) as looker:
            looker.credentials = credentials
            if self._files.kind(looker, folder) != "dir":
                is_there = self._files.exists(looker, folder)
                why = "not a directory" if is_there else "no such file or directory"
                return StartRefusal(
                    f'chdir to cwd ("{shown}") set in config.json failed: {why}',
                    127,
                    is_folder=True,
                )
            looker.working_dir = folder
            found = find_program(looker, looker.arguments[0], looker.environment.get("PATH"))
        return refusal_of(process.command[0], found) if isinstance(found, Missing) else None

    def expect_first(self) -> None:
        """Let further commands wait until the machine's own one is there; see `Machine`."""
        self._first_is_there.clear()

    def stand_in(self, words: Sequence[str]) -> None:
        """Let a process be there whose work something else does; see `Machine`."""
        self._system.start(
            [latin(word) for word in words],
            environment={},
            credentials=self._who(""),
        )

    def run(
        self,
        process: Process,
        other: OtherPrograms,
        *,
        groups: Sequence[str] = (),
        is_first: bool = False,
    ) -> int:
        """Do a command's work to its end; the exit code."""
        if not is_first:
            self._first_is_there.wait(_FIRST_SECONDS)
        started = self._system.start(
            [latin(word) for word in process.command],
            environment={latin(k): latin(v) for k, v in process.environment.items()},
            credentials=self._who(process.user, groups),
            working_dir=latin(process.working_dir),
        )
        started.limits.update(self._confinement.limits)
        if is_first:
            self._first = started
            self._first_is_there.set()
        self._others[started] = other
        self._open(started, process)
        if posixpath.basename(started.arguments[0]) in _SHELL_NAMES:
            self._shells += 1
        try:
            self._run(started, process)
        except (BoundReachedError, RecursionError) as reached:
            bound = reached if isinstance(reached, BoundReachedError) else _TOO_DEEP
            process.emit(f"fake engine: ended after {bound}\n".encode(), 2)
            self._system.stop()
            return _KILLED
        finally:
            if not started.has_ended:
                started.end(_KILLED)
            self._others.pop(started, None)
        return _KILLED if started.status is None else started.status

    def _run(self, started: emulated.Process, process: Process) -> None:
        name = started.arguments[0]
        found = find_program(started, name, started.environment.get("PATH"))
        missing = (
            found if isinstance(found, Missing) else run_program(started, found, on_script="sh")
        )
        if missing is None:
            return
        shown = process.command[0]
        why = "exec format error" if missing.error == errno.ENOEXEC else reason_of(missing.error)
        process.emit(f"exec {shown}: {why}\n".encode(), 2)
        started.end(_LATE)

    def _open(self, started: emulated.Process, process: Process) -> None:
        stdin: OpenFile = Device("null")
        if process.takes_input:
            stdin = CommandInput(process)
        started.set_descriptor(0, stdin)
        started.set_descriptor(1, Sink(lambda data: self._print(process, data, 1)))
        started.set_descriptor(2, Sink(lambda data: self._print(process, data, 2)))

        def look() -> None:
            if process.stopped:
                self._end(started)
            else:
                self._system.wake()

        process.watch(look)
        self._system.on_sleep = process.settled.set
        if process.stopped:
            self._end(started)

    def _print(self, process: Process, data: bytes, stream: int) -> None:
        self._lines += data.count(b"\n")
        if self._lines > _MOST_LINES:
            raise BoundReachedError(f"{_MOST_LINES} lines of output")
        process.emit(data, stream)

    def _end(self, started: emulated.Process) -> None:
        """Kill a process that was started from outside; the first takes all others with it."""
        if started is self._first:
            self._system.stop()
        else:
            self._system.kill(started.number, signals.KILL)

    # --- ending -------------------------------------------------------------------

    def signal(self, number: int) -> bool:
        """Send a signal to the first process; whether that does something about it."""
        first = self._first
        if first is None or first.has_ended:
            return False
        with self._system.changed:
            minds = number in first.hears and number not in first.ignored
            minds = minds or first.is_ended_by(number)
        self._system.kill(first.number, number)
        return minds or number == signals.KILL

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no process make progress, or let all go on."""
        self._system.freeze(is_frozen=is_frozen)

    def stop(self) -> None:
        """End all processes."""
        self._system.stop()

    # --- what is not known --------------------------------------------------------

    def _other_of(self, program: emulated.Process) -> OtherPrograms:
        while program not in self._others and program.parent is not None:
            program = program.parent
        # The command is over whose background job this is: nobody is left to ask.
        return self._others.get(program, _NOBODY)

    def _has_other(self, program: emulated.Process, words: Sequence[str]) -> bool:
        return self._other_of(program).has(text_of(words)) or not self._is_complete

    def _run_other(self, program: emulated.Process) -> int:
        words = text_of(program.asked or program.arguments)
        process = Process(
            words,
            environment=dict(
                zip(
                    text_of(list(program.environment)),
                    text_of(list(program.environment.values())),
                    strict=True,
                )
            ),
            user=f"{program.credentials.uid}:{program.credentials.gid}",
            working_dir=text_of([program.working_dir])[0],
            files=EmulatedFiles(self._files, self._root()),
            stdout=lambda data: program.descriptor(1).write(program, data),
            stderr=lambda data: program.descriptor(2).write(program, data),
            stdin=ProgramInput(program),
        )
        program.interrupt = process.stop
        try:
            code = self._other_of(program).run(process)
        except CommandRefusedError as error:
            self.refused = str(error)
            self._system.stop()
            raise SignalledError(signals.KILL, program) from error
        except ProcessStoppedError:
            program.step()
            return _KILLED
        finally:
            program.interrupt = lambda: None
        if code is None:
            self.recorded.append(" ".join(words))
            return 0
        self._ruled += 1
        return code

    # --- who ----------------------------------------------------------------------

    @contextmanager
    def _looking(
        self, words: Sequence[str], environment: Mapping[str, str], other: OtherPrograms
    ) -> Iterator[emulated.Process]:
        """Give who looks for a command's program."""
        looker = self._root()
        looker.arguments = [latin(word) for word in words]
        if (path := environment.get("PATH")) is not None:
            looker.environment = {"PATH": latin(path)}
        self._others[looker] = other
        try:
            yield looker
        finally:
            del self._others[looker]

    def _who(self, user: str, groups: Sequence[str] = ()) -> Credentials:
        """Return whom a command works for, without what the confinement takes away."""
        accounts = Accounts.read(self._root())
        found = credentials_of(accounts, user, groups)
        return found._replace(lacks=self._confinement.dropped)

    def _root(self) -> emulated.Process:
        """Return who looks at files for the machine itself; no process of its own."""
        return emulated.Process(
            self._system, 0, [""], environment={}, credentials=Credentials(), working_dir="/"
        )


class _Nobody:
    """Knows no programs."""

    def has(self, words: Sequence[str]) -> bool:  # noqa: ARG002  (it knows none)
        return False

    def run(self, process: Process) -> int | None:  # noqa: ARG002  (it knows none)
        return None


_NOBODY = _Nobody()
