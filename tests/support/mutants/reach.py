"""A plugin of pytest that tells of each line of the packages which tests reach it.

Coverage's contexts tell the same, but take twice the time of the tests. Each process of a run
writes what it saw to a file in the folder `MUTANTS_REACH`.
"""

from __future__ import annotations

import os
import pickle
import sys
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from typing_extensions import Self

from mutants.changes import PACKAGES

BEFORE_TESTS = ""
"""What stands in a test's place for lines that an import or a collection reaches."""

_MONITORING: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
_LINE: int = _MONITORING.events.LINE if _MONITORING else 0


@dataclass(frozen=True)
class Reach:
    """What the tests of one process reached.

    Attributes:
        tests: their names.
        by_line: of the lines of each file, the positions of the tests that reach them.
        failed: the names of those that failed.
    """

    tests: list[str]
    by_line: Mapping[str, Mapping[int, array[int]]]
    failed: Sequence[str] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what stands in a file."""
        return cls(*pickle.loads(path.read_bytes()))

    def write(self, path: Path) -> None:
        """Write it to a file."""
        path.write_bytes(pickle.dumps((self.tests, self.by_line, self.failed)))

    def reaching(self, file: str, lines: Collection[int] | None = None) -> set[str]:
        """Return the tests that reach lines of a file, or any of it."""
        by_line = self.by_line.get(file, {})
        return {
            self.tests[position]
            for line in (by_line if lines is None else lines)
            for position in by_line.get(line, ())
        }


class _Witness:
    def __init__(self, root: Path) -> None:
        self._folders = tuple(f"{root / package}{os.sep}" for package in PACKAGES)
        self._tests = [BEFORE_TESTS]
        self._reached: set[tuple[str, int]] = set()
        self._by_line: dict[str, dict[int, array[int]]] = {}
        self._failed: list[str] = []
        _MONITORING.use_tool_id(_MONITORING.COVERAGE_ID, "mutants")
        _MONITORING.register_callback(_MONITORING.COVERAGE_ID, _LINE, self._see)
        _MONITORING.set_events(_MONITORING.COVERAGE_ID, _LINE)

    def _see(self, code: CodeType, line: int) -> object:
        if code.co_filename.startswith(self._folders):
            self._reached.add((code.co_filename, line))
        return _MONITORING.DISABLE  # once in each test is enough

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._note(BEFORE_TESTS)
        _MONITORING.restart_events()
        try:
            return (yield)
        finally:
            self._note(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    def _note(self, test: str) -> None:
        if test:
            self._tests.append(test)
        number = len(self._tests) - 1 if test else 0
        reached, self._reached = self._reached, set()
        for file, line in reached:
            self._by_line.setdefault(file, {}).setdefault(line, array("I")).append(number)

    def pytest_sessionfinish(self) -> None:
        _MONITORING.set_events(_MONITORING.COVERAGE_ID, 0)
        path = Path(os.environ["MUTANTS_REACH"]) / f"{os.getpid()}.reach"
        Reach(self._tests, self._by_line, self._failed).write(path)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    config.pluginmanager.register(_Witness(config.rootpath))
