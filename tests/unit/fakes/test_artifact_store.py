"""The store in memory: the contract, its records, its faults."""

from __future__ import annotations

import io
import pickle
from copy import copy, deepcopy
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.artifact_store import InMemoryArtifactStore, ManualClock, StoreOperation
from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores import BaseArtifactStore, LocalArtifactStore
from imagebuilders.exceptions import ArtifactStoreError, ConfigurationError, UploadError


class TestContract(ArtifactStoreContract):
    """The double keeps the contract of every store."""

    @pytest.fixture
    def artifact_store(self) -> InMemoryArtifactStore:
        """An empty store."""
        return InMemoryArtifactStore()


@pytest.fixture
def store() -> InMemoryArtifactStore:
    """An empty store."""
    return InMemoryArtifactStore()


def test_stores_share_nothing(store: InMemoryArtifactStore) -> None:
    """Two stores of one path have files, folders and records of their own."""
    other = InMemoryArtifactStore()
    store.publish("folder/file", [b"x"])
    assert other.path == store.path
    assert other.files == {}
    assert not other.isdir("folder")
    assert other.operations == [StoreOperation("isdir", "folder")]


def test_files_can_be_compared(store: InMemoryArtifactStore) -> None:
    """`files` has every content by its relative path, sorted."""
    store.publish("b", [b"2"])
    store.publish(f"{store.path}/a/c", [b"1", b"1"])
    assert store.files == {"a/c": b"11", "b": b"2"}
    assert list(store.files) == ["a/c", "b"]


def test_any_memory_url_will_do() -> None:
    """The path is a setting; an unknown setting is an error as in every component."""
    store = InMemoryArtifactStore(path="memory://")
    store.publish("a", [b"x"])
    assert store.files == {"a": b"x"}
    with pytest.raises(ConfigurationError):
        InMemoryArtifactStore(nonsense=1)


def test_each_operation_is_recorded(store: InMemoryArtifactStore) -> None:
    """Every attempt is recorded, with its path, its bytes and its error."""
    store.publish("file", [b"12", b"345"])
    with store.open("copy", "wb") as file:
        file.write(b"67")
    with store.open("file") as file:
        assert file.read() == b"12345"
    store.read_tail("file", 2)
    store.fail("exists", lambda: PermissionError(13, "Permission denied"))
    with pytest.raises(ArtifactStoreError):
        store.exists("file")
    assert store.operations == [
        StoreOperation("publish", "file", bytes_written=5),
        StoreOperation("write", "copy", bytes_written=2),
        StoreOperation("read", "file"),
        StoreOperation("read_tail", "file"),
        StoreOperation("exists", "file", error="PermissionError: [Errno 13] Permission denied"),
    ]
    assert store.bytes_written == 7
    assert store.bytes_read == 7
    store.forget_operations()
    assert (store.operations, store.bytes_written, store.bytes_read) == ([], 0, 0)
    assert store.files == {"copy": b"67", "file": b"12345"}


