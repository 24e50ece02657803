"""Turning the HTTP libraries' errors into this package's own."""

from __future__ import annotations

import pytest
import requests
from docker.errors import APIError, DockerException

from imagebuilders.docker.stream import (
    EngineGoneError,
    EngineRefusedError,
    EngineSilentError,
    engine_errors,
)
from imagebuilders.exceptions import EngineError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (APIError("boom", explanation="why"), EngineRefusedError),
        (APIError("boom"), EngineRefusedError),
        (requests.Timeout("slow"), EngineSilentError),
        (requests.ConnectionError("Read timed out."), EngineSilentError),
        (requests.ConnectionError("reset"), EngineGoneError),
        (BrokenPipeError(32, "Broken pipe"), EngineGoneError),
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


def test_the_system_speaks_for_the_http_libraries() -> None:
    """Their own texts quote the URL, and with it the build arguments."""
    refused = ConnectionRefusedError(111, "Connection refused")
    error = requests.ConnectionError("Max retries exceeded with url: /build?buildargs=s3cret")
    error.__context__ = refused
    expected = pytest.raises(EngineGoneError, match="broke off: Connection refused")
    with expected as caught, engine_errors():
        raise error
    assert caught.value.__cause__ is refused
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)


def test_other_errors_pass() -> None:
    """A defect is not dressed up as the engine's."""
    with pytest.raises(ZeroDivisionError), engine_errors():
        raise ZeroDivisionError
