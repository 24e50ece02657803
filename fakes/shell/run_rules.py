"""What a RUN step does, for it is never executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..checks import (
    check_exit_code,
    check_files,
    check_function,
    check_pattern,
    check_text,
    check_words,
)
from ..rules import Pattern, Rules, matches
from .process import CommandRefusedError, Work

FileContent = str | bytes | None


@dataclass(frozen=True)
class RunEffect:
    """The effects an engine gives to the RUN steps that match a pattern.

    Attributes:
        pattern: for the command, as in `pip install *`.
        files: absolute paths with their content; `None` removes the path.
        env: variables the commands of the image see from then on.
        output: what the command prints.
        error_output: what it prints to standard error.
        exit_code: 0 to 255; any but 0 fails the build.
        does: a function that does its work, after what it prints at once; its result is the exit
            code in place of the one above.

    Raises:
        TypeError: something is of a wrong type.
        ValueError: no command ends with this exit code.
    """

    pattern: Pattern
    files: Mapping[str, FileContent] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    error_output: str = ""
    exit_code: int = 0
    does: Work | None = None

    def __post_init__(self) -> None:
        check_pattern("pattern", self.pattern)
        check_files(self.files)
        check_words("env", self.env)
        check_text("output", self.output)
        check_text("error_output", self.error_output)
        check_exit_code(self.exit_code)
        if self.does is not None:
            check_function("does", self.does)
        # What becomes of the caller's mappings afterwards is nothing to the effect.
        object.__setattr__(self, "files", dict(self.files))
        object.__setattr__(self, "env", dict(self.env))

    def matches(self, command: str) -> bool:
        """Whether it is meant for this command."""
        return matches(self.pattern, command)


def checked_policy(kind: str, policy: str) -> str:
    """What becomes of commands of a kind that no rule is meant for.

    Raises:
        ValueError: it is neither `record` nor `refuse`.
    """
    if policy not in ("record", "refuse"):
        raise ValueError(f"no {kind} policy {policy!r}; known: record, refuse")
    return policy


class RunRules(Rules[RunEffect]):
    """The effects that RUN steps have.

    Args:
        policy: what happens to a RUN that no rule is meant for: `record` or `refuse`.
    """

    def __init__(self, policy: str) -> None:
        super().__init__()
        self.policy = checked_policy("run", policy)

    def has(self, command: str) -> bool:
        """Return whether a rule is meant for a command; that is no use of it."""
        return self.knows(lambda effect: effect.matches(command))

    def is_recorded(self, command: str) -> bool:
        """Return whether a command is only recorded."""
        return self.policy == "record" and not self.has(command)

    def rule(self, command: str) -> RunEffect | None:
        """Return what a rule says of a command; `None` without one."""
        return self.first(lambda effect: effect.matches(command))

    def effect_of(self, command: str) -> RunEffect | None:
        """Return the effect of a command, `None` when it is only recorded.

        Raises:
            CommandRefusedError: when the policy refuses it.
        """
        effect = self.rule(command)
        if effect is None and self.policy == "refuse":
            raise CommandRefusedError(
                f"RUN is refused by this engine double: no on_run() rule matches {command!r}"
            )
        return effect


class RunRuleDouble:
    """A double whose RUN steps have the effects that a test gives them."""

    run_rules: RunRules

    def on_run(
        self,
        pattern: Pattern,
        does: Work | None = None,
        *,
        files: Mapping[str, FileContent] | None = None,
        env: Mapping[str, str] | None = None,
        output: str = "",
        error_output: str = "",
        exit_code: int = 0,
    ) -> None:
        """Give the RUN steps that match a pattern effects; the newest rule wins.

        Args:
            pattern: compared with the command as written after `RUN`: a text, which matches
                itself, a shell pattern, or a compiled regular expression.
            does: a function that does the command's work: it gets a `fakes.shell.Process`, and
                returns the exit code (`None` for 0).
            files: absolute paths with their content; `None` removes a path, a path that ends
                with `/` makes a directory.
            env: variables that later steps and the image see.
            output: what the command prints.
            error_output: what it prints to standard error.
            exit_code: 0 to 255; any but 0 fails the build.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: no command ends with this exit code.
        """
        self.run_rules.add(
            RunEffect(pattern, files or {}, env or {}, output, error_output, exit_code, does)
        )

    def unused_rules(self) -> list[str]:
        """Return the rules that nothing has met, as they were given."""
        return [f"on_run({rule.pattern!r})" for rule in self.run_rules.unused()]

    def assert_all_rules_used(self) -> None:
        """Fail when a rule was given that nothing has met, as one with a misspelt pattern.

        Raises:
            AssertionError: it names the rules.
        """
        if unused := self.unused_rules():
            raise AssertionError(f"nothing has met these rules: {', '.join(unused)}")
