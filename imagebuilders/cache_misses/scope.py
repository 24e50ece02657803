"""What holds at an instruction: variables, working directory, user, shell.

What the base image sets is not known here; a change of it is a change of the base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from imagebuilders.dockerfile import Dockerfile, Instruction, expand
from imagebuilders.exceptions import ShellWordError
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Scope:
    """What the instructions so far have set.

    Attributes:
        variables: the values that are known, the one that was set last at the end.
        arguments: which of the variables are build arguments.
        workdir: the path of the last `WORKDIR`, those before it put in front while it is relative.
        user: the value of `USER`.
        shell: the words of `SHELL`, as they are written.
        escape: the Dockerfile's escape character.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()
    workdir: str = ""
    user: str = ""
    shell: str = ""
    escape: str = "\\"

    def expand(self, word: str) -> tuple[str, frozenset[str]]:
        """Return a word with the known variables replaced, and their names."""
        try:
            found = expand(word, self.variables, escape=self.escape, keep_unset=True)
        except ShellWordError:
            return word, frozenset()
        return found.text, found.used

    def set(self, values: Mapping[str, str], *, are_arguments: bool = False) -> Scope:
        """Return the scope with further variables."""
        variables = {name: value for name, value in self.variables.items() if name not in values}
        names = frozenset(values)
        arguments = self.arguments | names if are_arguments else self.arguments - names
        return replace(self, variables={**variables, **values}, arguments=arguments)

    def after(
        self, instruction: Instruction, given: Mapping[str, str], globals_: Mapping[str, str]
    ) -> Scope:
        """Return what holds behind an instruction.

        Args:
            instruction: the instruction.
            given: the build arguments that the build was given.
            globals_: the values of the arguments before the first FROM.
        """
        words = instruction.arguments
        match instruction.name:
            case "ENV":
                pairs = instruction.pairs
                return self.set(
                    {self.expand(pair.name)[0]: self.expand(pair.value or "")[0] for pair in pairs}
                )
            case "ARG":
                return _declare(self, instruction, given, globals_)
            case "USER" if words:
                return replace(self, user=self.expand(words[0])[0])
            case "WORKDIR" if words:
                path = self.expand(words[0])[0]
                return replace(
                    self, workdir=path if path.startswith("/") else f"{self.workdir}/{path}"
                )
            case "SHELL":
                return replace(self, shell="\0".join(words))
            case _:
                return self


def global_arguments(dockerfile: Dockerfile, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the arguments before the first FROM."""
    scope = Scope(escape=dockerfile.escape)
    for instruction in dockerfile.global_args:
        scope = _declare(scope, instruction, given, {})
    return dict(scope.variables)


def _declare(
    scope: Scope, instruction: Instruction, given: Mapping[str, str], globals_: Mapping[str, str]
) -> Scope:
    for pair in instruction.pairs:
        name = scope.expand(pair.name)[0]
        value = given.get(name)
        if value is None:
            value = globals_.get(name) if pair.value is None else scope.expand(pair.value)[0]
        if value is not None:
            scope = scope.set({name: value}, are_arguments=True)
    return scope
