"""A whole Dockerfile: its instructions, its stages, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field

from imagebuilders.dockerfile.values import Directive, Instruction, Problem
from imagebuilders.go_text import to_lower
from imagebuilders.lazy_dataclass import dataclass

_NUMBER = re.compile(r"\+?[0-9]{1,9}")


@dataclass(frozen=True)
class Stage:
    """A FROM and the instructions behind it.

    Attributes:
        number: from 0.
        base: the image or stage it begins with, variables not replaced.
        name: behind `AS`, in lower case; empty without one.
        platform: the value of `--platform`, variables not replaced; empty without one.
        instruction: the FROM itself.
        steps: the instructions behind it.
    """

    number: int
    base: str
    name: str
    platform: str
    instruction: Instruction
    steps: tuple[Instruction, ...] = ()


@dataclass(frozen=True)
class Dockerfile:
    """What stands in a Dockerfile.

    Attributes:
        instructions: all of them, in order.
        directives: the parser directives that count for reading.
        escape: the escape character, a backslash or a backtick.
        syntax: the frontend's image that `# syntax=` names; `None` without one. Unlike the
            other directives it may stand behind a line `#!…`, in `//` comments or in JSON.
        check: the value of `# check=`; `None` without one.
        problems: why an engine takes nothing of the file, the one it tells first. Empty when the
            file can be read, which does not mean that its instructions are known (see `check`).
        warnings: what an engine warns of and reads all the same.
        lines: the file's lines without their ends.
    """

    instructions: tuple[Instruction, ...] = ()
    directives: tuple[Directive, ...] = ()
    escape: str = "\\"
    syntax: str | None = None
    check: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)
    stages: tuple[Stage, ...] = field(default=(), repr=False)
    """A stage for each FROM."""
    global_args: tuple[Instruction, ...] = ()
    """The ARGs before the first FROM."""

    def stage(self, name: str) -> Stage | None:
        """Return the stage of a name or a number, as `COPY --from` writes it.

        The last of several stages with one name counts; `None` if there is none.
        """
        wanted = to_lower(name)
        for stage in reversed(self.stages):
            if stage.name and stage.name == wanted:
                return stage
        number = int(name) if _NUMBER.fullmatch(name) else len(self.stages)
        return self.stages[number] if number < len(self.stages) else None


def group_stages(
    instructions: Iterable[Instruction],
) -> tuple[tuple[Stage, ...], tuple[Instruction, ...]]:
    """Return the stages, and the ARGs before the first one."""
    begun: list[tuple[Instruction, list[Instruction]]] = []
    global_args: list[Instruction] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            begun.append((instruction, []))
        elif begun:
            begun[-1][1].append(instruction)
        elif instruction.name == "ARG":
            global_args.append(instruction)
    stages = (_stage(number, *stage) for number, stage in enumerate(begun))
    return tuple(stages), tuple(global_args)


def stage_name(instruction: Instruction) -> str:
    """Return the name that a FROM gives its stage, as it is written; empty without one."""
    words = instruction.arguments
    return words[2] if len(words) == 3 and words[1].casefold() == "as" else ""


def _stage(number: int, instruction: Instruction, steps: list[Instruction]) -> Stage:
    return Stage(
        number=number,
        base=instruction.arguments[0] if instruction.arguments else "",
        name=to_lower(stage_name(instruction)),
        platform=instruction.flag("platform") or "",
        instruction=instruction,
        steps=tuple(steps),
    )
