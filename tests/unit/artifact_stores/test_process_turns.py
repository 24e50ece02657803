"""Turns that processes take."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.artifact_stores import process_turns
from imagebuilders.artifact_stores.process_turns import process_turn

_HOLD = """
import sys
from imagebuilders.artifact_stores.process_turns import process_turn
with process_turn(sys.argv[1]):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the locks in a folder of the test's own."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hold() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a process that has a turn until its standard input ends."""
    started = []

    def start(name: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"has it\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def _take(name: str) -> tuple[threading.Thread, threading.Event]:
    taken = threading.Event()

    def work() -> None:
        with process_turn(name):
            taken.set()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, taken


@pytest.mark.parametrize("end", ["well", "killed"])
def test_a_process_waits_for_another(
    end: str,
    hold: Callable[[str], subprocess.Popen[bytes]],
    cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until the other is done, or dead; for one with another name it does not wait."""
    caplog.set_level("INFO")
    other = hold("s3://b/a.tar.gz")
    with process_turn("s3://b/other.tar.gz"):
        thread, taken = _take("s3://b/a.tar.gz")
        assert not taken.wait(0.2)
    if end == "killed":
        other.kill()
    else:
        assert other.stdin is not None
        other.stdin.close()
    thread.join(10)
    assert taken.is_set()
    assert caplog.text.count("Another process is busy with s3://b/a.tar.gz") == 1
    assert list((cache / "turns").iterdir()) == []


def test_one_that_stands_still_is_passed_over(
    hold: Callable[[str], subprocess.Popen[bytes]], mocker: MockerFixture
) -> None:
    """Nothing waits for ever for a process that was halted."""
    hold("a")
    mocker.patch.object(process_turns, "LONGEST_WAIT", 0.0)
    thread, taken = _take("a")
    thread.join(10)
    assert taken.is_set()


def test_without_a_folder_nothing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """A folder that cannot be made, and none at all, are no errors."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with process_turn("a"), process_turn("a"):
        pass
    mocker.patch.object(process_turns, "own_cache_folder", return_value=None)
    with process_turn("a"), process_turn("a"):
        pass


def test_a_file_that_its_last_owner_removed_is_no_turn(cache: Path, mocker: MockerFixture) -> None:
    """The lock of a file that is gone is worth nothing: another one is taken at its place."""
    taken = []
    lock = fcntl.flock

    def locked(descriptor: int, how: int) -> None:
        lock(descriptor, how)
        taken.append(descriptor)
        if len(taken) == 1:
            for path in cache.rglob("*"):
                if path.is_file():
                    path.unlink()

    mocker.patch("fcntl.flock", locked)
    with process_turn("name"):
        assert len(taken) == 2
        assert [path for path in cache.rglob("*") if path.is_file()]


def test_an_error_in_the_block_ends_the_turn(cache: Path) -> None:
    """Nothing is left, and the next one has it at once."""

    def fail() -> None:
        with process_turn("\udc80"):
            assert len(list((cache / "turns").iterdir())) == 1
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert list((cache / "turns").iterdir()) == []
    with process_turn("\udc80"):
        pass
