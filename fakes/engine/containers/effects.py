"""What a container's command does, for it is never executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...checks import (
    check_exit_code,
    check_files,
    check_flag,
    check_function,
    check_output,
    check_pattern,
    check_seconds,
)
from ...rules import Pattern, Rules, matches
from ...shell.commands import known_work
from ...shell.process import Work
from .host_ports import Answers


@dataclass(frozen=True)
class ContainerEffect:
    """The effects an engine gives to containers or execs that match.

    Attributes:
        image: a pattern for the image's name.
        command: a pattern for entrypoint and command, joined by spaces.
        output: what it prints.
        error_output: what it prints to standard error.
        exit_code: 0 to 255, with which it ends.
        delay: seconds until it ends.
        service: it runs until it is stopped.
        files: absolute paths with the content it writes; `None` removes one.
        answers: what answers connections to its published ports while it runs.
        does: a function that does its work, after what it prints at once; its result is the exit
            code. The delay and the exit code above are then without effect.

    Raises:
        TypeError: something is of a wrong type.
        ValueError: no process ends with this exit code, or the delay is negative.
    """

    image: Pattern = "*"
    command: Pattern = "*"
    output: str | bytes = ""
    error_output: str | bytes = ""
    exit_code: int = 0
    delay: float = 0.0
    service: bool = False
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    answers: Answers | None = None
    does: Work | None = None

    def __post_init__(self) -> None:
        check_pattern("image", self.image)
        check_pattern("command", self.command)
        check_output("output", self.output)
        check_output("error_output", self.error_output)
        check_exit_code(self.exit_code)
        check_seconds("delay", self.delay)
        check_flag("service", self.service)
        check_files(self.files)
        if isinstance(self.does, str | bytes):
            raise TypeError(
                f"does is a function, not {self.does!r} (str): all but the first pattern is given "
                "by name, as in command= or output="
            )
        for name in ("answers", "does"):
            if getattr(self, name) is not None:
                check_function(name, getattr(self, name))
        # What becomes of the caller's mapping afterwards is nothing to the effect.
        object.__setattr__(self, "files", dict(self.files))

    def matches(self, image: str, command: list[str]) -> bool:
        """Whether it is meant for this command of this image."""
        names = {image, f"{image}:latest" if ":" not in image else image, image.partition(":")[0]}
        return any(matches(self.image, name) for name in names) and (
            matches(self.command, " ".join(command))
        )

    @property
    def stdout(self) -> bytes:
        """The output in bytes."""
        return self.output.encode() if isinstance(self.output, str) else self.output

    @property
    def stderr(self) -> bytes:
        """The error output in bytes."""
        return (
            self.error_output.encode() if isinstance(self.error_output, str) else self.error_output
        )


class EffectRules(Rules[ContainerEffect]):
    """The effects an engine was given, by what they are meant for."""

    def rule(self, image: str, command: list[str]) -> ContainerEffect | None:
        """What a rule says of a command of an image; `None` without one."""
        return self.first(lambda effect: effect.matches(image, command))

    def find(self, image: str, command: list[str]) -> ContainerEffect | None:
        """What a command of an image does, by rule or by itself; `None` if nobody knows."""
        effect = self.rule(image, command)
        if effect is None and (work := known_work(command)) is not None:
            return ContainerEffect(does=work)
        return effect
