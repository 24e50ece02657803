"""Large files take time in proportion to their size."""

from __future__ import annotations

import time

import pytest

from imagebuilders.dockerfile import check, parse

_SIZE = 100_000
# Each takes a tenth of a second here. Where the time grew with the square of the size, the worst
# of them would take minutes.
_SECONDS = 20.0


@pytest.mark.parametrize(
    ("begin", "repeated"),
    [
        ("RUN a", " \\\n b"),
        ("RUN a \\\n", "\n"),
        ("RUN ", "<<A \\\n"),
        ("RUN <<", "${a:-\\\n"),
        ("", "ONBUILD --a \\\n"),
        ("CMD ", "[\\\n"),
        ("CMD ", '{"a":\\\n'),
        ("ENV a=", '"\\\n'),
        ("COPY ", "--a=b \\\n"),
        ("COPY --", "a\\\n"),
        ("HEALTHCHECK CMD ", "[\\\n"),
        ("# syntax=a", " "),
        ("", "RUN <<A\nA\n"),
    ],
)
def test_time(begin: str, repeated: str) -> None:
    """Repetition, depth and length of one thing make no file slow."""
    content = begin + repeated * (_SIZE // len(repeated)) + "b"
    started = time.monotonic()
    list(check(parse(content.encode())))
    assert time.monotonic() - started < _SECONDS
