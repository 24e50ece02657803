"""Lines of output, put together from pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.docker import output_lines
from imagebuilders.docker.output_lines import OutputLines


def _all(*pieces: str) -> list[str]:
    lines = OutputLines()
    return [*(line for piece in pieces for line in lines.feed(piece)), *lines.flush()]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (["one\nt", "wo\n"], ["one", "two"]),
        (["no end"], ["no end"]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["10%\r20%\r", "\n"], ["20%"]),
        (["10%\r", "20%"], ["20%"]),
        (["\n", "\n"], ["", ""]),
        ([""], []),
    ],
)
def test_pieces_become_lines(pieces: list[str], told: list[str]) -> None:
    """A piece may end anywhere; of a line that is written anew the last state counts."""
    assert _all(*pieces) == told


@given(st.lists(st.text(alphabet="ab\n", max_size=9)))
def test_where_pieces_end_does_not_matter(pieces: list[str]) -> None:
    """The same text gives the same lines, however it is cut."""
    assert _all(*pieces) == _all("".join(pieces))


def test_a_line_that_is_written_anew_does_not_grow() -> None:
    """A progress display without a newline costs the same for each of its states."""
    lines = OutputLines()
    for percent in range(101):
        assert list(lines.feed(f"{percent}%\r")) == []
        assert len(lines._line) <= len("100%\r")
    assert list(lines.feed("\n")) == ["100%"]


def test_a_line_without_an_end_is_told_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dots that never end are seen as they come, and nothing is lost."""
    monkeypatch.setattr(output_lines, "MAX_LINE_CHARS", 9)
    assert _all(*["...."] * 7) == ["." * 12, "." * 12, "...."]
