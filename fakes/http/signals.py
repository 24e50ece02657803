"""What the doubles as programs do with signals."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from types import FrameType


def stop_on_signals(stop: Event) -> None:
    """End on an interrupt or a termination as on a wish, with nothing on the screen."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (a signal handler)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end, whatever signals come meanwhile.

    Returns:
        What a shell says of it: its exit code, or 128 and the number of the signal it died of.

    Raises:
        OSError: it cannot be run.
    """
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and _in_foreground():
            return  # Ctrl-C in a terminal reaches the program too: twice would be once too often.
        if running:
            running[0].send_signal(number)
        else:
            early.append(number)

    with _handled_by(forward), subprocess.Popen(list(command), env=dict(environment)) as child:
        running.append(child)
        for number in early:
            child.send_signal(number)
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal sends Ctrl-C to this process and its children."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
