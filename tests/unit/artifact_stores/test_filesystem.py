"""File systems by URL."""

from __future__ import annotations

import sys

import pytest
from pytest_mock import MockerFixture

from fakes.artifact_store import InMemoryArtifactStore
from imagebuilders.artifact_stores.filesystem import FileSystem, move, open_url
from imagebuilders.exceptions import ArtifactStoreError


def test_a_url_gives_a_file_system_and_a_path() -> None:
    """Every call makes a file system of its own."""
    one, path = open_url("memory://folder/sub", {})
    two, _ = open_url("memory://folder/sub", {})
    assert path == "/folder/sub"
    assert one is not two


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package to install."""
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ArtifactStoreError, match="needs the package 'gcsfs', which is not"):
        open_url("gs://bucket/folder", {})


def test_a_missing_package_without_a_name(mocker: MockerFixture) -> None:
    """When the import does not say what is missing, fsspec's own hint remains."""
    mocker.patch("fsspec.core.url_to_fs", side_effect=ImportError("install something"))
    with pytest.raises(ArtifactStoreError, match=r"needs a package, .*: install something"):
        open_url("sftp://host/folder", {})


def test_an_unknown_protocol_is_named() -> None:
    """The error names the protocol and the known ones."""
    with pytest.raises(ArtifactStoreError, match=r"nonsense:// .* fsspec knows: .*memory"):
        open_url("nonsense://bucket", {})


@pytest.mark.parametrize(
    ("url", "options"), [("dir://x", {}), ("memory://x", {"fo": "gs://y", "target_options": 1})]
)
def test_unsuitable_options_are_an_error(
    url: str, options: dict[str, object], mocker: MockerFixture
) -> None:
    """What the file system's class does not take comes out as the store's error."""
    refusal = TypeError("unexpected argument") if options else ValueError("bad value")
    mocker.patch("fsspec.core.url_to_fs", side_effect=refusal)
    with pytest.raises(ArtifactStoreError, match="Check the path and the storage options"):
        open_url(url, options)


class _Renaming:
    """A file system that renames by itself."""

    def __init__(self) -> None:
        self.moved: list[tuple[str, str]] = []

    def mv(self, path1: str, path2: str) -> None:
        """Move."""
        self.moved.append((path1, path2))


def test_a_file_system_that_renames_is_let_do_it() -> None:
    """A protocol's own rename is used; the general one would take a name for a pattern."""
    own = _Renaming()
    move(own, "a", "b")  # type: ignore[arg-type]
    assert own.moved == [("a", "b")]
    general: FileSystem = InMemoryArtifactStore().filesystem
    with general.open("/[1]*", "wb") as file:
        file.write(b"x")
    move(general, "/[1]*", "/b")
    assert general.cat_file("/b") == b"x"
