"""What all stores share: modes, errors, attempts, the flavor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from fakes.artifact_store import InMemoryArtifactStore
from imagebuilders.artifact_stores import (
    BaseArtifactStore,
    BaseArtifactStoreFlavor,
    LocalArtifactStore,
)
from imagebuilders.artifact_stores.chunks import ChunkSource
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.stored_file import StoredFile
from imagebuilders.components.component import StackComponentType
from imagebuilders.exceptions import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    ArtifactStoreError,
    UploadError,
)


@pytest.fixture
def store() -> InMemoryArtifactStore:
    """An empty store."""
    return InMemoryArtifactStore()


def test_only_four_modes_are_known(store: InMemoryArtifactStore) -> None:
    """A mode that stores do not have is an error that lists those they have."""
    with pytest.raises(ArtifactStoreError, match="use 'r', 'w', 'rb' or 'wb'"):
        store.open("file", "ab")  # type: ignore[call-overload]


def test_every_error_is_the_packages_own(store: InMemoryArtifactStore) -> None:
    """Whatever the file system raises comes out as one error, with its cause and its path."""
    store.fail("size", lambda: KeyError("inner"))
    with pytest.raises(
        ArtifactStoreError, match=r"look at memory://artifacts/a: .*inner"
    ) as caught:
        store.size("a")
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.path == "memory://artifacts/a"


def test_each_new_attempt_is_logged(
    store: InMemoryArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what failed, how long the pause is and how many attempts were made."""
    store.fail("exists", times=1)
    with caplog.at_level(logging.WARNING):
        assert store.exists("file") is False
    assert len(caplog.records) == 1
    message = caplog.messages[0]
    assert message.startswith("Could not look for memory://artifacts/file: ConnectionResetError")
    assert message.endswith("(1 of 5 attempts made).")


def test_an_iterator_is_sent_only_once(store: InMemoryArtifactStore) -> None:
    """What cannot be had a second time is not tried a second time."""
    store.cut_write(1)
    with pytest.raises(UploadError):
        store.publish("file", iter([b"12"]))
    assert len(store.operations) == 1
    store.cut_write(1)
    assert store.publish("file", [b"12"]) == 2


def test_a_rename_is_not_tried_again(store: InMemoryArtifactStore) -> None:
    """After an answer that was lost the source may be gone; a second attempt would mislead."""
    store.publish("a", [b"x"])
    store.fail("rename")
    with pytest.raises(ArtifactStoreError, match="rename memory://artifacts/a"):
        store.rename("a", "b")


def test_a_protocol_that_does_not_rename_onto_files(
    store: InMemoryArtifactStore, mocker: MockerFixture
) -> None:
    """Where a rename does not replace, the old file is removed first."""
    store.publish("a", [b"old"])
    copy = store.filesystem.cp_file

    def copy_unless_there(path1: str, path2: str) -> None:
        if path2.removeprefix("/artifacts/") in store.files:
            raise FileExistsError(path2)
        copy(path1, path2)

    mocker.patch.object(store.filesystem, "cp_file", side_effect=copy_unless_there)
    store.publish("a", [b"new"])
    assert store.files == {"a": b"new"}


def test_a_folder_marker_is_not_listed(store: InMemoryArtifactStore) -> None:
    """The empty object by which some tools mark a folder is no entry of it."""
    store.publish("folder/file", [b"x"])
    listed = store.filesystem.ls("/artifacts/folder", detail=True)
    marker = {"name": "/artifacts/folder/", "type": "file", "size": 0}
    store.filesystem.ls = lambda path, detail=True: [marker, *listed]  # type: ignore[method-assign]
    assert store.listdir("folder") == ["file"]
    store.filesystem.ls = lambda path, detail=True: [marker]  # type: ignore[method-assign]
    assert store.listdir("folder") == []


class _BrokenFile:
    """A file on which everything fails."""

    def _fail(self, *_: object) -> bytes:
        raise OSError(5, "Input/output error")

    read = write = seek = close = _fail


@pytest.mark.parametrize(
    "use",
    [
        lambda file: file.read(3),
        lambda file: file.read(),
        lambda file: file.seek(0),
        lambda file: file.write(b"x"),
    ],
    ids=["read", "readall", "seek", "write"],
)
def test_errors_of_open_files_are_translated(use) -> None:  # type: ignore[no-untyped-def]
    """A file that fails after it was opened fails with the store's error too."""
    file = StoredFile(
        _BrokenFile(),  # type: ignore[arg-type]
        write=False,
        translate=lambda error: ArtifactStoreError(f"translated {error}"),
    )
    with pytest.raises(ArtifactStoreError, match="translated"):
        use(file)
    with pytest.raises(ArtifactStoreError, match="translated"):
        file.close()
    file.close()


def test_not_found_is_two_errors_in_one() -> None:
    """Code that catches the built-in one works, and its text is ours."""
    error = ArtifactNotFoundError("nothing there", path="p")
    assert isinstance(error, FileNotFoundError)
    assert (str(error), error.path) == ("nothing there", "p")


class _Flavor(BaseArtifactStoreFlavor):
    """A flavor that says the least."""

    name = "least"


def test_a_flavor_has_defaults() -> None:
    """Type and classes are there without being stated."""
    flavor = _Flavor()
    assert flavor.type is StackComponentType.ARTIFACT_STORE
    assert flavor.config_class is BaseArtifactStoreConfig
    assert flavor.implementation_class is BaseArtifactStore


@pytest.mark.parametrize(
    "ask", [lambda store: store.exists("a"), lambda store: store.read_tail("a", 1)]
)
def test_a_file_system_that_fails_is_told(
    store: InMemoryArtifactStore, mocker: MockerFixture, ask: Callable[..., object]
) -> None:
    """A failure while looking is an error, never taken for "not there"."""
    refusal = PermissionError(13, "Permission denied")
    mocker.patch.object(store.filesystem, "info", side_effect=refusal)
    with pytest.raises(ArtifactStoreError, match="permission denied"):
        ask(store)


def test_the_stores_own_errors_pass_through_an_open_file(store: InMemoryArtifactStore) -> None:
    """An error that is the package's own already is not wrapped again."""
    own = ArtifactStoreError("own")
    assert store._error("read", "file", own) is own


@pytest.mark.parametrize("name", ["put", "_publish"])
def test_a_store_publishes_in_its_own_way(name: str, tmp_path: Path) -> None:
    """What a store overrides counts, by the public name and by the older one, new or not."""
    told: list[str] = []

    def own_way(self: LocalArtifactStore, target: str, source: ChunkSource) -> int:
        told.append(Path(target).name)
        with source.open() as chunks:
            return Path(target).write_bytes(b"".join(chunks))

    store = type("OwnStore", (LocalArtifactStore,), {name: own_way})(path=str(tmp_path))
    assert store.publish("one", [b"1"]) == 1
    assert store.publish("two", [b"22"], replace=False) == 2
    with pytest.raises(ArtifactExistsError):
        store.publish("two", [b"3"], replace=False)
    assert told == ["one", "two"]
    assert store.size("two") == 2
