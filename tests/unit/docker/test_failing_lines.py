"""The Dockerfile's lines in a build's errors."""

from __future__ import annotations

import pytest

from imagebuilders.docker.build_steps import Step
from imagebuilders.docker.failing_lines import FailingLines
from imagebuilders.exceptions import BuildContextError

DOCKERFILE = b"""ARG v=1
FROM a AS one
RUN make
FROM b
# why
RUN make   \\
    all
RUN make
RUN last
"""


def _steps(*instructions: str) -> list[Step]:
    return [
        Step(f"step-{number}", number, 0, instruction, "", (), 0.0)
        for number, instruction in enumerate(instructions)
    ]


def _marked(excerpt: str) -> list[str]:
    return [line.split("|")[1].strip() for line in excerpt.splitlines() if line.startswith(">")]


@pytest.mark.parametrize(
    ("steps", "marked"),
    [
        (["FROM a AS one"], ["FROM a AS one"]),
        (
            ["ARG v=1", "FROM a AS one", "RUN make", "FROM b", "RUN make all"],
            ["RUN make   \\", "all"],
        ),
        (["FROM a AS one", "RUN make", "FROM b", "RUN make   all", "RUN make"], ["RUN make"]),
        (["FROM b", "LABEL added=by engine"], []),
        (["RUN last", "RUN last"], []),
        ([], []),
    ],
)
def test_a_failing_step_is_marked(steps: list[str], marked: list[str]) -> None:
    """It is found by its text, and among equal ones by their order; others have no lines."""
    assert _marked(FailingLines(lambda: DOCKERFILE).of_step(_steps(*steps))) == marked


def test_the_second_of_equal_steps_is_marked() -> None:
    """An instruction may stand in the file twice."""
    steps = _steps("RUN make", "RUN make")
    excerpt = FailingLines(lambda: DOCKERFILE).of_step(steps)
    assert "> 8 | RUN make\n" in excerpt
    assert "  9 | RUN last\n" in excerpt


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("dockerfile parse error line 3: unknown instruction: MAKE", ["RUN make"]),
        ("dockerfile parse error on line 6: no", ["RUN make   \\", "all"]),
        ("dockerfile parse error on line 7: no", ["all"]),
        ("parse error on line 99", []),
        ("line 99999999999", []),
        ("no room", []),
    ],
)
def test_the_line_that_a_refusal_names_is_marked(words: str, marked: list[str]) -> None:
    """With the lines that continue it, if it is the first of an instruction."""
    assert _marked(FailingLines(lambda: DOCKERFILE).of_refusal(words)) == marked


def test_a_dockerfile_that_is_gone_has_no_lines() -> None:
    """The failure itself is told all the same."""

    def read() -> bytes:
        raise BuildContextError("it is gone")

    for lines in (FailingLines(read), FailingLines(None)):
        assert lines.of_step(_steps("FROM a")) == ""
        assert lines.of_refusal("line 1: no") == ""


def test_any_bytes_may_stand_in_a_dockerfile() -> None:
    """What is no UTF-8, or steers a terminal, is spelled."""
    content = b"FROM a\nRUN \xff \x1b[2J\n"
    excerpt = FailingLines(lambda: content).of_refusal("line 2: no")
    assert "\x1b" not in excerpt
    assert excerpt.isascii()
