"""RUN: recorded, refused, given effects by the rules of a test, or evaluated by a shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.evaluation.accounts import Owner
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File

from ...shell.process import CommandRefusedError, Process, ProcessStoppedError, run
from ...shell.run_rules import RunEffect, RunRules
from ...shell.step_machine import StepOutcome
from .evaluated_run import EvaluatedRun
from .step_files import StepFiles, apply_files

if TYPE_CHECKING:
    from imagebuilders.evaluation.steps import Run
    from imagebuilders.evaluation.trees import Folder

    from ...shell.machines import Machines
    from .mounts import Mounted, Mounter

_STOPPED = 137
_CANCELLED = "context canceled"

Print = Callable[[bytes, int], None]
"""Takes what a command prints, and the stream: 1 or 2."""

WhenCancelled = Callable[[Callable[[], None]], None]
"""Has a function called when the client breaks the build off."""


class CommandFailedError(EvaluationError):
    """A command ended with another exit code than 0.

    Attributes:
        code: the exit code.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[CommandFailedError], tuple[str, int]]:
        return type(self), (self.message, self.code)


class RuledCommands:
    """Does what the rules of a test say; it is an `imagebuilders.evaluation` `Commands`.

    Args:
        rules: of the test.
        mounter: makes mounts.
        printed: takes what commands print.
        when_cancelled: tells when the client breaks the build off.
        clock: the time of what is made.
        machines: what evaluates commands; `None` if nothing does.

    Attributes:
        environment: the variables that rules have set so far, by stage: `enter` chooses one.
        outcome: what the last command came to.
    """

    def __init__(
        self,
        rules: RunRules,
        mounter: Mounter,
        *,
        printed: Print,
        when_cancelled: WhenCancelled,
        clock: Callable[[], int],
        machines: Machines | None = None,
    ) -> None:
        self._machines = machines
        self._rules = rules
        self._mounter = mounter
        self._printed = printed
        self._when_cancelled = when_cancelled
        self._clock = clock
        self.environment: dict[str, str] = {}
        self.outcome = StepOutcome()

    def run(self, step: Run, tree: Folder) -> Folder:
        """Return the files behind a command.

        Raises:
            CommandFailedError: its rule has an exit code.
            EvaluationError: it is refused, or a secret or agent is not there.
        """
        mounted = self._mounter.mount(step)
        files = FileSystem(tree, self._clock)
        process = self._process(step, files, mounted)
        effect, machine = self._rules.rule(step.command), None
        self.outcome = StepOutcome("rule", environment={})
        if effect is None:
            machine = self._machine(step, files, mounted, process)
            if machine is None:
                self._refuse(step.command)
                return tree
            effect = RunEffect(step.command, does=machine.run)
        try:
            code = self._work(effect, process)
        except CommandRefusedError as error:
            raise EvaluationError(str(error)) from error
        if machine is not None:
            self.outcome = machine.outcome()
        self._mounter.finish(mounted)
        if code:
            problem = f"exit code: {code}"
            if code == _STOPPED:
                problem += f": {_CANCELLED}: {_CANCELLED}"
            raise CommandFailedError(self._mounter.failed(step, problem), code)
        apply_files(files, effect.files)
        self.environment.update(self.outcome.environment)
        self.environment.update(effect.env)
        return files.tree

    def _refuse(self, command: str) -> None:
        """Leave a command that nobody knows to the policy.

        Raises:
            EvaluationError: that refuses it.
        """
        try:
            self._rules.effect_of(command)
        except CommandRefusedError as error:
            raise EvaluationError(str(error)) from error
        self.outcome = StepOutcome(recorded=(command,))

    def _work(self, effect: RunEffect, process: Process) -> int:
        self._printed(effect.output.encode(), 1)
        self._printed(effect.error_output.encode(), 2)
        if effect.does is None:
            return effect.exit_code
        self._when_cancelled(process.stop)
        try:
            return run(effect.does, process)
        except ProcessStoppedError:
            return _STOPPED

    def _process(self, step: Run, files: FileSystem, mounted: Mounted) -> Process:
        return Process(
            step.arguments,
            environment={
                "HOME": _home(files, step.user),
                **dict(step.environment),
                **self.environment,
                **mounted.environment,
            },
            user=step.user,
            working_dir=step.working_dir,
            files=StepFiles(files, mounted.files),
            stdout=lambda data: self._printed(data, 1),
            stderr=lambda data: self._printed(data, 2),
        )

    def _machine(
        self, step: Run, files: FileSystem, mounted: Mounted, process: Process
    ) -> EvaluatedRun | None:
        """Return what evaluates a command; `None` where that is not known."""
        if self._machines is None:
            return None
        run = EvaluatedRun(self._machines, self._rules, step, files, mounted.files, self._clock)
        return run if run.is_known(process) else None


def _home(files: FileSystem, user: str) -> str:
    """Return the home of an account, by its name or number; the root without one."""
    account = Owner.parse(user).user
    entry = files.place("etc/passwd").entry()
    text = b"".join(entry.pieces()).decode("utf-8", "replace") if isinstance(entry, File) else ""
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 6 and str(account) in (fields[0], fields[2]):
            return fields[5] or "/"
    return "/root" if account == 0 else "/"


def merged_environment(pairs: tuple[str, ...], added: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables of an image with those that rules have set."""
    kept = tuple(pair for pair in pairs if pair.partition("=")[0] not in added)
    return (*kept, *(f"{name}={value}" for name, value in added.items()))
