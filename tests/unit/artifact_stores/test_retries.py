"""Retries: how many, after which pauses, of which errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.artifact_stores.retries import RetryPolicy


class _Requests:
    """Fails a number of times, then succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.made <= self.failures:
            raise ConnectionError(f"failure {self.made}")
        return "done"


@settings(max_examples=50)
@given(
    attempts=st.integers(1, 8),
    failures=st.integers(0, 10),
    first=st.floats(0.01, 2),
    longest=st.floats(0.01, 20),
)
def test_pauses_grow_up_to_the_longest(
    attempts: int, failures: int, first: float, longest: float
) -> None:
    """A request is made at most `attempts` times; pauses double and are bounded."""
    pauses: list[float] = []
    drawn: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    policy = RetryPolicy(attempts, first, longest, sleep=pauses.append, uniform=highest)
    requests = _Requests(failures)
    told: list[int] = []

    def call() -> str:
        return policy.call(
            requests,
            is_transient=lambda _: True,
            before_pause=lambda error, count, pause: told.append(count),
        )

    if failures >= attempts:
        with pytest.raises(ConnectionError, match=f"failure {attempts}$"):
            call()
    else:
        assert call() == "done"
    assert requests.made == min(attempts, failures + 1)
    assert pauses == [min(longest, first * 2**n) for n in range(requests.made - 1)]
    assert drawn == [(0.0, pause) for pause in pauses]
    assert told == list(range(1, requests.made))


def test_a_lasting_error_is_not_tried_again() -> None:
    """An error that will not pass comes out at once."""
    requests = _Requests(1)
    with pytest.raises(ConnectionError):
        RetryPolicy().call(
            requests, is_transient=lambda _: False, before_pause=lambda *_: pytest.fail("paused")
        )
    assert requests.made == 1


def test_very_many_attempts_have_finite_pauses() -> None:
    """Thousands of doublings are no number that a float holds: the longest pause counts."""
    pauses: list[float] = []
    policy = RetryPolicy(2000, sleep=pauses.append, uniform=lambda _, high: high)
    requests = _Requests(1999)
    told = {"is_transient": lambda _: True, "before_pause": lambda *_: None}
    assert policy.call(requests, **told) == "done"  # type: ignore[arg-type]
    assert pauses[-1] == policy.longest_delay
