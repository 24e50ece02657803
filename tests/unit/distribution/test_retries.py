"""When and how long the registry client waits before it tries again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_clients import Waits

from imagebuilders.distribution import RetryPolicy


def test_waits_double_up_to_the_longest() -> None:
    """And end with the last attempt."""
    policy = Waits().policy(attempts=6, first_wait=1.0, longest_wait=5.0)
    assert [policy.wait_before(attempt) for attempt in range(1, 7)] == [1, 2, 4, 5, 5, None]


def test_chance_makes_a_wait_up_to_a_half_longer() -> None:
    """Many clients do not come back at once."""
    assert RetryPolicy(first_wait=1.0, chance=lambda: 1.0).wait_before(1) == 1.5


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0.5),
        ("61", None),
        ("9" * 400, None),
        ("-1", 0.5),
        ("1.5", 0.5),
        ("soon", 0.5),
        ("\N{SUPERSCRIPT TWO}", 0.5),
        ("Thu, 01 Jan 1970 00:16:50 GMT", 10),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.5),
        ("Thu, 01 Jan 2970 00:00:00 GMT", None),
        ("Thu, 99 Jan 1970 00:00:00 GMT", 0.5),
    ],
)
def test_a_registry_may_ask_for_a_longer_wait(retry_after: str, wait: float | None) -> None:
    """In seconds or by a date; one that is too long ends the attempts."""
    waits = Waits(now=1000.0)
    assert waits.policy().wait_before(1, retry_after) == wait


@given(st.text(max_size=40))
def test_any_retry_after_is_read(text: str) -> None:
    """A hostile field is no way to break the client, or to hold it forever."""
    wait = Waits().policy().wait_before(1, text)
    assert wait is None or 0 <= wait <= 60
