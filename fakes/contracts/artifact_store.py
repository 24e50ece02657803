"""What every artifact store must do, as tests to subclass."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.exceptions import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    ArtifactStoreError,
    ImageBuilderError,
)

from .artifact_store_uploads import ArtifactStoreUploadContract

_MIB = 1024 * 1024


class ArtifactStoreContract(ArtifactStoreUploadContract):
    """Checks an artifact store: subclass it and override the fixture `artifact_store`.

        class TestMyStore(ArtifactStoreContract):
            @pytest.fixture
            def artifact_store(self):
                return MyArtifactStore(path="my://bucket/prefix")

    The fixture gives an empty store for each test. Object stores pass without empty folders.
    """

    large_size = 11 * _MIB + 1
    """Bytes of the largest file the contract writes: more than two of S3's smallest parts."""

    @pytest.fixture
    def artifact_store(self) -> BaseArtifactStore:
        """Give an empty store. To be overridden."""
        raise NotImplementedError("override the fixture artifact_store with the store to check")

    # --- what is not there -----------------------------------------------------

    def test_nothing_is_there_at_first(self, artifact_store: BaseArtifactStore) -> None:
        """An empty store has no file, no folder and no end of a file."""
        assert not artifact_store.exists("folder/file")
        assert not artifact_store.isdir("folder")
        assert artifact_store.read_tail("folder/file", 8) is None

    @pytest.mark.parametrize(
        "ask",
        [
            lambda store: store.size("folder/file"),
            lambda store: store.listdir("folder"),
            lambda store: store.open("folder/file"),
            lambda store: store.remove("folder/file"),
            lambda store: store.rename("folder/file", "folder/other"),
        ],
        ids=["size", "listdir", "open", "remove", "rename"],
    )
    def test_what_is_missing_is_an_error_with_its_path(
        self, artifact_store: BaseArtifactStore, ask: Callable[[BaseArtifactStore], object]
    ) -> None:
        """Asking for what is not there raises an error that is a FileNotFoundError too."""
        with pytest.raises(ArtifactNotFoundError) as caught:
            ask(artifact_store)
        assert isinstance(caught.value, FileNotFoundError)
        assert f"{artifact_store.path}/folder" in str(caught.value)

    @pytest.mark.parametrize("path", ["../file", "folder/../../file", "/file", "other://x/file"])
    @pytest.mark.parametrize(
        "ask",
        [
            lambda store, path: store.exists(path),
            lambda store, path: store.publish(path, [b"x"]),
            lambda store, path: store.open(path, "wb"),
            lambda store, path: store.remove(path),
            lambda store, path: store.makedirs(path),
        ],
        ids=["exists", "publish", "open", "remove", "makedirs"],
    )
    def test_paths_outside_the_store_are_refused(
        self,
        artifact_store: BaseArtifactStore,
        path: str,
        ask: Callable[[BaseArtifactStore, str], object],
    ) -> None:
        """A path that leaves the store is an error, whatever is asked."""
        with pytest.raises(ArtifactStoreError, match="not a path inside"):
            ask(artifact_store, path)

    # --- publish -----------------------------------------------------------------

    @pytest.mark.parametrize(
        "name", ["file", "deeply/nested/file", "späce + %25#&'[1]*.tar.gz", "日本/語"]
    )
    def test_a_published_file_can_be_read(
        self, artifact_store: BaseArtifactStore, name: str
    ) -> None:
        """What was published stands under its path, by the whole and by the relative path."""
        assert artifact_store.publish(name, [b"some ", b"", b"bytes"]) == 10
        whole = f"{artifact_store.path}/{name}"
        for path in (name, whole):
            assert artifact_store.exists(path)
            assert not artifact_store.isdir(path)
            assert artifact_store.size(path) == 10
            with artifact_store.open(path) as file:
                assert file.read() == b"some bytes"

    def test_a_whole_path_can_be_published(self, artifact_store: BaseArtifactStore) -> None:
        """`publish` takes a whole path too."""
        artifact_store.publish(f"{artifact_store.path}/folder/file", [b"x"])
        assert artifact_store.listdir("folder") == ["file"]
        assert artifact_store.listdir(f"{artifact_store.path}/folder") == ["file"]

    def test_an_empty_file_can_be_published(self, artifact_store: BaseArtifactStore) -> None:
        """No bytes make an empty file, not a missing one."""
        assert artifact_store.publish("empty", []) == 0
        assert artifact_store.exists("empty")
        assert artifact_store.size("empty") == 0
        tail = artifact_store.read_tail("empty", 8)
        assert tail is not None
        assert (tail.size, tail.data) == (0, b"")

    def test_publish_replaces(self, artifact_store: BaseArtifactStore) -> None:
        """Publishing under a name that is taken replaces the file."""
        artifact_store.publish("folder/file", [b"a longer old content"])
        artifact_store.publish("folder/file", [b"new"])
        assert artifact_store.size("folder/file") == 3
        assert artifact_store.listdir("folder") == ["file"]

    @pytest.mark.parametrize("size", [3, 6 * _MIB], ids=["small", "large"])
    def test_what_is_there_can_be_kept(self, artifact_store: BaseArtifactStore, size: int) -> None:
        """Without `replace`, a new file is written, and one that is there is an error and stays."""
        assert artifact_store.publish("folder/file", [b"old"], replace=False) == 3
        with pytest.raises(ArtifactExistsError, match="folder/file is there already"):
            artifact_store.publish("folder/file", [bytes(size)], replace=False)
        assert artifact_store.size("folder/file") == 3
        assert artifact_store.listdir("folder") == ["file"]

    def test_a_large_file_arrives_whole(self, artifact_store: BaseArtifactStore) -> None:
        """A file of several parts has every byte, and progress is told up to its size."""
        content = random.Random(1).randbytes(self.large_size)  # noqa: S311  (not a secret)
        progress: list[int] = []
        chunks = (content[at : at + 700_001] for at in range(0, len(content), 700_001))
        size = artifact_store.publish("large", chunks, on_progress=progress.append)
        assert size == artifact_store.size("large") == len(content)
        assert progress == sorted(progress)
        assert progress[-1] == len(content)
        with artifact_store.open("large") as file:
            assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest()

    @pytest.mark.parametrize("size", [3, 6 * _MIB], ids=["small", "large"])
    def test_a_failing_producer_publishes_nothing(
        self, artifact_store: BaseArtifactStore, size: int
    ) -> None:
        """When the producer fails, its own error comes out and nothing is left behind."""

        class OwnError(Exception):
            pass

        def chunks() -> Iterator[bytes]:
            yield bytes(size)
            raise OwnError("no more")

        artifact_store.publish("folder/other", [b"kept"])
        with pytest.raises(OwnError, match="no more"):
            artifact_store.publish("folder/file", chunks())
        assert not artifact_store.exists("folder/file")
        assert artifact_store.listdir("folder") == ["other"]

    def test_a_failing_producer_keeps_the_old_file(self, artifact_store: BaseArtifactStore) -> None:
        """A failed replacement leaves the file as it was."""

        def chunks() -> Iterator[bytes]:
            yield b"new"
            raise ImageBuilderError("no more")

        artifact_store.publish("file", [b"old"])
        with pytest.raises(ImageBuilderError, match="no more"):
            artifact_store.publish("file", chunks())
        with artifact_store.open("file") as file:
            assert file.read() == b"old"

    def test_a_failing_listener_publishes_nothing(self, artifact_store: BaseArtifactStore) -> None:
        """When the listener fails, its own error comes out."""

        def listener(_: int) -> None:
            raise ValueError("enough")

        with pytest.raises(ValueError, match="enough"):
            artifact_store.publish("large", [bytes(6 * _MIB)] * 2, on_progress=listener)
        assert not artifact_store.exists("large")

    def test_two_can_publish_the_same_path_at_once(self, artifact_store: BaseArtifactStore) -> None:
        """Writers of one path do not disturb each other; one of them has the last word."""
        contents = [bytes([number]) * (200_000 + number) for number in range(4)]
        with ThreadPoolExecutor(len(contents)) as pool:
            sizes = list(pool.map(lambda c: artifact_store.publish("dir/file", [c]), contents))
        assert sizes == [len(content) for content in contents]
        assert artifact_store.listdir("dir") == ["file"]
        with artifact_store.open("dir/file") as file:
            assert file.read() in contents

    # --- everything else ---------------------------------------------------------

    def test_the_end_of_a_file_is_read(self, artifact_store: BaseArtifactStore) -> None:
        """`read_tail` gives the size and the last bytes, or all of a shorter file."""
        artifact_store.publish("file", [b"0123456789"])
        for length, data in ((3, b"789"), (10, b"0123456789"), (99, b"0123456789")):
            tail = artifact_store.read_tail("file", length)
            assert tail is not None
            assert (tail.size, tail.data) == (10, data)

    def test_a_folder_is_listed(self, artifact_store: BaseArtifactStore) -> None:
        """`listdir` gives the names of files and folders, sorted, and nothing of their content."""
        for name in ("folder/b", "folder/a", "folder/sub/c", "elsewhere"):
            artifact_store.publish(name, [b"x"])
        assert artifact_store.listdir("folder") == ["a", "b", "sub"]
        assert artifact_store.listdir("") == ["elsewhere", "folder"]
        assert artifact_store.isdir("folder")
        assert artifact_store.isdir("folder/sub")

    def test_a_file_is_no_folder(self, artifact_store: BaseArtifactStore) -> None:
        """Listing a file is an error, and so is asking for the size of a folder."""
        artifact_store.publish("folder/file", [b"x"])
        with pytest.raises(ArtifactStoreError, match="not a folder"):
            artifact_store.listdir("folder/file")
        artifact_store.publish("folder/empty", [])
        with pytest.raises(ArtifactStoreError, match="not a folder"):
            artifact_store.listdir("folder/empty")
        with pytest.raises(ArtifactStoreError, match="not a file"):
            artifact_store.size("folder")

    def test_makedirs_can_be_repeated(self, artifact_store: BaseArtifactStore) -> None:
        """Making a folder twice is no error, and files can be put in it."""
        artifact_store.makedirs("a/b")
        artifact_store.makedirs("a/b")
        artifact_store.publish("a/b/file", [b"x"])
        assert artifact_store.listdir("a/b") == ["file"]

    def test_files_can_be_opened(self, artifact_store: BaseArtifactStore) -> None:
        """Bytes and text can be written and read back, and read from a position."""
        with artifact_store.open("folder/bytes", "wb") as binary:
            binary.write(b"\x00\xff")
            binary.write(b"\x01")
        with artifact_store.open("folder/text", "w") as text:
            text.write("naïve\n")
        with artifact_store.open("folder/bytes", "rb") as binary:
            assert binary.seek(1) == 1
            assert binary.read(1) == b"\xff"
            assert binary.read() == b"\x01"
        with artifact_store.open("folder/text", "r") as text:
            assert text.read() == "naïve\n"

    def test_a_file_is_renamed(self, artifact_store: BaseArtifactStore) -> None:
        """`rename` moves a file, between folders too, and onto another file."""
        artifact_store.publish("folder/old", [b"content"])
        artifact_store.publish("other/new", [b"replaced"])
        artifact_store.rename("folder/old", "other/new")
        assert not artifact_store.exists("folder/old")
        with artifact_store.open("other/new") as file:
            assert file.read() == b"content"

    def test_a_file_is_renamed_to_itself(self, artifact_store: BaseArtifactStore) -> None:
        """A name that stays the same keeps its file."""
        artifact_store.publish("folder/file", [b"content"])
        artifact_store.rename("folder/file", f"{artifact_store.path}/folder/file")
        assert artifact_store.size("folder/file") == 7

    def test_a_file_is_removed(self, artifact_store: BaseArtifactStore) -> None:
        """`remove` removes that file only."""
        artifact_store.publish("folder/file", [b"x"])
        artifact_store.publish("folder/file2", [b"x"])
        artifact_store.remove("folder/file")
        assert artifact_store.listdir("folder") == ["file2"]

    def test_it_works_on_after_closing(self, artifact_store: BaseArtifactStore) -> None:
        """`close` gives back connections; the store makes new ones when used again."""
        with artifact_store as store:
            store.publish("file", [b"x"])
        assert artifact_store.size("file") == 1
        artifact_store.close()
        artifact_store.close()
