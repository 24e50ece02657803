"""Uploading build contexts: what is asked of the store, said in the log and told in events."""

from __future__ import annotations

import hashlib
import logging
import os
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from fakes.artifact_store import InMemoryArtifactStore
from imagebuilders import events
from imagebuilders.archivable import ArchiveType
from imagebuilders.artifact_stores.archive_trailer import TRAILER_SIZE
from imagebuilders.artifact_stores.upload import upload_build_context
from imagebuilders.base_image_builder import BaseImageBuilder
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import BuildContextError, ContextChangedError, UploadError
from imagebuilders.local_image_builder import LocalImageBuilder
from imagebuilders.stack import Stack


class Context:
    """A context whose archive is given, and which counts what it is asked."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.archived = 0
        self.error: Exception | None = None

    def digest(self) -> str:
        """Give the digest."""
        return "sha256:" + hashlib.sha256(b"".join(self.chunks)).hexdigest()

    def iter_archive(self, archive_type: ArchiveType = ArchiveType.TAR) -> Iterator[bytes]:
        """Give the archive, without being a generator."""
        self.archived += 1
        if self.error is not None:
            raise self.error
        return iter(self.chunks)


@pytest.fixture
def store() -> InMemoryArtifactStore:
    """An empty store."""
    return InMemoryArtifactStore()


@pytest.fixture
def context() -> Context:
    """A context of two chunks."""
    return Context([b"1234", b"567"])


def name_of(context: Context) -> str:
    """Give the name of the context's archive."""
    return context.digest().removeprefix("sha256:") + ".tar.gz"


