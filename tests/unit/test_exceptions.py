"""The errors: one root, and every one reaches another process whole."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable

import pytest

from imagebuilders import exceptions
from imagebuilders.exceptions import (
    ArtifactNotFoundError,
    BuildContextError,
    BuildError,
    EngineAttempt,
    EngineNotFoundError,
    ImageBuilderError,
    Remedy,
)

_VALUES: dict[str, object] = {
    "attempts": [EngineAttempt("DOCKER_HOST", "unix:///a", "no such socket")],
    "problems": {"target": "must be text"},
    "output": ["a", "b"],
    "log": ["a"],
    "allowed": ["x"],
    "remedy": Remedy.NAME_DOCKERFILE,
    "exit_code": 3,
    "line": 7,
    "status": 404,
}
_KINDS = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, Exception)
]


def _example(kind: type[Exception]) -> Exception:
    """Make an error with a value for each of its parameters."""
    parameters = [
        parameter
        for parameter in inspect.signature(kind.__init__).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and parameter.name != "self"
    ]
    values = {each.name: _VALUES.get(each.name, f"the {each.name}") for each in parameters}
    return kind(**values) if values else kind("what happened")


def _pickled(error: Exception, protocol: int) -> Exception:
    again = pickle.loads(pickle.dumps(error, protocol))
    assert isinstance(again, Exception)
    return again


_WAYS: list[Callable[[Exception], Exception]] = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda error, protocol=protocol: _pickled(error, protocol)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.__name__)
def test_error_survives_pickling_and_copying(kind: type[Exception]) -> None:
    """The class, the text and every attribute are the same afterwards."""
    error = _example(kind)
    for way in _WAYS:
        again = way(error)
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def test_system_error_keeps_its_text() -> None:
    """An error that is an `OSError` too is restored as well, though that makes its own `args`."""
    again = pickle.loads(pickle.dumps(ArtifactNotFoundError("nothing there", path="a/b")))
    assert (str(again), again.path, again.errno) == ("nothing there", "a/b", None)


def test_error_of_another_package_survives() -> None:
    """A class derived from one of these, with whatever arguments, needs nothing for it."""
    error = _KiteError("no wind", speed=3)
    error.__notes__ = ["try tomorrow"]  # as `add_note`, which Python 3.10 does not have
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.speed, again.__notes__) == ("no wind: 3", 3, ["try tomorrow"])


class _WindError(ImageBuilderError, ImportError):
    """Derives from a built-in that is made in a way of its own."""


def test_error_of_any_built_in_survives() -> None:
    """The other base of an error may be any built-in one."""
    again = pickle.loads(pickle.dumps(_WindError("no wind")))
    assert (type(again), str(again)) == (_WindError, "no wind")


class _KiteError(BuildError):
    def __init__(self, reason: str, *, speed: int) -> None:
        super().__init__(f"{reason}: {speed}", exit_code=speed)
        self.speed = speed


def test_one_root() -> None:
    """`except ImageBuilderError` catches them all; the documented built-ins catch theirs."""
    assert all(issubclass(kind, ImageBuilderError) for kind in _KINDS)
    assert issubclass(EngineNotFoundError, RuntimeError)
    assert issubclass(BuildContextError, ValueError)
    assert issubclass(ArtifactNotFoundError, FileNotFoundError)
