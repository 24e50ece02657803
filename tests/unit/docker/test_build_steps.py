"""The graph of a build's steps."""

from __future__ import annotations

import pytest

from imagebuilders.docker.build_steps import StepGraph
from imagebuilders.docker.build_stream import Announced


def _graph(*instructions: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give the stage and the inputs of each instruction's step; inputs as their numbers."""
    graph = StepGraph()
    for number, instruction in enumerate(instructions, start=1):
        graph.add(Announced(number, len(instructions), instruction, ""), 1.0)
    return {
        step.instruction: (step.stage, tuple(each.removeprefix("step-") for each in step.inputs))
        for step in graph.steps
    }


def test_steps_stand_on_those_before_them() -> None:
    """In its stage each step needs the one before; a stage begins with its base."""
    assert _graph("ARG v=1", "FROM a AS Build", "RUN x", "FROM b", "RUN y") == {
        "ARG v=1": ("", ()),
        "FROM a AS Build": ("build", ()),
        "RUN x": ("build", ("2",)),
        "FROM b": ("stage-1", ()),
        "RUN y": ("stage-1", ("4",)),
    }


@pytest.mark.parametrize(
    ("instruction", "inputs"),
    [
        ("COPY --from=BUILD /a /b", ("4", "3")),
        ("copy --chown=1 --from=0 /a /b", ("4", "3")),
        ("ADD --from=build /a /b", ("4", "3")),
        ("RUN --mount=type=bind,from=build,target=/x make", ("4", "3")),
        ("RUN --mount=from=build make", ("4", "3")),
        ("COPY --from=alpine /a /b", ("4",)),
        ("COPY --from=9 /a /b", ("4",)),
        ("COPY --from=99999999999999999999 /a /b", ("4",)),
        ("RUN make --from=build", ("4",)),
        ("FROM --platform=linux/amd64 build", ("3",)),
        ("FROM 0", ()),
        ("FROM", ()),
    ],
)
def test_steps_stand_on_the_stages_that_they_name(
    instruction: str, inputs: tuple[str, ...]
) -> None:
    """By name, whatever its case, or by number; what is no stage is an image."""
    graph = _graph("ARG v=1", "FROM a AS build", "RUN x", "FROM b", instruction)
    assert graph[instruction][1] == inputs
