"""A Dockerfile's instructions grouped into build stages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from imagebuilders.dockerfile import Dockerfile

from ..errors import DockerfileError
from .dialect import Dialect
from .instructions import Instruction, interpret, label, refuse
from .words import Syntax


@dataclass
class Stage:
    """A FROM and the instructions after it."""

    base: str
    name: str
    code: str
    platform: str = ""
    steps: list[Instruction] = field(default_factory=list)


@dataclass
class BuildPlan:
    """A Dockerfile's stages and the ARGs before the first FROM."""

    stages: list[Stage]
    meta_args: list[Instruction]
    syntax: Syntax
    warnings: list[str]


def plan(dockerfile: Dockerfile, dialect: Dialect) -> BuildPlan:
    """Group a Dockerfile's instructions into stages.

    Raises:
        DockerfileError: its message has the location in it.
    """
    stages: list[Stage] = []
    meta_args: list[Instruction] = []
    written_stages = iter(dockerfile.stages)
    for written in dockerfile.instructions:
        try:
            if written.name == "FROM":
                refuse(written, dialect)
                stage = next(written_stages)
                stages.append(Stage(stage.base, stage.name, written.code, stage.platform))
                continue
            step = interpret(written, dialect)
        except DockerfileError as error:
            message = dialect.located(written.line, error.message)
            raise DockerfileError(message, written.line) from None
        if stages:
            stages[-1].steps.append(step)
        elif step.keyword == "arg":
            meta_args.append(step)
        else:
            raise DockerfileError("no build stage in current context", written.line)
    syntax = Syntax(dockerfile.escape, dialect)
    return BuildPlan(stages, meta_args, syntax, _warnings(dockerfile, dialect))


def _warnings(dockerfile: Dockerfile, dialect: Dialect) -> list[str]:
    warnings = [dialect.warning(warning) for warning in dockerfile.warnings]
    if warnings:
        warnings.append(
            "[WARNING]: Empty continuation lines will become errors in a future release."
        )
    return warnings


def select_target(stages: list[Stage], target: str) -> list[Stage] | None:
    """The stages up to the one named, or `None` when there is none of that name."""
    for index, stage in enumerate(stages):
        if stage.name.lower() == target.lower():
            return stages[: index + 1]
    return None


def with_labels(stages: list[Stage], labels: dict[str, str]) -> list[Stage]:
    """The stages with a LABEL step for each label, sorted, at the end of the last."""
    extra = [label(name, labels[name]) for name in sorted(labels)]
    return [*stages[:-1], replace(stages[-1], steps=[*stages[-1].steps, *extra])]
