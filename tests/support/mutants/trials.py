"""Trials of mutants in one copy of the project, each in a process that is forked for it.

What takes long is done once, before the forks: with `collected`, all tests are collected, and a
mutant's functions are replaced in the fork; with `imported`, only other people's packages are
imported, for a mutant that runs when its module is imported. Requests come and answers go as lines
of JSON by the two descriptors that are named on the command line.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TextIO

import pytest

from mutants.replacement import LiveFunctions, ReplacementError

Outcome = Literal["killed", "lives", "hangs", "import it", "broken"]
"""What a trial shows; of the last two, that it takes an import, or that it shows nothing."""

LIMIT = 30.0
"""So many seconds may pass before the next test begins."""

_IMPORT, _BROKEN = 77, 78
"""How a fork ends that cannot replace the functions of its mutant, or fails itself."""

_OUTCOMES: dict[int, Outcome] = {
    0: "lives",
    pytest.ExitCode.NO_TESTS_COLLECTED: "lives",
    _IMPORT: "import it",
    _BROKEN: "broken",
}

_SLOW_IMPORTS = (
    *("docker", "pydantic_settings", "boto3", "botocore.client", "moto.server", "rich.progress"),
    *("h2.connection", "fsspec.implementations.memory", "yaml", "click", "cryptography.x509"),
)


@dataclass(frozen=True)
class Trial:
    """A mutant that stands in its file, and the tests to try on it.

    Attributes:
        path: the file; empty for a trial of the tests without a mutant.
        before: its source without the mutant, as Latin-1, which keeps each byte.
        tests: the tests' names, the likeliest to fail first.
    """

    path: str
    before: str
    tests: list[str]

    def sources(self) -> tuple[bytes, bytes]:
        """Return the file's source without the mutant, and with it."""
        return self.before.encode("latin-1"), Path(self.path).read_bytes()

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))


class _Witness:
    """A plugin of pytest: each test that begins is told, and the first that fails ends it all."""

    def __init__(self, told: int) -> None:
        self._told = told

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        os.write(self._told, nodeid.encode() + b"\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)


class _Chosen:
    """A plugin of pytest: of what is collected, some tests are run."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._tests = set(tests)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._tests]


def answer(
    trial: Trial, run: Callable[[Trial, int], int], limit: float = LIMIT
) -> tuple[Outcome, str]:
    """Return what a trial shows, with the last test that began.

    Args:
        trial: what to try.
        run: runs it in a fork, and writes the names of its tests to a descriptor; what it returns
            is 0 where none fails.
        limit: how many seconds may pass before the next test begins.
    """
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()  # so that what it starts ends with it
        code = 1
        try:
            code = run(trial, told)
        except Exception:
            code = _BROKEN
        finally:
            os._exit(code)
    os.close(told)
    try:
        names, status = _listen(heard, child, limit)
    finally:
        os.close(heard)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what it left behind, and itself where it hangs
    last = names.rstrip(b"\n").rpartition(b"\n")[2].decode()
    if status is None:
        os.waitpid(child, 0)
        return "hangs", last
    return _OUTCOMES.get(status, "killed"), last


def _listen(heard: int, child: int, limit: float) -> tuple[bytes, int | None]:
    """Return the names that a process tells until it ends, and its code; none where it hangs."""
    names = b""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if select.select([heard], [], [], 0.2)[0] and (read := os.read(heard, 65536)):
            names += read
            until = time.monotonic() + limit
            continue
        # One that it left behind may hold the other end open.
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return names, os.waitstatus_to_exitcode(status)
    return names, None


def _serve(requests: TextIO, answers: TextIO, run: Callable[[Trial, int], int]) -> None:
    answers.write("ready\n")
    answers.flush()
    for line in requests:
        trial = Trial(**json.loads(line))
        outcome, test = answer(trial, run)
        answers.write(json.dumps([outcome, test]) + "\n")
        answers.flush()


def _arguments(*more: str) -> list[str]:
    # Nothing that is captured in a file is shared by the forks, and hypothesis draws the same.
    fixed = ("-q", "--capture=sys", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    return [*fixed, *more]


def _import_and_run(trial: Trial, told: int) -> int:
    files = dict.fromkeys(test.partition("::")[0] for test in trial.tests)
    plugins = [_Witness(told), _Chosen(trial.tests)]
    return int(pytest.main(_arguments("-x", *files), plugins=plugins))


class _Server:
    """A plugin of pytest: what is collected is run again and again, as requests ask."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._channel = requests, answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = LiveFunctions()

        def run(trial: Trial, told: int) -> int:
            try:
                if trial.path:
                    functions.replace(trial.path, *trial.sources())
            except ReplacementError:
                return _IMPORT
            session.config.pluginmanager.register(_Witness(told))
            try:
                run_in_order(session.config.hook.pytest_runtest_protocol, items, trial.tests)
            except Exception:  # a test failed so that not even pytest can tell of it
                return int(pytest.ExitCode.INTERNAL_ERROR)
            return 0

        gc.collect()
        gc.freeze()  # so that the forks share it
        _serve(*self._channel, run)
        return True


def run_in_order(
    run: Callable[..., object], items: Mapping[str, pytest.Item], names: Sequence[str]
) -> None:
    """Run tests, each with the one that follows, which tells what is torn down between them.

    Args:
        run: runs a test.
        items: all tests that were collected, by name.
        names: those that are wanted; one whose name was another in another process is left out.
    """
    chosen = [items[name] for name in names if name in items]
    for number, item in enumerate(chosen, 1):
        run(item=item, nextitem=chosen[number] if number < len(chosen) else None)


def main(way: str, requests: int, answers: int) -> None:
    """Answer requests until they end."""
    os.set_inheritable(requests, False)
    os.set_inheritable(answers, False)
    channel = os.fdopen(requests, encoding="utf-8"), os.fdopen(answers, "w", encoding="utf-8")
    if way == "collected":
        pytest.main(_arguments(), plugins=[_Server(*channel)])
    else:
        for name in _SLOW_IMPORTS:
            importlib.import_module(name)
        _serve(*channel, _import_and_run)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
