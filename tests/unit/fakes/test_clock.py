"""The clocks of the doubles."""

from __future__ import annotations

import time

from pytest_mock import MockerFixture

from fakes import FakeDockerEngine, FakeRegistry, InMemoryArtifactStore
from fakes.clock import ManualClock, nanoseconds, seconds
from fakes.registry import Request


def test_the_machine_s_time_is_asked_for_each_time(mocker: MockerFixture) -> None:
    """A test may freeze it after a double was made, or while it is used."""
    engine, told = FakeDockerEngine(), seconds(None)
    mocker.patch("time.time_ns", return_value=5_000_000_000)
    assert engine.clock() == 5_000_000_000
    assert told() == 5.0


def test_a_clock_and_a_function_tell_the_time() -> None:
    """A clock has one unit; a function has that of the double."""
    clock = ManualClock(start=2)
    clock.advance(0.5)
    assert nanoseconds(clock)() == 2_500_000_000
    assert seconds(clock)() == 2.5
    assert nanoseconds(lambda: 7)() == 7
    assert seconds(lambda: 7.5)() == 7.5


def test_only_pauses_are_remembered_as_pauses() -> None:
    """What the test lets pass is none of the double's."""
    clock = ManualClock()
    clock.sleep(1)
    clock.advance(2)
    assert (clock.now, clock.pauses) == (3, [1])


def test_several_doubles_have_one_clock() -> None:
    """A delay of the registry's is time for the engine and the store."""
    clock = ManualClock(start=100)
    engine, store = FakeDockerEngine(clock=clock), InMemoryArtifactStore(clock=clock)
    registry = FakeRegistry(clock=clock)
    registry.faults.delay(60)
    before = time.monotonic()
    registry.handle(Request("GET", "/v2/"))
    assert time.monotonic() - before < 30
    assert engine.clock() == 160_000_000_000
    assert store.clock.pauses == [60]
