"""Containers whose processes hear signals, and end by them or do not."""

from __future__ import annotations

import time

from .container import Container, ContainerProcesses

_USUAL_SECONDS = 10
"""How long an engine waits for an end when nobody says it."""


def evaluated_in(container: Container) -> ContainerProcesses | None:
    """Return the processes of a container whose own command is evaluated; else `None`."""
    return container.machine if container.executed == "shell" else None


def ends_by(
    container: Container, machine: ContainerProcesses, number: int, seconds: int | None
) -> bool:
    """Send a signal to a container's first process, and wait; whether the container ended.

    Nothing is waited for where the process does nothing about the signal, as process 1 does that
    has not asked for it.

    Args:
        container: which.
        machine: its processes.
        number: of the signal.
        seconds: to wait; `None` for the usual, a negative number for no end.
    """
    ends = container.ends
    if not machine.signal(number):
        return container.ends > ends
    longest = _USUAL_SECONDS if seconds is None else seconds
    until = None if longest < 0 else time.monotonic() + longest
    with container.changed:
        while container.ends == ends and container.running:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            container.wait_for_change(left)
    return True
