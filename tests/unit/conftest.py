"""What all unit tests share."""

from __future__ import annotations

import ipaddress
import os
import pkgutil
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings
from thread_tracing import traced_one_by_one

# A slow machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ["pytester"]


def _keep_bytecode() -> None:
    """Keep what is compiled, in a folder of its own where the environment forbids it.

    Else each of the many programs that tests start compiles all that it imports.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        folder = str(Path.home() / ".cache" / "imagebuilders-tests" / "bytecode")
        sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", folder)
        sys.dont_write_bytecode = False


_keep_bytecode()


_ENGINE_SOCKETS = {"/var/run/docker.sock", "/run/docker.sock"}


def _stay_inside(event: str, arguments: tuple[object, ...]) -> None:
    """Keep unit tests off the network, and this machine's engine out of their sight."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple):
        host = str(address[0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a unit test connects to {address}")
    elif address in _ENGINE_SOCKETS:
        raise ConnectionRefusedError(111, "unit tests see no engine of this machine")


sys.addaudithook(_stay_inside)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell starts background jobs with Ctrl-C ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _threads_traced_one_by_one() -> Iterator[None]:
    """Where coverage is measured, threads begin without hindering each other."""
    with traced_one_by_one():
        yield


@pytest.fixture(scope="session")
def everything_imported() -> None:
    """Import all of the two packages, for tests that run pytest in this process.

    Such a run forgets the modules that it imported, and what is imported after it would be
    a second copy of a module whose first copy is still in use.
    """
    for name in ("imagebuilders", "fakes"):
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            # Contracts are rewritten when a test imports them; these two are programs.
            if "contracts" not in module.name and not module.name.endswith("__main__"):
                import_module(module.name)
