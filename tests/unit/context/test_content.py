"""Reading files that change meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.context.content import CHUNK_SIZE, ContentReader, read_whole
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.inspection import inspect
from imagebuilders.exceptions import BuildContextError, ContextChangedError


def read_chunks(entry: Entry) -> Iterator[bytes]:
    """Read a file in pieces."""
    with ContentReader() as reader:
        yield from reader.read_chunks(entry)


def entry_of(path: Path, content: bytes) -> Entry:
    """Write a file and make its entry."""
    path.write_bytes(content)
    return inspect(path.name, str(path))


def test_content(tmp_path: Path) -> None:
    """A file's content, content held in memory, and nothing at all."""
    content = os.urandom(CHUNK_SIZE + 1)
    entry = entry_of(tmp_path / "f", content)
    assert [len(chunk) for chunk in read_chunks(entry)] == [CHUNK_SIZE, 1]
    assert read_whole(entry) == content
    assert read_whole(Entry("a", EntryType.FILE, source=b"x")) == b"x"
    assert list(read_chunks(Entry("a", EntryType.FILE))) == []


def replace_by_folder(path: Path) -> None:
    """Put a directory in a file's place."""
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    """Put a FIFO in a file's place: opening it must not wait for a writer."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "vanished"),
        (lambda path: path.write_bytes(b"abc"), "shrank"),
        (lambda path: path.write_bytes(b"abcde"), "grew"),
        (lambda path: os.utime(path, ns=(1, 1)), "was written to"),
        (replace_by_folder, "was replaced"),
        (replace_by_pipe, "was replaced"),
    ],
)
def test_changed_before(tmp_path: Path, change: Callable[[Path], None], words: str) -> None:
    """A file that is no longer what its entry says is told, with its path."""
    entry = entry_of(tmp_path / "f", b"abcd")
    change(tmp_path / "f")
    with pytest.raises(ContextChangedError, match=f"f {words} while") as caught:
        read_whole(entry)
    assert caught.value.path == str(tmp_path / "f")


@pytest.mark.parametrize(
    ("size", "words"), [(0, "shrank"), (CHUNK_SIZE, "shrank"), (3 * CHUNK_SIZE, "grew")]
)
def test_changed_while_read(tmp_path: Path, size: int, words: str) -> None:
    """So is one that shrinks or grows while it is read."""
    path = tmp_path / "f"
    chunks = read_chunks(entry_of(path, bytes(2 * CHUNK_SIZE)))
    next(chunks)
    os.truncate(path, size)
    with pytest.raises(ContextChangedError, match=words):
        list(chunks)


def test_unreadable(tmp_path: Path, mocker: MockerFixture) -> None:
    """A file that may not be read is an error with the line that excludes it."""
    entry = entry_of(tmp_path / "f", b"x")
    mocker.patch("os.open", side_effect=PermissionError(13, "Permission denied"))
    with pytest.raises(BuildContextError, match=r"f cannot be read: Permission denied.*'f'"):
        read_whole(entry)


def test_failing_disk(tmp_path: Path, mocker: MockerFixture) -> None:
    """A disk that fails in the middle is an error, and the file is closed."""
    entry = entry_of(tmp_path / "f", b"x")
    mocker.patch("os.read", side_effect=OSError(5, "Input/output error"))
    with pytest.raises(BuildContextError, match="Input/output error"):
        read_whole(entry)


def test_short_reads(tmp_path: Path, mocker: MockerFixture) -> None:
    """A file system that gives less than asked for is asked again, up to the end of the file."""
    entry = entry_of(tmp_path / "f", b"abcdef")
    real = os.read
    mocker.patch("os.read", side_effect=lambda descriptor, size: real(descriptor, min(size, 2)))
    assert read_whole(entry) == b"abcdef"
    mocker.patch("os.read", side_effect=[b"ab", b""])
    with pytest.raises(ContextChangedError, match="shrank"):
        read_whole(entry)


def test_large_content_in_memory() -> None:
    """Content held in memory is given as it is, however large."""
    content = bytes(CHUNK_SIZE + 1)
    entry = Entry("a", EntryType.FILE, size=len(content), source=content)
    assert list(read_chunks(entry)) == [content]


def test_a_folder_that_is_nowhere() -> None:
    """It is one that everybody may enter, and that its owner writes."""
    assert inspect("made", None) == Entry("made", EntryType.DIRECTORY, 0o755)
