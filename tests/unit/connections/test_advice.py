"""What to do when no engine answers."""

from __future__ import annotations

import pytest

from imagebuilders.connections.advice import not_found_message
from imagebuilders.exceptions import AttemptFailure, EngineAttempt


def _attempt(source: str, failure: AttemptFailure = AttemptFailure.NOT_RUNNING) -> EngineAttempt:
    return EngineAttempt(source, "unix:///x.sock", "the outcome", failure)


SOCKET = _attempt("usual socket")
DENIED = _attempt("usual socket", AttemptFailure.NOT_ALLOWED)
CURRENT = _attempt("current Docker context 'ci'")
MALFORMED = _attempt("current Docker context", AttemptFailure.CONFIGURATION)
HOST = _attempt("DOCKER_HOST")
CONTEXT = _attempt("DOCKER_CONTEXT 'ci'")


@pytest.mark.parametrize(
    ("attempts", "lead", "common"),
    [
        ([], "There are two common causes:", True),
        ([SOCKET], "There are two common causes:", True),
        ([CURRENT, SOCKET], "There are two common causes:", True),
        ([DENIED, SOCKET], "Your user may not connect to unix:///x.sock: add the user", False),
        ([SOCKET, DENIED], "Your user may not connect to unix:///x.sock: add the user", True),
        ([MALFORMED, SOCKET], "Correct what current Docker context leads to.", True),
        ([MALFORMED], "Correct what current Docker context leads to.", False),
        ([HOST], "DOCKER_HOST is set, so no other engine was tried: start the engine", True),
        ([CONTEXT], "DOCKER_CONTEXT is set, so no other engine was tried: start the engine", True),
    ],
)
def test_advice_fits_the_outcome(attempts: list[EngineAttempt], lead: str, common: bool) -> None:
    """What fits comes right after what was tried; common causes, where they can be the cause."""
    text = not_found_message(attempts, {"HOME": "/home/ann"})
    lines = text.splitlines()
    assert lines[0] == "No Docker Engine answers. Tried, in this order:"
    assert lines[len(attempts) + 1].startswith(lead)
    assert ("two common causes:" in text) is common
    if common:
        assert [line.partition(":")[0] for line in lines[-2:]] == [
            "  - The Docker daemon is not running",
            "  - The Docker client is not configured",
        ]
        assert "/home/ann/.docker/config.json" in text
        assert "set DOCKER_CONFIG to the folder" in text


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (AttemptFailure.NOT_ALLOWED, "add the user to the socket's group"),
        (AttemptFailure.TLS, "spoken to by TLS, and whether the files in DOCKER_CERT_PATH"),
        (AttemptFailure.COMMAND, "See whether `docker -H unix:///x.sock version` works"),
        (AttemptFailure.ANSWER, "whether it is a Docker Engine that listens at unix:///x.sock"),
        (AttemptFailure.PROXY, "or have unix:///x.sock asked directly, by its host in NO_PROXY."),
        (AttemptFailure.ADDRESS, "Correct the address in DOCKER_HOST."),
        (AttemptFailure.CONFIGURATION, "Correct what DOCKER_HOST leads to."),
    ],
)
def test_each_failure_has_its_advice(failure: AttemptFailure, advice: str) -> None:
    """An engine that is there, but cannot be used, is not one to start."""
    text = not_found_message([_attempt("DOCKER_HOST", failure)], {"DOCKER_HOST": "unix:///x.sock"})
    assert advice in text
    assert "DOCKER_HOST is set, so no other engine was tried: correct DOCKER_HOST" in text
    assert "common causes" not in text
    assert "start" not in text


def test_the_same_advice_is_given_once() -> None:
    """However many places it fits."""
    assert not_found_message([DENIED, DENIED], {}).count("Your user may not connect") == 1


def test_who_has_set_docker_host_is_not_told_to_set_it() -> None:
    """The advice to set DOCKER_HOST is for those who have not."""
    set_it = {"DOCKER_HOST": "unix:///x.sock"}
    assert "or set DOCKER_HOST" not in not_found_message([HOST], set_it)
    assert "only counts when DOCKER_HOST is not set" in not_found_message([HOST], set_it)
    assert "or set DOCKER_HOST" in not_found_message([SOCKET], {})
