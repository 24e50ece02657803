"""Which lines of a Dockerfile a step is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from imagebuilders.dockerfile import Instruction, parse
from imagebuilders.report.model import SourceLine

_STEPS = frozenset({"FROM", "RUN", "COPY", "ADD", "WORKDIR"})
"""What BuildKit counts as steps of a stage."""


class DockerfileLines:
    """Finds the lines of steps.

    Args:
        content: what is in the Dockerfile.
        mask: takes away what is not to be shown.
    """

    def __init__(self, content: bytes, mask: Callable[[str], str]) -> None:
        self._parsed = parse(content)
        self._mask = mask

    def find(self, stage: str, number: int, total: int, title: str) -> Instruction | None:
        """Return the instruction that a step carries out; `None` if that is not sure.

        Args:
            stage, number, total: as in `StepStarted`.
            title: what the builder calls it.
        """
        if not number:
            return None
        if stage:
            found = self._by_stage.get(stage.lower(), ())
        else:  # the classic builder counts all instructions
            found = tuple(each for each in self._parsed.instructions if each.name != "ARG")
            if len(found) != total:
                found = self._parsed.instructions
        if len(found) != total and total:
            return None
        instruction = found[number - 1] if number <= len(found) else None
        keyword = title.partition(" ")[0].upper()
        return instruction if instruction is not None and instruction.name == keyword else None

    def source(self, instruction: Instruction) -> tuple[SourceLine, ...]:
        """Return the lines of an instruction."""
        lines = self._parsed.lines[instruction.line - 1 : instruction.end_line]
        return tuple(
            SourceLine(number, self._mask(line))
            for number, line in enumerate(lines, instruction.line)
        )

    @cached_property
    def _by_stage(self) -> dict[str, tuple[Instruction, ...]]:
        found: dict[str, tuple[Instruction, ...]] = {}
        for stage in self._parsed.stages:
            steps = (stage.instruction, *(each for each in stage.steps if each.name in _STEPS))
            found.setdefault(stage.name or f"stage-{stage.number}", steps)
        return found
