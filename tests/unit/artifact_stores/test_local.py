"""The store in a folder: the contract, atomicity, full disks, what dead processes leave."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores import local
from imagebuilders.artifact_stores.local import (
    LocalArtifactStore,
    LocalArtifactStoreConfig,
    LocalArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.artifact_stores.temporary import temporary_name
from imagebuilders.exceptions import ArtifactStoreError, ConfigurationError, UploadError


class TestContract(ArtifactStoreContract):
    """A folder keeps the contract of every store."""

    @pytest.fixture
    def artifact_store(self, tmp_path: Path) -> LocalArtifactStore:
        """A store whose folder does not exist yet."""
        return LocalArtifactStore(path=str(tmp_path / "store"))


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    """A store in an empty folder."""
    return LocalArtifactStore(path=str(tmp_path))


# --- settings ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/data/x/", "/data/x"),
        ("file:///data/a%20b", "/data/a b"),
        ("file://localhost/data", "/data"),
        ("~/x", "/home/me/x"),
        ("here", "/data/here"),
    ],
)
def test_paths_are_made_absolute(given: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, `~` and file URLs all end up as one absolute path."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(os, "getcwd", lambda: "/data")
    assert LocalArtifactStore(path=given).path == path


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("s3://bucket", "use the flavor 's3'"),
        ("file://other/data", "names another machine"),
        ("/data/\ud800", "must be a path that the file system has bytes for"),
        ("", "must name a folder"),
        ("a\0b", "must name a folder"),
    ],
)
def test_other_paths_are_refused(given: str, words: str) -> None:
    """What is no folder of this machine is an error that says what to do."""
    with pytest.raises(ConfigurationError, match=words):
        LocalArtifactStore(path=given)


def test_the_default_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the archives go where a user's data goes."""
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/data")
    assert LocalArtifactStore().path == "/home/me/data/imagebuilders/artifacts"


def test_its_flavor() -> None:
    """The flavor `local` leads to the store and its settings."""
    flavor = LocalArtifactStoreFlavor()
    assert flavor.name == "local"
    assert flavor.implementation_class is LocalArtifactStore
    assert flavor.config_class is LocalArtifactStoreConfig


# --- publishing --------------------------------------------------------------


def test_a_published_file_has_the_users_usual_rights(store: LocalArtifactStore) -> None:
    """The file's mode is that of any new file, not a temporary file's."""
    mask = os.umask(0o027)
    try:
        store.publish("folder/file", [b"x"])
    finally:
        os.umask(mask)
    mode = stat.S_IMODE(os.stat(f"{store.path}/folder/file").st_mode)
    assert mode == 0o640


def test_a_file_is_seen_only_when_it_is_whole(store: LocalArtifactStore) -> None:
    """While it is written, the final name shows the old content, and the lock is held."""

    def chunks() -> Iterator[bytes]:
        yield b"new "
        with store.open("file") as file:
            assert file.read() == b"old"
        (temporary,) = set(os.listdir(store.path)) - {"file"}
        assert not local._remove_abandoned(f"{store.path}/{temporary}")
        yield b"content"

    store.publish("file", [b"old"])
    store.publish("file", chunks())
    with store.open("file") as file:
        assert file.read() == b"new content"


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("write", errno.ENOSPC, "no space is left there"),
        ("fsync", errno.EIO, "Input/output error"),
        ("replace", errno.EROFS, "Read-only file system"),
        ("makedirs", errno.EACCES, "permission denied"),
    ],
)
def test_a_failing_disk_leaves_nothing(
    store: LocalArtifactStore,
    mocker: MockerFixture,
    call: str,
    code: int,
    words: str,
) -> None:
    """Whichever step the system refuses: an upload error, and no file, temporary or final."""
    mocker.patch(f"os.{call}", side_effect=OSError(code, os.strerror(code)))
    with pytest.raises(UploadError, match=words) as caught:
        store.publish("file", [b"content"])
    mocker.stopall()
    assert caught.value.path == f"{store.path}/file"
    assert os.listdir(store.path) == []


