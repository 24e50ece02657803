"""Temporary names, and publishing by renaming."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from fakes.artifact_store import InMemoryArtifactStore
from imagebuilders.artifact_stores.filesystem import File
from imagebuilders.artifact_stores.temporary import is_stale, is_temporary, temporary_name
from imagebuilders.exceptions import UploadError


@settings(max_examples=50)
@given(st.text(st.characters(exclude_characters="/\n", exclude_categories=["Cs"]), min_size=1))
def test_a_temporary_name_is_known_as_one(name: str) -> None:
    """Whatever the name, its temporary name is hidden, unique and recognised."""
    made = temporary_name(name)
    assert made.startswith(".")
    assert made != temporary_name(name)
    assert is_temporary(made)
    assert not is_stale(made)
    assert is_stale(made, after=-2)


@pytest.mark.parametrize("name", ["file", ".file.part", ".file.12345678-12.part", "file.part"])
def test_other_names_are_left_alone(name: str) -> None:
    """Files that only look a little like temporary ones are never taken for stale."""
    assert not is_temporary(name)
    assert not is_stale(name, after=-2)


def test_what_dead_processes_left_is_swept(mocker: MockerFixture) -> None:
    """A publish removes temporary files that are a day old, and no younger ones."""
    store = InMemoryArtifactStore()
    now = time.time()
    mocker.patch("time.time", return_value=now - 25 * 3600)
    old = temporary_name("a")
    mocker.patch("time.time", return_value=now - 23 * 3600)
    young = temporary_name("a")
    mocker.stopall()
    for name in (old, young):
        with store.open(f"folder/{name}", "wb") as file:
            file.write(b"half")
    store.publish("folder/file", [b"x"])
    assert store.listdir("folder") == sorted([young, "file"])


def test_a_sweep_that_fails_does_not_fail_the_upload(mocker: MockerFixture) -> None:
    """The file is published by then; what cannot be swept stays."""
    store = InMemoryArtifactStore()
    mocker.patch.object(store.filesystem, "ls", side_effect=PermissionError(13, "no"))
    assert store.publish("file", [b"x"]) == 1


class _FullOnClose(InMemoryArtifactStore):
    """A store whose files notice only when they are closed that there is no room."""

    @property
    def filesystem(self):  # type: ignore[no-untyped-def]
        """The file system, with files that fail to close."""
        filesystem = super().filesystem
        opened = filesystem.open

        class Closing:
            def __init__(self, file: File) -> None:
                self.file = file

            def write(self, data: bytes) -> int | None:
                if data == b"broken":
                    raise OSError(5, "write failed")
                return self.file.write(data)

            def close(self) -> None:
                self.file.close()
                raise OSError(28, "No space left on device")

        class Filesystem:
            def __getattr__(self, name: str) -> object:
                return getattr(filesystem, name)

            def open(self, path: str, mode: str = "rb") -> object:
                return Closing(opened(path, mode)) if mode == "wb" else opened(path, mode)

        return Filesystem()


def test_a_failing_close_publishes_nothing() -> None:
    """What is refused at the end is refused as a whole."""
    store = _FullOnClose()
    with pytest.raises(UploadError, match="no space is left"):
        store.publish("file", [b"x"])
    assert store.files == {}


def test_the_first_failure_is_the_one_told() -> None:
    """When writing fails and closing fails too, the error is that of writing."""
    with pytest.raises(UploadError, match="write failed"):
        _FullOnClose().publish("file", [b"broken"])
