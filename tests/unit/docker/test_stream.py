"""Turning the HTTP libraries' errors into this package's own."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
import requests
from docker.errors import APIError, DockerException

from fakes import FakeDockerClient
from imagebuilders.docker.stream import engine_errors, post
from imagebuilders.exceptions import (
    EngineDisconnectedError,
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (APIError("boom", explanation="why"), EngineResponseError),
        (APIError("boom"), EngineResponseError),
        (BrokenPipeError(32, "Broken pipe"), EngineDisconnectedError),
        (TimeoutError("timed out"), EngineTimeoutError),
        (DockerException("odd"), EngineError),
    ],
)
def test_each_error_has_its_counterpart(error: Exception, expected: type[EngineError]) -> None:
    """The original error is the cause."""
    with pytest.raises(expected) as caught, engine_errors():
        raise error
    assert type(caught.value) is expected
    assert caught.value.__cause__ is error
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.Timeout("url: /build?buildargs=s3cret (connect timeout=1)"), EngineTimeoutError),
        (requests.ConnectionError("s3cret: Read timed out."), EngineTimeoutError),
        (requests.ConnectionError("reset: s3cret"), EngineDisconnectedError),
    ],
)
def test_the_http_libraries_errors_are_not_shown(
    error: Exception, expected: type[EngineError]
) -> None:
    """They quote the URL, and with it the build arguments; a traceback would print them."""
    with pytest.raises(expected) as caught, engine_errors():
        raise error
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_body_that_is_not_sent_to_its_end_is_closed(
    client: FakeDockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a file open; the error's traceback would keep it so."""
    closed: list[bool] = []

    def body() -> Iterator[bytes]:
        try:
            yield b"first"
            yield b"second"
        finally:
            closed.append(True)

    def take_one(*_: object, data: Iterator[bytes], **__: object) -> None:
        assert next(data) == b"first"
        raise requests.ConnectionError("reset")

    monkeypatch.setattr(client.api, "post", take_one)
    expected = pytest.raises(EngineDisconnectedError)
    with expected as caught, post(client, "/build", params={}, headers={}, body=body()):
        pytest.fail("there was an answer")
    assert closed == [True]
    assert caught.value.__traceback__ is not None


def test_the_system_speaks_for_the_http_libraries() -> None:
    """Their own texts quote the URL, and with it the build arguments."""
    refused = ConnectionRefusedError(111, "Connection refused")
    error = requests.ConnectionError("Max retries exceeded with url: /build?buildargs=s3cret")
    error.__context__ = refused
    expected = pytest.raises(EngineDisconnectedError, match="broke off: Connection refused")
    with expected as caught, engine_errors():
        raise error
    assert caught.value.__cause__ is refused
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)


def test_other_errors_pass() -> None:
    """A defect is not dressed up as the engine's."""
    with pytest.raises(ZeroDivisionError), engine_errors():
        raise ZeroDivisionError