def test_a_real_limit_on_file_size_leaves_nothing(tmp_path: Path) -> None:
    """A process that may write 64 KiB only gets a clear error, and leaves no file."""
    script = """
import resource, sys
from imagebuilders.artifact_stores.local import LocalArtifactStore
from imagebuilders.exceptions import UploadError
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    LocalArtifactStore(path=sys.argv[1]).publish("file", [bytes(40000)] * 2)
except UploadError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "larger than the file system or this process's limit" in done.stdout
    assert os.listdir(tmp_path) == []


def test_a_short_write_is_continued(store: LocalArtifactStore, mocker: MockerFixture) -> None:
    """A system that takes less than was given is given the rest."""
    write = os.write
    mocker.patch("os.write", side_effect=lambda fd, data: write(fd, data[:3]))
    store.publish("file", [b"0123456789"])
    assert Path(store.path, "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_folder_that_cannot_be_synced(
    store: LocalArtifactStore, mocker: MockerFixture, code: int
) -> None:
    """File systems that cannot sync a folder do without; a disk that fails is told."""
    sync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    mocker.patch("os.fsync", side_effect=sync_files_only)
    if code == errno.EINVAL:
        assert store.publish("file", [b"x"]) == 1
    else:
        with pytest.raises(UploadError, match="Input/output error"):
            store.publish("file", [b"x"])


# --- what dead processes leave -------------------------------------------------


def test_an_abandoned_file_is_swept_at_once(store: LocalArtifactStore) -> None:
    """A temporary file nobody has locked belongs to a dead process, however young it is."""
    left = Path(store.path, temporary_name("file"))
    left.write_bytes(b"half")
    other = Path(store.path, ".file.part")
    other.write_bytes(b"somebody else's")
    store.publish("file", [b"x"])
    assert sorted(os.listdir(store.path)) == [".file.part", "file"]


def test_a_locked_file_is_left_alone(store: LocalArtifactStore) -> None:
    """A temporary file that is being written stays, unless it is a day old."""
    busy = Path(store.path, temporary_name("file"))
    with busy.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        store.publish("file", [b"x"])
        assert busy.exists()

        class Impatient(LocalArtifactStore):
            stale_after = -2

        Impatient(path=store.path).publish("file", [b"x"])
        assert not busy.exists()


def test_a_file_taken_before_it_was_locked_is_made_anew(
    store: LocalArtifactStore, mocker: MockerFixture
) -> None:
    """Another upload may sweep a file between its making and its locking."""
    lock = fcntl.flock

    def swept_first(descriptor: int, operation: int) -> None:
        if flock.call_count == 1:
            (name,) = os.listdir(store.path)
            os.unlink(f"{store.path}/{name}")
        lock(descriptor, operation)

    flock = mocker.patch("fcntl.flock", side_effect=swept_first)
    store.publish("file", [b"content"])
    assert flock.call_count == 2
    assert os.listdir(store.path) == ["file"]


def test_an_abandoned_file_is_locked_until_it_is_gone(
    store: LocalArtifactStore, mocker: MockerFixture
) -> None:
    """A writer that waits for the lock must not get it on a file that is about to go."""
    left = Path(store.path, temporary_name("file"))
    left.write_bytes(b"half")
    unlink = os.unlink

    def check(path: str) -> None:
        with open(path, "rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlink(path)

    removing = mocker.patch("os.unlink", side_effect=check)
    store.publish("file", [b"x"])
    removing.assert_called_once_with(str(left))


def test_a_file_system_without_locks_will_do(
    store: LocalArtifactStore, mocker: MockerFixture
) -> None:
    """Without locks nothing young is swept, and publishing works."""
    left = Path(store.path, temporary_name("file"))
    left.write_bytes(b"half")
    mocker.patch("fcntl.flock", side_effect=OSError(errno.ENOTSUP, "Not supported"))
    store.publish("file", [b"x"])
    assert left.exists()


def test_a_file_that_cannot_be_swept_does_not_keep_others(
    store: LocalArtifactStore, mocker: MockerFixture
) -> None:
    """One that another sweep removed first, or that is another user's, is passed over."""
    removed, foreign, left = (temporary_name(name) for name in ("removed", "foreign", "left"))
    for name in (foreign, left):
        Path(store.path, name).write_bytes(b"half")
    open_file = os.open

    def refuse(path: str, *arguments: int) -> int:
        if path.endswith(foreign):
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_file(path, *arguments)

    mocker.patch("os.listdir", return_value=[removed, foreign, left])
    mocker.patch("os.open", side_effect=refuse)
    assert store.publish("file", [b"x"]) == 1
    mocker.stopall()
    assert sorted(os.listdir(store.path)) == sorted([foreign, "file"])


def test_a_file_in_the_place_of_a_folder(store: LocalArtifactStore) -> None:
    """A folder that cannot be made is an error that says so."""
    store.publish("file", [b"x"])
    with pytest.raises(UploadError, match=r"Not a directory|File exists"):
        store.publish("file/below", [b"x"])
    with pytest.raises(ArtifactStoreError):
        store.makedirs("file")


def test_what_is_no_file_in_the_place_of_one(store: LocalArtifactStore) -> None:
    """A pipe is not waited for: it has no end to read, and a file may take its place."""
    os.mkfifo(f"{store.path}/pipe")
    (Path(store.path) / "device").symlink_to("/dev/zero")
    (Path(store.path) / "folder").mkdir()
    assert store.read_tail("pipe", 10) == store.read_tail("device", 10) == Tail(0, b"")
    with pytest.raises(ArtifactStoreError, match="Is a directory"):
        store.read_tail("folder", 10)
    store.publish("pipe", [b"content"])
    assert store.read_tail("pipe", 10) == Tail(7, b"content")


def test_an_upload_needs_no_fsspec(tmp_path: Path) -> None:
    """Uploading to a folder does not wait for fsspec to be imported."""
    script = """
import sys
from imagebuilders.artifact_stores import LocalArtifactStore, upload_build_context
from imagebuilders.build_context import BuildContext
context, store = BuildContext(sys.argv[1]), LocalArtifactStore(path=sys.argv[2])
assert upload_build_context(context, store, "a") == upload_build_context(context, store, "a")
print("fsspec" in sys.modules)
"""
    (tmp_path / "context").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "context"), str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert done.stdout == "False\n"
