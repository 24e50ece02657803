"""What tests of the BuildKit client share."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebuilders.events import Event, listen


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """See that a test leaves no thread of a connection and no descriptor behind."""
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive(), f"{thread.name} is left"
    gc.collect()
    assert _descriptors() <= descriptors


def _descriptors() -> set[tuple[str, str]]:
    """Return the sockets and pipes that are open, by number and what they lead to."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith(("socket:", "pipe:")):
            found.add((name, target))
    return found


@pytest.fixture
def events() -> Iterator[list[Event]]:
    """Everything that is told during a test."""
    told: list[Event] = []
    with listen(told.append):
        yield told
