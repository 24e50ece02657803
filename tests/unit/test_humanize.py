"""Sizes and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.humanize import age, counted, duration, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_549, "1.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_300_000, "12.3 MB"),
        (8_600_000_000, "8.6 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_size(count: int, text: str) -> None:
    """Sizes are spelled in powers of 1000 with one digit after the point."""
    assert size(count) == text


@given(st.integers(0, 10**15 - 10**11))
def test_size_never_has_four_digits(count: int) -> None:
    """Rounding never makes a thousand of a unit."""
    assert float(size(count).split()[0]) < 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.449, "0.4s"),
        (59.94, "59.9s"),
        (59.95, "1m00s"),
        (185, "3m05s"),
        (3599.6, "1h00m"),
        (3725, "1h02m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """Durations grow from tenths of a second to hours."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (2 * 86400 - 1, "47 h"),
        (2 * 86400, "2 days"),
        (10 * 86400 + 5, "10 days"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    """How long ago something was has one unit, and begins anew with the next."""
    assert age(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_counted(count: int, text: str) -> None:
    """One alone has no plural."""
    assert counted(count, "file") == text
