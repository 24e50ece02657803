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


def test_other_errors_pass() -> None:
    """A defect is not dressed up as the engine's."""
    with pytest.raises(ZeroDivisionError), engine_errors():
        raise ZeroDivisionError
