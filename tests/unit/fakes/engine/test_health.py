"""Health checks in the course of time, as Docker documents them.

https://docs.docker.com/reference/dockerfile/#healthcheck
"""

from __future__ import annotations

import pytest

from fakes.engine.containers.health import HealthMonitor

S = 10**9


class _Probe:
    """A command that is asked after: it notes what it was run with, and finds as it is told."""

    def __init__(self, code: int = 0, output: bytes = b"") -> None:
        self.found = code, output
        self.asked: list[tuple[list[str], int]] = []

    def __call__(self, command: list[str], nanoseconds: int) -> tuple[int, bytes]:
        self.asked.append((command, nanoseconds))
        return self.found


def _monitor(*, start_interval: bool = True, **check: object) -> HealthMonitor:
    test = {"Test": ["CMD", "check", "it"], **check}
    return HealthMonitor(test, ["/bin/sh", "-c"], 1000 * S, start_interval)


def test_what_is_not_said_is_docker_s() -> None:
    """Every 30 seconds, for 30 seconds at most, unhealthy after three that fail."""
    monitor, probe = _monitor(), _Probe(1)
    assert not monitor.look(1030 * S - 1, probe)
    assert probe.asked == []
    assert not monitor.look(1030 * S, probe)
    assert probe.asked == [(["check", "it"], 30 * S)]
    assert not monitor.look(1060 * S, probe)
    assert (monitor.status, monitor.streak) == ("starting", 2)
    assert monitor.look(1090 * S, probe)
    assert (monitor.status, monitor.streak) == ("unhealthy", 3)
    probe.found = 0, b""
    assert monitor.look(1120 * S, probe)
    assert monitor.to_json()["Status"] == "healthy"
    assert (monitor.streak, len(probe.asked)) == (0, 4)


def test_what_is_said_counts() -> None:
    """Interval, timeout, retries, and a line for the shell."""
    monitor = _monitor(Test=["CMD-SHELL", "a | b"], Interval=2 * S, Timeout=7, Retries=1)
    probe = _Probe(2)
    assert monitor.look(1002 * S, probe)
    assert probe.asked == [(["/bin/sh", "-c", "a | b"], 7)]
    assert (monitor.status, monitor.log[0]["ExitCode"]) == ("unhealthy", 2)


def test_a_time_to_start_in() -> None:
    """Checks come more often in it, and none that fails counts; one that succeeds does."""
    monitor, probe = _monitor(StartPeriod=12 * S), _Probe(1)
    for seconds in (5, 10):
        assert not monitor.look((1000 + seconds) * S, probe)
    assert (len(probe.asked), monitor.streak) == (2, 0)
    monitor.look(1015 * S, probe)
    assert monitor.streak == 1  # it is over by now
    assert monitor.due == 1045 * S
    early, fine = _monitor(StartPeriod=100 * S, StartInterval=3 * S), _Probe()
    assert early.look(1003 * S, fine)
    assert (early.status, early.due) == ("healthy", 1006 * S)
    early.look(1006 * S, fine)
    assert early.due == 1036 * S
    old = _monitor(start_interval=False, StartPeriod=100 * S, StartInterval=3 * S)
    assert old.due == 1030 * S


def test_the_newest_checks_are_told() -> None:
    """Five of them, each with 4096 bytes of its output."""
    monitor, probe = _monitor(), _Probe()
    for number in range(1, 8):
        probe.found = 0, f"{number}".encode() + b"x" * 5000
        monitor.look((1000 + 30 * number) * S, probe)
    assert [entry["Output"][0] for entry in monitor.log] == list("34567")
    assert {len(entry["Output"]) for entry in monitor.log} == {4096}
    assert monitor.log[-1]["Start"] == "1970-01-01T00:20:10Z"


@pytest.mark.parametrize(("retries", "made"), [(3, 6), (8, 9)])
def test_checks_that_nobody_waited_for(retries: int, made: int) -> None:
    """Of those that are due only the newest are made, one more than can matter."""
    monitor, probe = _monitor(Retries=retries), _Probe(1)
    assert monitor.look(1000 * S + 30 * S * 100, probe)
    assert (len(probe.asked), monitor.status) == (made, "unhealthy")
    assert monitor.due == 1000 * S + 30 * S * 101


def test_a_container_that_stopped_is_not_checked() -> None:
    """It is unhealthy until it is started again; a check at work then is not told."""
    monitor, probe = _monitor(), _Probe()
    monitor.stop()
    assert not monitor.look(2000 * S, probe)
    assert (monitor.status, probe.asked, monitor.due) == ("unhealthy", [], None)
    monitor.resume(2000 * S)
    assert monitor.due == 2030 * S

    def stop_meanwhile(_: list[str], __: int) -> tuple[int, bytes]:
        monitor.stop()
        assert not monitor.look(9000 * S, probe)  # who looks meanwhile sees what was before
        return 0, b""

    monitor.look(2030 * S, stop_meanwhile)
    assert monitor.to_json() == {"Status": "unhealthy", "FailingStreak": 0, "Log": []}
