"""The lines of the Dockerfile that a failed build is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from imagebuilders.docker.build_steps import Step
from imagebuilders.dockerfile import Dockerfile, Instruction, excerpt, parse
from imagebuilders.exceptions import ImageBuilderError

_LINE = re.compile(r"\bline ([0-9]{1,7})\b")


class FailingLines:
    """Finds the lines that a failure is about, and shows them; `read` is called only then."""

    def __init__(self, read: Callable[[], bytes] | None) -> None:
        """Note where the Dockerfile is.

        Args:
            read: returns its content.
        """
        self._read = read

    def of_step(self, steps: Sequence[Step]) -> str:
        """Return the lines around the last of these steps, its own marked.

        Args:
            steps: all that were announced; the last one failed.

        Returns:
            Lines with their ends; nothing if the step is not one of the Dockerfile's.
        """
        dockerfile = self._parsed()
        if dockerfile is None or not steps:
            return ""
        found = _instruction_of(steps, dockerfile)
        return excerpt(dockerfile, found.line, found.end_line) if found is not None else ""

    def of_refusal(self, words: str) -> str:
        """Return the lines around the one that an engine's refusal names."""
        named = _LINE.search(words)
        dockerfile = self._parsed() if named is not None else None
        if dockerfile is None or named is None:
            return ""
        line = int(named[1])
        own = [each for each in dockerfile.instructions if each.line <= line <= each.end_line]
        return excerpt(dockerfile, line, own[0].end_line if own and own[0].line == line else line)

    def _parsed(self) -> Dockerfile | None:
        if self._read is None:
            return None
        try:
            return parse(self._read())
        except ImageBuilderError:  # it is gone: the failure is told without it
            return None


def _instruction_of(steps: Sequence[Step], dockerfile: Dockerfile) -> Instruction | None:
    """Find the instruction of the last step by what the engine called it.

    Engines count in different ways, add steps of their own, and leave out stages.
    """
    wanted = _words(steps[-1].instruction)
    rank = sum(_words(step.instruction) == wanted for step in steps)
    same = [each for each in dockerfile.instructions if _words(each.code) == wanted]
    return same[rank - 1] if len(same) >= rank else None


def _words(instruction: str) -> list[str]:
    return instruction.split()
