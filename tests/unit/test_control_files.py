"""The one reader of control files."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.control_files import MAX_SIZE, is_there, read_control_file
from imagebuilders.exceptions import ControlFileError, ControlFileNotFoundError


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    """Its bytes come as they are, with the status by which it is known in a folder."""
    path = tmp_path / "config.json"
    content = bytes(range(256)) * 1000
    path.write_bytes(content)
    read = read_control_file(path)
    assert read.content == content
    assert read.path == str(path)
    assert os.path.samestat(read.status, path.stat())
    assert "config.json" in repr(read)
    assert "\\x01" not in repr(read)


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A link to a file is that file."""
    (tmp_path / "there").write_text("text")
    (tmp_path / "link").symlink_to("there")
    assert read_control_file(tmp_path / "link").content == b"text"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(Path.mkdir, "it is a folder", id="folder"),
        pytest.param(os.mkfifo, "it is a pipe (FIFO)", id="pipe"),
        pytest.param(_socket, "it is a socket", id="socket"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "it is a device", id="device"),
    ],
)
def test_what_is_not_a_regular_file_is_refused_for_what_it_is(
    tmp_path: Path, make: Callable[[Path], object], kind: str
) -> None:
    """Neither a pipe without a writer nor an endless device is waited for, or opened."""
    path = tmp_path / "odd"
    make(path)
    with pytest.raises(ControlFileError) as caught:
        read_control_file(path)
    assert caught.value.reason == f"{kind}, and must be a regular file"
    assert str(caught.value) == f"The file {path} cannot be read: {caught.value.reason}."
    assert caught.value.path == str(path)


def test_a_pipe_that_takes_the_files_place_is_refused(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    """What was opened counts, not what stood there before; and opening it does not wait."""
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    before = os.stat(tmp_path / "file")
    mocker.patch("os.stat", return_value=before)
    with pytest.raises(ControlFileError, match="it is a pipe"):
        read_control_file(tmp_path / "pipe")


def test_no_more_is_read_than_the_limit_allows(tmp_path: Path) -> None:
    """The error tells the limit; a file of just that size is taken."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * 100)
    assert len(read_control_file(path, limit=100).content) == 100
    with pytest.raises(ControlFileError, match="it has more than 99 bytes, the limit"):
        read_control_file(path, limit=99)
    os.truncate(path, MAX_SIZE + 1)
    with pytest.raises(ControlFileError, match=f"it has more than {MAX_SIZE} bytes"):
        read_control_file(path)


@pytest.mark.parametrize("name", ["missing", "file/below", "link"])
def test_a_missing_file_has_an_error_of_its_own(tmp_path: Path, name: str) -> None:
    """Callers tell it from a file that is there and cannot be read."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(ControlFileNotFoundError, match="There is no file"):
        read_control_file(tmp_path / name)


@pytest.mark.parametrize("name", ["nul\0", "surrogate\ud800"])
def test_a_path_that_no_file_can_have_is_refused(name: str) -> None:
    """The system's `ValueError` does not come through, and the text can be printed."""
    with pytest.raises(ControlFileError, match="a character that no path can have") as caught:
        read_control_file(name)
    assert str(caught.value).isprintable()
    str(caught.value).encode()


def test_the_systems_refusal_is_told(tmp_path: Path, mocker: MockerFixture) -> None:
    """Its own words are the reason."""
    (tmp_path / "file").write_text("")
    mocker.patch("os.open", side_effect=PermissionError(13, "Permission denied"))
    with pytest.raises(ControlFileError) as caught:
        read_control_file(tmp_path / "file")
    assert caught.value.reason == "Permission denied"


def test_streams_are_read_where_they_are_allowed() -> None:
    """A shell's `<(command)` is a pipe under `/dev/fd`."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"FROM scratch\n")
        os.close(writing)
        path = f"/dev/fd/{reading}"
        with pytest.raises(ControlFileError, match="it is a pipe"):
            read_control_file(path)
        assert read_control_file(path, allow_streams=True).content == b"FROM scratch\n"
    finally:
        os.close(reading)


def test_streams_have_a_limit_too() -> None:
    """An endless device does not take all memory."""
    with pytest.raises(ControlFileError, match="more than 1000 bytes"):
        read_control_file("/dev/zero", limit=1000, allow_streams=True)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """It is closed whether the reading succeeds or not."""
    path = tmp_path / "file"
    path.write_bytes(b"xx")
    before = os.listdir("/dev/fd")
    read_control_file(path)
    with pytest.raises(ControlFileError):
        read_control_file(path, limit=1)
    assert os.listdir("/dev/fd") == before


def test_the_errors_can_be_copied() -> None:
    """They cross processes with all they say."""
    error = ControlFileNotFoundError("text", path="p", reason="r")
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert (str(again), again.path, again.reason) == ("text", "p", "r")


def test_what_is_there(tmp_path: Path, mocker: MockerFixture) -> None:
    """What may not be looked at is there; what no path can name is not."""
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "loop").symlink_to("loop")
    found = {name: is_there(tmp_path / name) for name in ("file", "loop", "nowhere", "x" * 300)}
    assert found == {"file": True, "loop": True, "nowhere": False, "x" * 300: False}
    assert not is_there(tmp_path / "file/below")
    assert not is_there("a\0b")
    mocker.patch("os.stat", side_effect=PermissionError(errno.EACCES, "denied"))
    assert is_there(tmp_path / "missing")
