"""Stores under any URL of fsspec."""

from __future__ import annotations

import os
import pickle
from copy import copy, deepcopy

import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores.remote import (
    RemoteArtifactStore,
    RemoteArtifactStoreConfig,
    RemoteArtifactStoreFlavor,
)
from imagebuilders.exceptions import ArtifactStoreError, ConfigurationError


@pytest.fixture
def empty_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsspec's own memory, which all its file systems share, emptied for the test."""
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])


@pytest.mark.usefixtures("empty_memory")
class TestContract(ArtifactStoreContract):
    """A file system of fsspec's own keeps the contract, by URL alone."""

    @pytest.fixture
    def artifact_store(self) -> RemoteArtifactStore:
        """An empty store."""
        return RemoteArtifactStore(path="memory://contract/store")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/data", "use the flavor 'local'"),
        ("://x", "is not a URL"),
        ("simplecache::s3://bucket", "chains file systems"),
        ("sftp://me:hidden@host/folder", "put the password into storage_options"),
    ],
)
def test_unsuitable_urls_are_refused(url: str, words: str) -> None:
    """The error says what to do, and shows no password."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        RemoteArtifactStore(path=url)
    assert "hidden" not in str(caught.value)


def test_storage_options_are_never_shown() -> None:
    """Options may be credentials: neither `repr` nor the settings' text has them."""
    store = RemoteArtifactStore(path="gs://bucket/x/", storage_options={"token": "hidden"})
    assert store.path == "gs://bucket/x"
    assert "hidden" not in repr(store) + str(store.config)


def test_options_reach_the_file_system() -> None:
    """The class gets the options, and `attempts` is the store's own."""
    store = RemoteArtifactStore(path="memory://x", storage_options={"some_option": 1}, attempts=2)
    assert store.filesystem.storage_options["some_option"] == 1  # type: ignore[attr-defined]
    assert store.retry_policy.attempts == 2


def test_a_missing_package_shows_at_the_first_use() -> None:
    """Making a store is cheap; using it says what is missing."""
    store = RemoteArtifactStore(path="nonsense://bucket/x")
    with pytest.raises(ArtifactStoreError, match="No file system is known for nonsense://"):
        store.exists("file")


def test_a_forked_process_opens_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are not shared with a parent process, and not kept after closing."""
    store = RemoteArtifactStore(path="memory://x")
    first = store.filesystem
    assert store.filesystem is first
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    second = store.filesystem
    assert second is not first
    store.close()
    assert store.filesystem is not second


def test_a_copy_opens_its_own() -> None:
    """A copy has the options, and no connection of the original's."""
    store = RemoteArtifactStore(path="memory://x", storage_options={"some_option": 1})
    first = store.filesystem
    for other in (pickle.loads(pickle.dumps(store)), copy(store), deepcopy(store)):
        assert other.config.storage_options == store.config.storage_options
        assert other.filesystem is not first


def test_a_path_that_utf8_cannot_write_is_refused() -> None:
    """A lone surrogate is told as what it is, in the store's path and in a file's."""
    with pytest.raises(ConfigurationError, match="UTF-8 has no bytes"):
        RemoteArtifactStore(path="memory://\udc80")
    store = RemoteArtifactStore(path="memory://x")
    for use in (store.exists, store.makedirs, store.remove):
        with pytest.raises(ArtifactStoreError, match=r"udc80.*UTF-8 has no bytes"):
            use("folder/\udc80")


def test_its_flavor() -> None:
    """The flavor `remote` leads to the store and its settings."""
    flavor = RemoteArtifactStoreFlavor()
    assert flavor.name == "remote"
    assert flavor.implementation_class is RemoteArtifactStore
    assert flavor.config_class is RemoteArtifactStoreConfig
