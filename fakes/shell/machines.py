"""What evaluates commands, where a double is asked to: the seam to an emulated shell.

A machine is what the kernel is to one container, or to one step of a build: its processes see each
other, and the files of a table. Nothing here imports the emulation before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from .process import Process

if TYPE_CHECKING:
    from ..emulation.file_table import FileTable

Executed = Literal["shell", "rule"]
"""By what a command was done: evaluated by the emulated shell, or by the rule of a test."""


@dataclass(frozen=True)
class StartRefusal:
    """Why a command cannot be started.

    Attributes:
        reason: in the words of an engine's runtime.
        code: the exit code that stands for it.
        is_late: the runtime has begun already, so that the container ends with the code.
        is_folder: it is its working directory that is not there, or is none.
    """

    reason: str
    code: int
    is_late: bool = False
    is_folder: bool = False

    @classmethod
    def of_missing(cls, program: str) -> StartRefusal:
        """Return why a command whose program is not there cannot be started."""
        if "/" in program:
            why = f"stat {program}: no such file or directory"
        else:
            why = "executable file not found in $PATH"
        return cls(f'exec: "{program}": {why}', 127)


class OtherPrograms(Protocol):
    """Does the work of programs that an emulated shell does not know, by rules and policy."""

    def has(self, words: Sequence[str]) -> bool:
        """Return whether a rule is meant for a command; that is no use of it."""
        ...

    def run(self, process: Process) -> int | None:
        """Do a command's work; the exit code, `None` where it is only recorded.

        Raises:
            CommandRefusedError: no rule is meant for it, and the policy refuses it.
        """
        ...


class Machine(Protocol):
    """The processes of one container or step.

    Attributes:
        recorded: the commands that were only recorded: nobody knew what they do.
        refused: why the policy ended it; empty when it did not.
    """

    recorded: list[str]
    refused: str

    @property
    def executed(self) -> Executed | None:
        """By what its commands were done so far; `None` when all were only recorded."""
        ...

    def is_known(
        self, words: Sequence[str], environment: Mapping[str, str], other: OtherPrograms
    ) -> bool:
        """Return whether a command's own program is evaluated, or found missing."""
        ...

    def refusal(self, process: Process, other: OtherPrograms) -> StartRefusal | None:
        """Return why a command cannot be started; `None` when it can."""
        ...

    def expect_first(self) -> None:
        """Let further commands wait for the machine's own one, which is about to be run."""
        ...

    def stand_in(self, words: Sequence[str]) -> None:
        """Let a process be there, as which something else does the work: a rule, say.

        Others see it and may send it signals, which it does not hear.
        """
        ...

    def run(
        self,
        process: Process,
        other: OtherPrograms,
        *,
        groups: Sequence[str] = (),
        is_first: bool = False,
    ) -> int:
        """Do a command's work to its end; the exit code.

        Args:
            process: the command.
            other: does what the machine does not know.
            groups: further groups of its user, by name or number.
            is_first: it is the machine's own command, after which nothing goes on.
        """
        ...

    def signal(self, number: int) -> bool:
        """Send a signal to the first process; whether that does something about it."""
        ...

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no process make progress, or let all go on."""
        ...

    def stop(self) -> None:
        """End all processes."""
        ...


class Confinement(NamedTuple):
    """What the processes of a machine may not do, and how much they may have.

    Attributes:
        dropped: capabilities that root lacks, as in `CHOWN` (capabilities(7)).
        limits: soft limits by the letters of `ulimit` and in its units, and hard ones behind an
            H, as in `Hn`.
    """

    dropped: frozenset[str] = frozenset()
    limits: Mapping[str, str] = MappingProxyType({})


UNCONFINED = Confinement()
"""What a container's processes may do where it was not told otherwise."""


class Machines(Protocol):
    """Makes machines."""

    def machine(
        self,
        table: FileTable,
        *,
        now: Callable[[], float],
        hostname: str,
        init: Sequence[str] = (),
        confinement: Confinement = UNCONFINED,
    ) -> Machine:
        """Make a machine.

        Args:
            table: the files that its processes see.
            now: the time, in seconds since the epoch.
            hostname: its name for itself.
            init: the words of a program of the runtime's own that is process 1, and passes
                signals on; none if there is no such program.
            confinement: what its processes may not do.
        """
        ...

    def programs(self, image: str) -> Mapping[str, bytes]:
        """Return the programs and settings that an image of some name has.

        They go by their paths without a leading slash.
        """
        ...
