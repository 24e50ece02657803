"""Variables: the environment of a stage, global arguments, and words that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from imagebuilders.dockerfile import Expansion, Grammar, Instruction, Quotes, expand
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.older_words import word_refusal
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.steps import Lines
from imagebuilders.exceptions import EvaluationError, ShellWordError

NOT_IN_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
"""Arguments that steps do not see."""


class Environment(Mapping[str, str]):
    """Variables in the order in which they were set last."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def set(self, name: str, value: str) -> None:
        """Set a variable; it stands at the end then."""
        self._values.pop(name, None)
        self._values[name] = value

    def remove(self, name: str) -> None:
        """Remove a variable, if it is there."""
        self._values.pop(name, None)

    def copy(self) -> Environment:
        """Return variables of the same values, to be changed by themselves."""
        return Environment(self._values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def platform_arguments(options: ResolveOptions, last_stage: str) -> Environment:
    """Return the arguments that every build has: `BUILDPLATFORM`, `TARGETARCH`, ….

    Args:
        options: build arguments of the same names count more.
        last_stage: the name of the last stage.
    """
    build, target = options.build_platform, options.target_platform
    values = {
        "BUILDPLATFORM": str(build),
        "BUILDOS": build.os,
        "BUILDOSVERSION": build.os_version,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build.variant,
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": target.os_version,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
    }
    if options.frontend.knows_target_stage:
        values["TARGETSTAGE"] = options.target or last_stage or "default"
    given = options.build_args
    return Environment({name: given.get(name, value) for name, value in values.items()})


def with_global_arguments(
    arguments: Environment,
    instructions: Iterable[Instruction],
    given: Mapping[str, str],
    escape: str,
    frontend: Frontend,
) -> Environment:
    """Return the arguments and those that stand before the first FROM.

    Raises:
        ShellWordError: a default cannot be expanded.
    """
    found = arguments.copy()
    for instruction in instructions:
        for pair in instruction.pairs:
            if pair.name in given:
                found.set(pair.name, given[pair.name])
            elif pair.value is not None:
                found.set(pair.name, _default(pair.value, found, escape, frontend))
    return found


def _default(value: str, arguments: Environment, escape: str, frontend: Frontend) -> str:
    try:
        return expand(value, arguments, escape=escape, grammar=frontend.grammar).text
    except ShellWordError:
        if frontend.refuses_global_arguments:
            raise
        return ""


@contextmanager
def placed(lines: Lines, frontend: Frontend) -> Iterator[None]:
    """Expand words; errors get the lines, and the frontend's words."""
    try:
        yield
    except ShellWordError as error:
        text = word_refusal(error, frontend)
        raise EvaluationError(text, line=lines.first, end_line=lines.last) from error


class Words:
    """Expands the words of one instruction and tells which variables are not defined.

    Attributes:
        environment: the variables.
        escape: the escape character.
    """

    def __init__(
        self,
        environment: Environment,
        escape: str,
        grammar: Grammar,
        arguments: Iterable[str],
        linter: Linter,
        lines: Lines,
    ) -> None:
        self.environment = environment
        self.escape = escape
        self._grammar = grammar
        self._arguments = frozenset(arguments)
        self._linter = linter
        self._lines = lines

    def expand(self, word: str) -> str:
        """Return a word with its variables replaced.

        Raises:
            ShellWordError: it cannot be expanded.
        """
        return self._reported(
            lambda: expand(word, self.environment, escape=self.escape, grammar=self._grammar)
        )

    def expand_text(self, text: str) -> str:
        """Return the content of a here-document with its variables replaced.

        Raises:
            ShellWordError: it cannot be expanded.
        """
        return self._reported(
            lambda: expand(text, self.environment, quotes=Quotes.IGNORE, grammar=self._grammar)
        )

    def _reported(self, expansion: Callable[[], Expansion]) -> str:
        """Expand a word, and warn of the variables that are not defined."""
        try:
            found = expansion()
        except ShellWordError as error:
            self._warn(error.unset)
            raise
        self._warn(found.unset)
        return found.text

    def _warn(self, unset: frozenset[str]) -> None:
        for name in sorted(unset - self._arguments - NOT_IN_ENVIRONMENT):
            hint = suggestion(name, self.environment, case_sensitive=True)
            hint = hint.replace("(did you mean ", "(did you mean $", 1)
            text = f"Usage of undefined variable '${name}'{hint}"
            self._linter.warn("UndefinedVar", text, self._lines)
