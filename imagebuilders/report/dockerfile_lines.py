"""Which lines of a Dockerfile a step is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from imagebuilders.dockerfile import Instruction, parse
from imagebuilders.report.model import SourceLine

_STEPS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""What BuildKit counts as steps of a stage, beside a FROM that names an image."""


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
        keyword = title.partition(" ")[0].upper()
        for counted in self._counted(stage) if number else ():
            if total in (0, len(counted)) and number <= len(counted):
                found = counted[number - 1]
                if found.name == keyword:
                    return found
        return None

    def source(self, instruction: Instruction) -> tuple[SourceLine, ...]:
        """Return the lines of an instruction."""
        lines = self._parsed.lines[instruction.line - 1 : instruction.end_line]
        return tuple(
            SourceLine(number, self._mask(line))
            for number, line in enumerate(lines, instruction.line)
        )

    def _counted(self, stage: str) -> Iterator[Sequence[Instruction]]:
        """Yield what may be counted as steps: in a stage, or in a file with one stage or none."""
        stages = self._parsed.stages
        for found in stages:
            if stage.lower() in (found.name, f"stage-{found.number}") or len(stages) == 1:
                steps = [each for each in found.steps if each.name in _STEPS]
                yield [found.instruction, *steps]
                yield steps  # nothing is done for `scratch`, or for another stage
        if not stage:  # the classic builder counts all instructions
            yield self._parsed.instructions
            yield [each for each in self._parsed.instructions if each.name != "ARG"]
