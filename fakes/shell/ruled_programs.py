"""What an emulated shell does not know, by the rules of RUN steps and the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .process import Process, run
from .run_rules import FileContent, RunRules


class RuledPrograms:
    """Programs that RUN steps start, done by rules; see `OtherPrograms`.

    Args:
        rules: of the test; what they are meant for is compared with the words of the one command.

    Attributes:
        environment: the variables that rules have set.
    """

    def __init__(self, rules: RunRules) -> None:
        self._rules = rules
        self.environment: dict[str, str] = {}

    def has(self, words: Sequence[str]) -> bool:
        """Return whether a rule is meant for a command."""
        return self._rules.has(" ".join(words))

    def run(self, process: Process) -> int | None:
        """Do a command's work; the exit code, `None` where it is only recorded.

        Raises:
            CommandRefusedError: no rule is meant for it, and the policy refuses it.
        """
        effect = self._rules.effect_of(" ".join(process.command))
        if effect is None:
            return None
        process.print(effect.output, end="")
        process.print_error(effect.error_output, end="")
        code = effect.exit_code if effect.does is None else run(effect.does, process)
        if code == 0:
            write_contents(process, effect.files)
            self.environment.update(effect.env)
        return code


def write_contents(process: Process, files: Mapping[str, FileContent]) -> None:
    """Write, make or remove paths of the files that a command sees."""
    for path, content in files.items():
        if content is not None:
            process.files[path] = content if isinstance(content, bytes) else content.encode()
        elif path in process.files:
            del process.files[path]
