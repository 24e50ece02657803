"""What to do when no engine answers."""

from __future__ import annotations

import pytest

from imagebuilders.connections.advice import not_found_message
from imagebuilders.exceptions import EngineAttempt

SOCKET = EngineAttempt("usual socket", "unix:///run/x.sock", "no such socket")
DENIED = EngineAttempt("usual socket", "unix:///run/y.sock", "permission denied")
HOST = EngineAttempt("DOCKER_HOST", "unix:///dead.sock", "no such socket")
HOST_DENIED = EngineAttempt("DOCKER_HOST", "unix:///z.sock", "permission denied")
CONTEXT = EngineAttempt("DOCKER_CONTEXT 'ci'", "tcp://ci:2375", "no answer within 5 s")
CURRENT = EngineAttempt("current Docker context 'ci'", "tcp://ci:2375", "connection refused")


@pytest.mark.parametrize(
    ("attempts", "lead"),
    [
        ([SOCKET], "There are two common causes:"),
        ([CURRENT, SOCKET], "There are two common causes:"),
        ([SOCKET, DENIED, SOCKET], "Your user may not connect to unix:///run/y.sock: add the user"),
        ([HOST_DENIED], "Your user may not connect to unix:///z.sock: add the user"),
        ([HOST], "DOCKER_HOST is set, so no other engine was tried: start the engine"),
        ([CONTEXT], "DOCKER_CONTEXT is set, so no other engine was tried: start the engine"),
    ],
)
def test_advice_fits_the_outcome(attempts: list[EngineAttempt], lead: str) -> None:
    """What fits comes right after what was tried; the two common causes are always there."""
    text = not_found_message(attempts, {"HOME": "/home/ann"})
    lines = text.splitlines()
    assert lines[0] == "No Docker Engine answers. Tried, in this order:"
    assert lines[len(attempts) + 1].startswith(lead)
    assert [line.partition(":")[0] for line in lines[-2:]] == [
        "  - The Docker daemon is not running",
        "  - The Docker client is not configured",
    ]
    assert "/home/ann/.docker/config.json" in text
    assert "set DOCKER_CONFIG to the folder" in text


def test_who_has_set_docker_host_is_not_told_to_set_it() -> None:
    """The advice to set DOCKER_HOST is for those who have not."""
    assert "or set DOCKER_HOST" not in not_found_message([HOST], {})
    assert "or set DOCKER_HOST" in not_found_message([SOCKET], {})
