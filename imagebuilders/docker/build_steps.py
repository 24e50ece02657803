"""The graph of a classic build's steps, told from the instructions as they are announced.

A step needs the one before it in its stage, and the last one of each stage that it names, as in
`FROM build`, `COPY --from=build` or `RUN --mount=from=build`.
"""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.docker.build_stream import Announced
from imagebuilders.dockerfile import Dockerfile, parse
from imagebuilders.lazy_dataclass import dataclass


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
        parsed = parse(announced.instruction.encode("utf-8", "surrogatepass"))
        inputs = list(self._sources(parsed))
        if parsed.stages:
            self._begin_stage(parsed.stages[0].name, announced.stage)
        stage = self._names[-1] if self._names else ""
        if stage and not parsed.stages:
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

    def _begin_stage(self, name: str, index: int | None) -> None:
        while index is not None and len(self._names) < index:  # a stage that nobody needs
            self._names.append(f"stage-{len(self._names)}")
        self._names.append(name or f"stage-{len(self._names)}")

    def _sources(self, parsed: Dockerfile) -> Iterator[str]:
        """Return the last steps of the stages that an instruction names."""
        for name in _names(parsed):
            if last := self._last_of_stage.get(name.lower()):
                yield last
            elif not parsed.stages and name.isascii() and name.isdigit() and len(name) < 7:
                index = int(name)
                if index < len(self._names) and self._names[index] in self._last_of_stage:
                    yield self._last_of_stage[self._names[index]]


def _names(parsed: Dockerfile) -> Iterator[str]:
    """Return the names of stages or images that an instruction stands on."""
    for stage in parsed.stages:
        yield stage.base
    for instruction in parsed.instructions:
        yield from instruction.flag_values("from")
        for mount in instruction.flag_values("mount"):
            yield from (part[5:] for part in mount.split(",") if part.startswith("from="))
