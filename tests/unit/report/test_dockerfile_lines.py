"""Which lines of a Dockerfile a step is about."""

from __future__ import annotations

import pytest

from imagebuilders.report.dockerfile_lines import DockerfileLines

SEVERAL = b"""\
FROM debian AS base
ENV a=b
RUN one
FROM base AS part
RUN two
FROM scratch
COPY --from=part /x /x
ADD y /y
"""


def _line(content: bytes, *step: object) -> int | None:
    found = DockerfileLines(content, str).find(*step)  # type: ignore[arg-type]
    return None if found is None else found.line


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (("base", 1, 2, "FROM debian"), 1),
        (("base", 2, 2, "RUN one"), 3),
        (("part", 1, 1, "RUN two"), 5),
        (("stage-2", 1, 2, "COPY --from=part /x /x"), 7),
        (("stage-2", 2, 2, "ADD y /y"), 8),
        (("stage-2", 2, 2, "RUN y"), None),
        (("base", 2, 5, "RUN one"), None),
        (("nowhere", 1, 1, "RUN one"), None),
        (("base", 0, 0, "[internal] load metadata"), None),
        (("base", 3, 0, "RUN one"), None),
    ],
)
def test_steps_of_stages(step: tuple[object, ...], line: int | None) -> None:
    """FROM counts where it names an image; what does not fit is not guessed."""
    assert _line(SEVERAL, *step) == line


@pytest.mark.parametrize(
    ("content", "step", "line"),
    [
        (b"FROM scratch\nCOPY a /\nWORKDIR /b\n", ("", 2, 2, "WORKDIR /b"), 3),
        (b"FROM a\nENV x=y\nRUN z\n", ("", 2, 2, "RUN z"), 3),
        (b"FROM a\nENV x=y\nRUN z\n", ("", 2, 3, "ENV x=y"), 2),
        (b"ARG v\nFROM a\nENV x=y\nRUN z\n", ("", 3, 3, "RUN z"), 4),
        (b"ARG v\nFROM a\nENV x=y\nRUN z\n", ("", 4, 4, "RUN z"), 4),
    ],
)
def test_steps_without_a_stage(content: bytes, step: tuple[object, ...], line: int) -> None:
    """BuildKit names no lone stage; the classic builder counts all instructions."""
    assert _line(content, *step) == line