def test_a_failing_producer_is_recorded_by_its_own_name(store: InMemoryArtifactStore) -> None:
    """The record names the producer's error, not how the store carried it."""
    with pytest.raises(ZeroDivisionError):
        store.publish("file", (bytes(1 // n) for n in (1, 0)))
    assert [operation.error for operation in store.operations] == [
        "ZeroDivisionError: integer division or modulo by zero"
    ]


def test_the_nth_call_fails(store: InMemoryArtifactStore) -> None:
    """`call` picks the attempt that fails, `path` the files; others are left alone."""
    store.fail("publish", lambda: OSError(5, "broken"), call=2, path="folder/*")
    store.publish("folder/1", [b"x"])
    store.publish("elsewhere", [b"x"])
    with pytest.raises(UploadError, match="broken"):
        store.publish("folder/2", [b"x"])
    store.publish("folder/3", [b"x"])
    assert list(store.files) == ["elsewhere", "folder/1", "folder/3"]


def test_passing_faults_are_tried_again_without_real_pauses() -> None:
    """Production code's retries run, on the store's own clock."""
    clock = ManualClock()
    store = InMemoryArtifactStore(clock=clock, attempts=3)
    store.fail(times=2)
    assert store.publish("file", [b"x"]) == 1
    assert len(store.operations) == 3
    assert len(clock.pauses) == 2
    assert clock.now == sum(clock.pauses)
    store.fail("size", times=None)
    with pytest.raises(ArtifactStoreError, match="after 3 attempts"):
        store.size("file")
    store.clear_faults()
    assert store.size("file") == 1


def test_a_write_is_cut(store: InMemoryArtifactStore) -> None:
    """A cut write has written so many bytes, and publishes nothing."""
    store.cut_write(5, times=None)
    with pytest.raises(UploadError, match="after 5 attempts"):
        store.publish("file", [b"1234", b"5678"])
    assert store.files == {}
    assert [operation.bytes_written for operation in store.operations] == [5] * 5


def test_faults_that_may_happen_together(store: InMemoryArtifactStore) -> None:
    """A slow write can be cut, too; what fails at once keeps later failures for the next time."""
    slow = store.slow(0.0, "publish")
    cut = store.cut_write(2)
    first, second = store.fail("publish"), store.fail("publish")
    store.publish("file", [b"1234"])
    assert [fault.hits for fault in (cut, first, second)] == [1, 1, 1]
    assert slow.hits == 3
    assert [operation.bytes_written for operation in store.operations][-1] == 4


def test_a_cut_reaches_opened_files(store: InMemoryArtifactStore) -> None:
    """A file that is written through `open` stays cut, as it would on a disk."""
    store.cut_write(3, InMemoryArtifactStore.full)
    file = store.open("file", "wb")
    file.write(b"12345")
    with pytest.raises(ArtifactStoreError, match="no space is left"):
        file.close()
    assert store.files == {"file": b"123"}


def test_a_shorter_write_is_not_cut(store: InMemoryArtifactStore) -> None:
    """A write that ends before the cut succeeds."""
    store.cut_write(100)
    assert store.publish("file", [b"1234"]) == 4


def test_slowness_is_told_by_the_clock(store: InMemoryArtifactStore) -> None:
    """A slow operation takes its time on the clock, and no other does."""
    store.slow(2.5, "publish")
    store.publish("file", [b"x"])
    store.exists("file")
    assert store.clock.now == 2.5
    store.slow(1)
    store.exists("file")
    assert store.clock.now == 3.5


def test_its_file_system_is_one_of_fsspec(store: InMemoryArtifactStore) -> None:
    """Other code can use the file system directly, and readers do not share a position."""
    store.publish("file", [b"content"])
    filesystem = store.filesystem
    with filesystem.open("/artifacts/new", "wb") as new:
        assert isinstance(new, io.IOBase)
        assert new.writable()
        new.write(b"new")
    one, two = filesystem.open("/artifacts/file"), filesystem.open("/artifacts/file")
    assert one.read(3) == b"con"
    assert two.read() == b"content"
    assert store.files["new"] == b"new"
    with pytest.raises(FileNotFoundError):
        filesystem.cat_file("/artifacts/missing")


_PATHS = ["a", "b", "folder/a", "folder/b", "folder/sub/c"]
_STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(_PATHS), st.binary(max_size=5)),
    st.tuples(
        st.sampled_from(["size", "exists", "isdir", "listdir"]),
        st.sampled_from([*_PATHS, "folder", "folder/sub", "", "missing", "../out"]),
    ),
    st.tuples(st.just("remove"), st.sampled_from(_PATHS)),
    st.tuples(st.just("makedirs"), st.sampled_from(["folder", "folder/sub", "other", "../out"])),
    st.tuples(st.just("rename"), st.sampled_from(_PATHS), st.sampled_from(_PATHS)),
    st.tuples(st.just("read_tail"), st.sampled_from(_PATHS), st.integers(1, 6)),
)


def _take(store: BaseArtifactStore, step: tuple[Any, ...]) -> object:
    """Take a step and give its result, or the error's type and its text without the root."""
    name, path, *rest = step
    if name == "publish":
        rest = [[rest[0]]]
    try:
        return getattr(store, name)(path, *rest)
    except ArtifactStoreError as error:
        return type(error), str(error).replace(store.path, "")


@settings(max_examples=40, deadline=None)
@given(st.lists(_STEPS, max_size=12))
def test_it_answers_as_a_folder_does(steps: list[tuple[Any, ...]]) -> None:
    """Any sequence of operations has the same results and errors as on the disk."""
    with TemporaryDirectory() as folder:
        real, double = LocalArtifactStore(path=folder), InMemoryArtifactStore()
        for step in [("makedirs", ""), *steps]:
            assert _take(double, step) == _take(real, step), step


def test_a_copy_has_the_files_as_they_are_then() -> None:
    """Copies, and what another process unpickles, share nothing with the store afterwards."""
    store = InMemoryArtifactStore()
    store.publish("folder/file", [b"content"])
    for other in (pickle.loads(pickle.dumps(store)), copy(store), deepcopy(store)):
        assert other.files == {"folder/file": b"content"}
        other.publish("more", [b"x"])
    assert list(store.files) == ["folder/file"]


def test_a_store_begins_anew(store: InMemoryArtifactStore) -> None:
    """Files, operations and faults are gone."""
    store.fail("read", times=None)
    with store.open("a", "wb") as file:
        file.write(b"x")
    store.reset()
    assert (store.files, store.operations, store.bytes_read, len(store.faults)) == ({}, [], 0, 0)
    with store.open("a", "wb") as file:
        file.write(b"y")
    assert store.files == {"a": b"y"}
