"""Which methods of the Docker SDK a module of tests shows at work."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeVar

import pytest

_Test = TypeVar("_Test", bound=Callable[..., Any])


class SdkTable:
    """Rows of SDK methods, each with the test that calls it on the double.

    Args:
        classes: those whose public methods the table has to name.
    """

    def __init__(self, *classes: type) -> None:
        self._classes = {one.__name__: one for one in classes}
        self._rows: dict[str, str] = {}

    def covers(self, *methods: str, since: str = "") -> Callable[[_Test], _Test]:
        """Put methods (`Class.method`) into the table; the decorated test calls them.

        Args:
            methods: their names.
            since: the SDK version that brought them, if the oldest allowed has them not.
        """
        self._rows.update(dict.fromkeys(methods, since))

        def keep(test: _Test) -> _Test:
            return test

        return keep

    def check(self) -> None:
        """Compare the table with the SDK that is installed."""
        there = {
            f"{name}.{method}"
            for name, one in self._classes.items()
            for method in dir(one)
            if not method.startswith("_")
        }
        installed = version("docker")
        if unnamed := sorted(there - set(self._rows)):
            pytest.fail(
                f"docker {installed} has public methods without a row here: "
                f"{', '.join(unnamed)}. Add a test for each, marked with covers(…), and "
                "since=… if older versions lack it"
            )
        gone = [
            row
            for row, since in self._rows.items()
            if row not in there and not (since and _numbers(installed) < _numbers(since))
        ]
        if gone:
            pytest.fail(f"docker {installed} does not have: {', '.join(sorted(gone))}")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
