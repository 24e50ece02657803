"""Excerpts with the failing lines marked."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile import excerpt, parse

_TEN = parse("".join(f"RUN {number}\n" for number in range(1, 11)).encode())


def test_the_lines_around() -> None:
    """Numbers are aligned, the instruction's own lines are marked."""
    assert excerpt(_TEN, 9) == ("   7 | RUN 7\n   8 | RUN 8\n>  9 | RUN 9\n  10 | RUN 10\n")
    assert excerpt(_TEN, 1, 2, around=1) == "> 1 | RUN 1\n> 2 | RUN 2\n  3 | RUN 3\n"


@pytest.mark.parametrize("line", [-1, 0, 11])
def test_lines_that_are_not_there(line: int) -> None:
    """There is nothing to show then."""
    assert excerpt(_TEN, line) == ""


def test_long_instructions_and_lines_are_cut() -> None:
    """An error stays readable, whatever stands in the file."""
    dockerfile = parse(b"RUN <<E\n" + b"x" * 500 + b"\n" + b"y\n" * 40 + b"E\nRUN z\n")
    run = dockerfile.instructions[0]
    shown = excerpt(dockerfile, run.line, run.end_line).splitlines()
    assert len(shown) == 14
    assert shown[1].endswith("xxx…")
    assert len(shown[1]) < 170
    assert shown[6].strip() == "… |"
    assert shown[-2].startswith("> 43 | E")


def test_control_characters_are_written_out() -> None:
    """A Dockerfile does not steer the terminal that shows it."""
    assert excerpt(parse(b"RUN \x1b[2J\xff\tx\n"), 1) == "> 1 | RUN \\x1b[2J\\xff\tx\n"
