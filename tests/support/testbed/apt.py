"""Installing Debian packages, where that is allowed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.errors import NoTestbedError

_POLICY = Path("/usr/sbin/policy-rc.d")
_LOCK = Path("/var/tmp/imagebuilders-apt.lock")


def can_install() -> bool:
    """Whether this is a Debian-like system and we are root on it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Install packages without starting the services they bring.

    Raises:
        NoTestbedError: apt-get failed; its last lines are in the text.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _one_at_a_time(), _no_service_starts():
        for command in (
            ["apt-get", "update"],
            ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(
                command,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            # A stale or partly reachable list is no reason to stop: the install tells.
            if done.returncode and command[1] == "install":
                tail = "\n".join(done.stdout.splitlines()[-15:])
                raise NoTestbedError(f"`{' '.join(command)}` failed:\n{tail}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test runs side by side wait for each other, as apt-get would not."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian starts a package's services on installation unless this file says no."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
