"""A folder that is gone at the end."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.temporary_folder import temporary_folder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_the_users_and_goes(place: Path) -> None:
    """With what is in it, also after an error."""
    with suppress(ZeroDivisionError), temporary_folder() as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        (Path(path) / "a").mkdir()
        (Path(path) / "a" / "b").touch()
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_an_interrupted_removal_goes_on(place: Path, mocker: MockerFixture) -> None:
    """The interruption is raised when the folder is gone."""
    real = shutil.rmtree
    calls: list[str] = []

    def interrupted(path: str, *, ignore_errors: bool) -> None:
        calls.append(path)
        if len(calls) < 3:
            raise KeyboardInterrupt
        real(path, ignore_errors=ignore_errors)

    mocker.patch("imagebuilders.temporary_folder.shutil.rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), temporary_folder():
        pass
    assert len(calls) == 3
    assert list(place.iterdir()) == []


def test_an_interruption_just_after_it_was_made(place: Path, mocker: MockerFixture) -> None:
    """Nothing is left."""
    real = os.mkdir

    def interrupted(path: str, mode: int) -> None:
        real(path, mode)
        raise KeyboardInterrupt

    mocker.patch("imagebuilders.temporary_folder.os.mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), temporary_folder():
        raise AssertionError("it was not entered")
    assert list(place.iterdir()) == []
