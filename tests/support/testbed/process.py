"""Processes: those of other test runs, and those that a test starts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def is_alive(process: str) -> bool:
    """Whether there is a process of that number; what is no number counts as alive."""
    if not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def running(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start a command for the block, with pipes for its output, and kill it after that.

    `Popen` as a context manager waits instead, for ever if the block failed before it
    stopped the command.
    """
    with subprocess.Popen(
        arguments, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
