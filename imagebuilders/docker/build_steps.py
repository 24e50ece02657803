"""The graph of a classic build's steps, told from the instructions as they are announced.

A step needs the one before it in its stage, and the last one of each stage that it names, as in
`FROM build`, `COPY --from=build` or `RUN --mount=from=build`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imagebuilders.docker.build_stream import Announced

_FROM_OPTION = re.compile(r"--(?:from=|mount=(?:[^\s,]*,)*from=)([^\s,]+)", re.IGNORECASE)


@dataclass
class Step:
    """A step that was announced."""

    id: str
    number: int
    total: int
    instruction: str
    stage: str
    inputs: tuple[str, ...]
    started_at: float
    cached: bool = False


class StepGraph:
    """Gives each step an id, a stage and inputs."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._last_of_stage: dict[str, str] = {}
        self._names: list[str] = []

    def add(self, announced: Announced, now: float) -> Step:
        """Add the step that was announced.

        Args:
            announced: what the engine said.
            now: the time, in seconds since 1970.
        """
        words = announced.instruction.split()
        keyword = words[0].upper()
        inputs = list(self._sources(keyword, words))
        if keyword == "FROM":
            self._begin_stage(words, announced.stage)
        stage = self._names[-1] if self._names else ""
        if keyword != "FROM" and stage:
            inputs.insert(0, self._last_of_stage[stage])
        step = Step(
            id=f"step-{len(self.steps) + 1}",
            number=announced.number,
            total=announced.total,
            instruction=announced.instruction,
            stage=stage,
            inputs=tuple(dict.fromkeys(inputs)),
            started_at=now,
        )
        self.steps.append(step)
        if stage:
            self._last_of_stage[stage] = step.id
        return step

    def _begin_stage(self, words: list[str], index: int | None) -> None:
        while index is not None and len(self._names) < index:  # a stage that nobody needs
            self._names.append(f"stage-{len(self._names)}")
        is_named = len(words) >= 4 and words[-2].upper() == "AS"
        self._names.append(words[-1].lower() if is_named else f"stage-{len(self._names)}")

    def _sources(self, keyword: str, words: list[str]) -> Iterator[str]:
        """Give the last steps of the stages that an instruction names."""
        flags, rest = [], words[1:]
        while rest and rest[0].startswith("--"):
            flags.append(rest.pop(0))
        names = [found[1] for flag in flags if (found := _FROM_OPTION.match(flag))]
        if keyword == "FROM":
            names = rest[:1]
        for name in names:
            if name.isdecimal() and keyword != "FROM" and len(name) < 7:
                name = self._names[int(name)] if int(name) < len(self._names) else name
            if last := self._last_of_stage.get(name.lower()):
                yield last
