"""Copies of the project, in each of which one mutant after the other is tried.

All tests run once with coverage, which tells of each line the tests that reach it: these are tried
on a mutant, those of its own area first, then those that reach its file. Where it runs when its
module is imported, or once for a cache, tests of its area are tried that reach neither.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from typing_extensions import Self

from mutants.changes import ROOT, Mutant
from mutants.reach import BEFORE_TESTS, Reach
from mutants.trials import Outcome, Trial

_NEAR = 8
"""So many files of tests are tried first where each trial imports them, and then ever more."""

_FAR = 1500
"""So many tests are tried at most that reach no line of a mutant."""


class Laboratory:
    """Copies of the project, each with two servers of trials; see `mutants.trials`."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._reached = folder / "reach"
        self._jobs = jobs
        self._free: SimpleQueue[_Copy] = SimpleQueue()
        self._copies = [_Copy(folder / str(number)) for number in range(jobs)]
        for each in self._copies:
            self._free.put(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._copies:
            each.close()

    def measure(self) -> None:
        """Find out which tests reach which lines; refuse to go on where one fails unchanged.

        A busy machine may fail a test by chance: those that fail are run again, alone.
        """
        self._reached.mkdir()
        reach = self._pytest("-p", "mutants.reach", "-n", str(self._jobs))
        failed = sorted({test for part in self._parts for test in part.failed})
        if reach and (not failed or self._pytest(*failed)):
            sys.exit(
                "the unit tests fail in a copy of the project without any mutant: "
                f"{', '.join(failed) or f'pytest ended with {reach}'}"
            )

    def _pytest(self, *arguments: str) -> int:
        first = self._copies[0]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *arguments],
            cwd=first.folder,
            env={**first.environment, "MUTANTS_REACH": str(self._reached)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return ran.returncode

    def killer(self, mutant: Mutant) -> str | None:
        """Return the test that fails with a mutant, or never ends; none where it lives."""
        copied = self._free.get()
        try:
            return self._killer(copied, mutant)
        finally:
            self._free.put(copied)

    def _killer(self, copied: _Copy, mutant: Mutant) -> str | None:
        on_import, tests = self._tests(mutant)
        near, far = (nearest_first(mutant, each) for each in tests)
        left, files = near + far[:_FAR], _NEAR
        while left:
            way = "imported" if on_import else "collected"
            part = _of_files(left, files) if on_import else left
            outcome, test = copied.try_tests(way, mutant, part)
            if outcome == "import it":
                on_import = True
            elif outcome == "lives":
                left, files = left[len(part) :], 4 * files
            elif not test:
                return "the collection of tests"
            elif copied.try_tests(way, None, [test])[0] == "lives":
                return test
            else:
                left = left[left.index(test) + 1 :]  # it fails also without the mutant
        return None

    def _tests(self, mutant: Mutant) -> tuple[bool, tuple[set[str], set[str]]]:
        """Return whether a mutant runs on import, and the tests that reach it, and that may.

        What runs once for all, on import or for a cache, is told of one test at most.
        """
        of_file: set[str] = set()
        of_lines: set[str] = set()
        every: set[str] = set()
        path = str(self._copies[0].folder / mutant.file)
        for part in self._parts:
            every.update(part.tests)
            of_file.update(part.reaching(path))
            of_lines.update(part.reaching(path, mutant.lines))
        if mutant.on_import or BEFORE_TESTS in of_lines:
            return True, (of_file - {BEFORE_TESTS}, every - of_file)
        return False, (of_lines, of_file - of_lines)

    @cached_property
    def _parts(self) -> list[Reach]:
        return [Reach.read(path) for path in sorted(self._reached.glob("*.reach"))]


class _Copy:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
        shutil.copytree(ROOT, folder, ignore=left_out)
        path = os.pathsep.join([str(folder), str(folder / "tests/support")])
        # Sets have the same order in each run. What tests leave behind stands beside the copy: a
        # project that a test makes in it would be a part of this one.
        temporary = folder.with_name(f"{folder.name}-tmp")
        temporary.mkdir()
        own = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "TMPDIR": str(temporary)}
        self.environment = {**os.environ, **own}
        self._servers: dict[str, _Server] = {}
        self._times = count(1)

    def try_tests(self, way: str, mutant: Mutant | None, tests: list[str]) -> tuple[Outcome, str]:
        """Return what tests show of a mutant, or without one, and the last of them that began."""
        if way not in self._servers:
            self._servers[way] = _Server(way, self.folder, self.environment)
        server = self._servers[way]
        if mutant is None:
            return server.try_(Trial("", "", tests))
        path = self.folder / mutant.file
        source, before = path.read_bytes(), path.stat()
        path.write_bytes(mutant.applied(source))
        # What Python compiled before is then not taken for this, and is good again afterwards.
        os.utime(path, (before.st_atime, before.st_mtime + 10 * next(self._times)))
        try:
            return server.try_(Trial(str(path), source.decode("latin-1"), tests))
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def close(self) -> None:
        for server in self._servers.values():
            server.close()


class _Server:
    def __init__(self, way: str, folder: Path, environment: dict[str, str]) -> None:
        requests, asked = os.pipe()
        told, answers = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mutants.trials", way, str(requests), str(answers)],
            cwd=folder,
            env=environment,
            pass_fds=(requests, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(requests)
        os.close(answers)
        self._asked = os.fdopen(asked, "w", encoding="utf-8")
        self._told = os.fdopen(told, encoding="utf-8")
        # Before a mutant stands in its file: what is imported by then has none.
        if not self._told.readline():
            raise RuntimeError(f"the tests could not be {way} in a copy of the project")

    def try_(self, trial: Trial) -> tuple[Outcome, str]:
        self._asked.write(trial.to_json() + "\n")
        self._asked.flush()
        outcome, test = json.loads(self._told.readline())
        if outcome == "broken":
            raise RuntimeError(f"no trial was made, after {test}")
        return outcome, test

    def close(self) -> None:
        self._asked.close()
        self._told.close()
        self._process.wait()


def nearest_first(mutant: Mutant, tests: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return tests in an order in which those come first that are likely to notice a mutant.

    They stand in files that name what it is in, then in those of its own area.
    """
    package, _, inside = mutant.file.partition("/")
    place = Path("tests/unit") / ("fakes" if package == "fakes" else "") / inside
    area = place.with_name(f"test_{place.name}").as_posix()
    names = {place.stem, *(name.lstrip("_") for name in mutant.scope.split("."))} - {"", "init__"}

    def rank(file: str) -> tuple[int, int, str]:
        found = sum(name in _text(root / file) for name in names)
        return -found - 2 * (file == area), -len(os.path.commonpath([file, area])), file

    ranks = {file: rank(file) for file in {test.partition("::")[0] for test in tests}}
    return sorted(tests, key=lambda test: (ranks[test.partition("::")[0]], test))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _of_files(tests: list[str], most: int) -> list[str]:
    """Return the first of some tests, of as many files at most."""
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))[:most]
    return [test for test in tests if test.partition("::")[0] in files]
