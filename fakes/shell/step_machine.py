"""A step of a build that an emulated shell evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .live_files import LiveFiles
from .machines import Executed, Machines, StartRefusal
from .process import CommandRefusedError, Process
from .ruled_programs import RuledPrograms
from .run_rules import RunRules


@dataclass(frozen=True)
class StepOutcome:
    """What a command of a step came to.

    Attributes:
        executed: by what it was done; `None` when it was only recorded.
        recorded: the commands in it that were only recorded.
        environment: the variables that rules have set.
    """

    executed: Executed | None = None
    recorded: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


class StepMachine:
    """The processes of one RUN.

    Args:
        machines: what evaluates commands.
        rules: what does the work of programs that an emulated shell does not know.
        files: what the processes see.
        hostname: of the step's container.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        machines: Machines,
        rules: RunRules,
        files: LiveFiles,
        *,
        hostname: str,
        now: Callable[[], float],
    ) -> None:
        self._programs = RuledPrograms(rules)
        self._machine = machines.machine(files, now=now, hostname=hostname)

    def is_known(self, words: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Return whether a command's own program is evaluated, or found missing."""
        return self._machine.is_known(words, environment, self._programs)

    def refusal(self, process: Process) -> StartRefusal | None:
        """Return why a command cannot be started; `None` when it can."""
        return self._machine.refusal(process, self._programs)

    def run(self, process: Process) -> int:
        """Do the command's work; the exit code.

        Raises:
            CommandRefusedError: the policy refuses a program that no rule is meant for.
        """
        try:
            code = self._machine.run(process, self._programs, is_first=True)
        finally:
            self._machine.stop()
        if self._machine.refused:
            raise CommandRefusedError(self._machine.refused)
        return code

    def outcome(self) -> StepOutcome:
        """Return what the command came to."""
        machine = self._machine
        return StepOutcome(
            machine.executed, tuple(machine.recorded), dict(self._programs.environment)
        )