def test_a_new_context_is_looked_for_and_sent(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """One look, one folder, one publish; the archive ends with its trailer."""
    path = upload_build_context(context, store, "contexts")
    assert path == f"memory://artifacts/contexts/{name_of(context)}"
    assert [operation.name for operation in store.operations] == [
        "read_tail",
        "makedirs",
        "publish",
    ]
    (content,) = store.files.values()
    assert content[:-TRAILER_SIZE] == b"1234567"


def test_an_unchanged_context_costs_one_request(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """Nothing is archived, nothing is written, one thing is asked."""
    upload_build_context(context, store, "contexts")
    store.forget_operations()
    upload_build_context(context, store, "contexts")
    assert [operation.name for operation in store.operations] == ["read_tail"]
    assert store.bytes_written == 0
    assert context.archived == 1


def test_the_log_says_which_of_the_two_it_did(
    store: InMemoryArtifactStore, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """Uploaded, with bytes, seconds and path; or already there."""
    with caplog.at_level(logging.INFO, "imagebuilders.artifact_stores.upload"):
        path = upload_build_context(context, store, "contexts")
        upload_build_context(context, store, "contexts")
    sent, found = caplog.messages
    assert sent.startswith(f"Uploaded the build context to {path} ({7 + TRAILER_SIZE} bytes in 0.")
    assert found == f"The build context is already at {path}; nothing was sent."


def test_progress_is_told(store: InMemoryArtifactStore, context: Context) -> None:
    """Every chunk is an event, the last one says how much it was; so does an archive found."""
    heard: list[events.Event] = []
    with events.listen(heard.append):
        path = upload_build_context(context, store, "contexts")
        whole = 7 + TRAILER_SIZE
        assert heard == [
            events.UploadProgress(path, 4),
            events.UploadProgress(path, 7),
            events.UploadProgress(path, whole),
            events.UploadProgress(path, whole, total=whole, done=True),
        ]
        heard.clear()
        upload_build_context(context, store, "contexts")
        assert heard == [events.UploadProgress(path, 0, total=whole, done=True)]


def test_a_listener_that_raises_ends_the_upload(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """Its own error comes out and nothing is published."""

    def listener(event: events.Event) -> None:
        raise ZeroDivisionError

    with events.listen(listener), pytest.raises(ZeroDivisionError):
        upload_build_context(context, store, "contexts")
    assert store.files == {}


def test_a_transient_fault_costs_another_attempt(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """A write that is cut is made again from the start, with a new archive."""
    store.cut_write(5, times=2)
    upload_build_context(context, store, "contexts")
    assert context.archived == 3
    assert list(store.files) == [f"contexts/{name_of(context)}"]


def test_a_full_disk_is_an_upload_error(store: InMemoryArtifactStore, context: Context) -> None:
    """It says so, at once, and leaves nothing."""
    store.cut_write(5, InMemoryArtifactStore.full)
    with pytest.raises(UploadError, match="no space is left there") as caught:
        upload_build_context(context, store, "contexts")
    assert caught.value.path == f"memory://artifacts/contexts/{name_of(context)}"
    assert store.files == {}
    assert context.archived == 1


def test_a_store_that_cannot_be_asked_is_an_upload_error(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """Whatever fails in the store, callers catch one error."""
    store.fail("read_tail", lambda: PermissionError(13, "Permission denied"))
    with pytest.raises(UploadError, match="permission denied"):
        upload_build_context(context, store, "contexts")
    assert context.archived == 0


def test_the_contexts_own_error_comes_out(store: InMemoryArtifactStore, context: Context) -> None:
    """A file that cannot be read is not the store's fault, and not tried again."""
    context.error = BuildContextError("cannot read x")
    with pytest.raises(BuildContextError, match="cannot read x"):
        upload_build_context(context, store, "contexts")
    assert context.archived == 1


def test_a_damaged_archive_is_replaced_with_a_warning(
    store: InMemoryArtifactStore, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that something else stood there, and its size."""
    path = upload_build_context(context, store, "contexts")
    store.publish(path, [b"damaged"])
    upload_build_context(context, store, "contexts")
    assert f"{path} (7 bytes) is not a whole archive of this build context" in caplog.text


def test_an_archive_of_another_context_is_replaced(
    store: InMemoryArtifactStore, context: Context
) -> None:
    """A whole archive under another context's name is found out too."""
    path = upload_build_context(context, store, "contexts")
    other = upload_build_context(Context([b"other"]), store, "contexts")
    whole = store.files[path.removeprefix("memory://artifacts/")]
    store.rename(other, path)
    upload_build_context(context, store, "contexts")
    assert store.files[path.removeprefix("memory://artifacts/")] == whole


@pytest.mark.parametrize("folder", ["a/b", "/a/b/", "a//b"])
def test_the_folder_may_be_deep(
    store: InMemoryArtifactStore, context: Context, folder: str
) -> None:
    """Slashes too many do not matter."""
    assert upload_build_context(context, store, folder).startswith("memory://artifacts/a/b/")


def test_the_folder_must_be_inside(store: InMemoryArtifactStore, context: Context) -> None:
    """A folder outside the store is refused."""
    with pytest.raises(UploadError, match="not a path inside"):
        upload_build_context(context, store, "../elsewhere")


def test_an_archive_with_its_trailer_is_read_by_tarfile(store: InMemoryArtifactStore) -> None:
    """Python's tarfile reads it, as a file and as a stream."""
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("Dockerfile"), BytesIO())
    upload_build_context(Context([raw.getvalue()]), store, "contexts")
    (content,) = store.files.values()
    for mode in ("r:gz", "r|gz"):
        with tarfile.open(fileobj=BytesIO(content), mode=mode) as archive:
            assert archive.getnames() == ["Dockerfile"]


def test_a_real_context_is_uploaded_once(
    store: InMemoryArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder uploads a `BuildContext` to the active stack's store, and finds it again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "context"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext(str(root))
    stack = Stack(image_builder=LocalImageBuilder(), artifact_store=store)
    with stack.activate():
        path = BaseImageBuilder._upload_build_context(context, "contexts")
        assert BaseImageBuilder._upload_build_context(context, "contexts") == path
    assert path == f"{store.path}/contexts/{context.digest().removeprefix('sha256:')}.tar.gz"
    assert [operation.name for operation in store.operations][-1] == "read_tail"
    (content,) = store.files.values()
    with tarfile.open(fileobj=BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == ["Dockerfile"]


def test_a_file_that_changes_after_the_digest_ends_the_upload(
    store: InMemoryArtifactStore, tmp_path: Path, mocker: MockerFixture
) -> None:
    """The archive is of the state that its name tells, or is not published."""
    (tmp_path / "file").write_text("before")
    makedirs = store.makedirs

    def change(path: str) -> None:
        (tmp_path / "file").write_text("after!")
        os.utime(tmp_path / "file", (1, 1))
        makedirs(path)

    mocker.patch.object(store, "makedirs", change)
    with pytest.raises(ContextChangedError, match="file was written to"):
        upload_build_context(BuildContext(str(tmp_path)), store, "contexts")
    assert store.files == {}


def test_a_file_that_is_added_meanwhile_is_not_sent(
    store: InMemoryArtifactStore, tmp_path: Path, mocker: MockerFixture
) -> None:
    """It belongs to the next upload."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("before")
    makedirs = store.makedirs

    def add(path: str) -> None:
        (root / "new").write_text("new")
        makedirs(path)

    mocker.patch.object(store, "makedirs", add)
    upload_build_context(BuildContext(str(root)), store, "contexts")
    (content,) = store.files.values()
    with tarfile.open(fileobj=BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == ["file"]


def test_the_dockerfile_is_sent_where_the_rules_drop_it(
    store: InMemoryArtifactStore, tmp_path: Path
) -> None:
    """It is in the archive and in its name: a changed Dockerfile is a new archive."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("*\n")
    context = BuildContext(str(tmp_path))
    first = upload_build_context(context, store, "contexts")
    (content,) = store.files.values()
    with tarfile.open(fileobj=BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == ["Dockerfile"]
    assert upload_build_context(context, store, "contexts") == first
    (tmp_path / "Dockerfile").write_text("FROM another\n")
    assert upload_build_context(context, store, "contexts") != first
    assert context.get_files() == {}
