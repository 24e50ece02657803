"""The abstraction every artifact store implements, over a file system.

It is longer because all that a store can do is documented in one class.
"""

from __future__ import annotations

import io
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import IO, TYPE_CHECKING, ClassVar, Literal, overload

from imagebuilders.artifact_stores.chunks import ChunkSource, SourceError
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig, ConfigT
from imagebuilders.artifact_stores.filesystem import FileSystem, move, names_in, size_of
from imagebuilders.artifact_stores.operations import Operation
from imagebuilders.artifact_stores.paths import join, relative_to
from imagebuilders.artifact_stores.per_process import PerProcess
from imagebuilders.artifact_stores.retrying import RetryingOperations
from imagebuilders.artifact_stores.stored_file import StoredFile, check_mode
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.artifact_stores.temporary import STALE_AFTER, publish_by_renaming
from imagebuilders.components.component import StackComponent
from imagebuilders.exceptions import ArtifactExistsError, UploadError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class BaseArtifactStore(RetryingOperations, StackComponent[ConfigT], ABC):
    """Keeps archives and other files under one path.

    Every `path` argument is either whole (it begins with the store's own path) or relative to
    the store's path; separators are `/`. A path outside the store is an `ArtifactStoreError`.
    Every method raises `ArtifactStoreError` when the store refuses, fails or cannot be
    reached; faults that may pass are tried again first, as `retry_policy` says.

    An implementation gives `filesystem`: one of fsspec's, or anything else with the few methods
    of `filesystem.FileSystem`. Where it can publish in a better way than by writing a temporary
    file and renaming it, it overrides `put`.
    """

    config_class = BaseArtifactStoreConfig

    stale_after: ClassVar[float] = STALE_AFTER
    """Seconds after which a temporary file is taken for one whose process died."""

    is_shared: ClassVar[bool] = True
    """Whether other processes may use what is at the same path."""

    @property
    def path(self) -> str:
        """The folder, path or URL, everything is put under; without a slash at the end."""
        return self.config.path

    @property
    @abstractmethod
    def filesystem(self) -> FileSystem:
        """The file system underneath, made when first asked for."""

    # --- looking -------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Tell whether a file or folder stands under `path`."""
        return self._info("exists", path) is not None

    def isdir(self, path: str) -> bool:
        """Tell whether `path` is a folder. Object stores have no empty ones."""
        info = self._info("isdir", path)
        return info is not None and info["type"] == "directory"

    def size(self, path: str) -> int:
        """Give the size of a file in bytes.

        Raises:
            ArtifactNotFoundError: there is no such file.
        """
        info = self._info("size", path)
        if info is None:
            raise self._not_found("size", path)
        if info["type"] == "directory":
            raise self._error("size", path, IsADirectoryError("it is a folder, not a file"))
        return size_of(info)

    def listdir(self, path: str) -> list[str]:
        """Give the names in a folder, sorted.

        Raises:
            ArtifactNotFoundError: there is no such folder.
        """
        target = self._locate(path)

        return self._attempt("listdir", path, lambda: names_in(self.filesystem, target))

    def read_tail(self, path: str, length: int) -> Tail | None:
        """Give the size of a file and its last `length` bytes; `None` when there is none.

        Where the store allows it, this is a single request.
        """
        target = self._locate(path)

        def tail() -> Tail | None:
            found = self._look(target)
            if found is None:
                return None
            size = size_of(found)
            if size == 0:
                return Tail(0, b"")
            # By keyword: some file systems have other arguments between.
            data = self.filesystem.cat_file(target, start=max(0, size - length), end=size)
            return Tail(size, data)

        return self._attempt("read_tail", path, tail)

    # --- reading and writing -------------------------------------------------

    @overload
    def open(self, path: str, mode: Literal["rb", "wb"] = "rb") -> IO[bytes]: ...
    @overload
    def open(self, path: str, mode: Literal["r", "w"]) -> IO[str]: ...
    def open(self, path: str, mode: Literal["r", "w", "rb", "wb"] = "rb") -> IO[bytes] | IO[str]:
        """Open a file to read it or to write it anew; text is UTF-8.

        A file that is being written may be seen, and may stay, half written: use `publish` for
        what must be there whole or not at all.

        Raises:
            ArtifactNotFoundError: the file to read does not exist.
        """
        check_mode(path, mode)
        target = self._locate(path)
        write = "w" in mode
        operation: Operation = "write" if write else "read"

        def opened() -> StoredFile:
            if write:
                self.filesystem.makedirs(posixpath.dirname(target), exist_ok=True)
            else:
                self.filesystem.invalidate_cache()
            return StoredFile(
                self.filesystem.open(target, "wb" if write else "rb"),
                write=write,
                translate=lambda error: self._error(operation, path, error),
            )

        raw = self._attempt(operation, path, opened)
        stream = io.BufferedWriter(raw) if write else io.BufferedReader(raw)
        return stream if "b" in mode else io.TextIOWrapper(stream, encoding="utf-8")

    def publish(
        self,
        path: str,
        chunks: Iterable[bytes],
        *,
        on_progress: Callable[[int], None] | None = None,
        replace: bool = True,
    ) -> int:
        """Write a file so that it stands under `path` whole or not at all.

        Missing folders are made. When this fails, or the process is killed, `path` is as it
        was before.

        Args:
            path: the file.
            chunks: its content. When it is no iterator but can be iterated again (a list, an
                object with `__iter__`), stores that cannot repeat a single request repeat the
                whole of it after a transient fault.
            on_progress: called with the number of bytes in the store so far.
            replace: whether an older file of that name is replaced. Without this, a file that
                appears while this one is written is kept where the store can tell: S3 can.

        Returns:
            The size of the file in bytes.

        Raises:
            ArtifactExistsError: `replace` is false, and the file is there.
            UploadError: the store did not take it.
            Exception: whatever `chunks` or `on_progress` raised.
        """
        target = self._locate(path)
        source = ChunkSource(chunks, on_progress)
        write = self._publish if replace else self._publish_new
        try:
            return self._attempt(
                "publish",
                path,
                lambda: write(target, source),
                repeat=source.repeatable,
                error_class=UploadError,
            )
        except SourceError as failed:
            error = failed.error
        raise error

    # --- changing ------------------------------------------------------------

    def makedirs(self, path: str) -> None:
        """Make a folder and those above it; without effect when it is there."""
        target = self._locate(path)
        self._attempt("makedirs", path, lambda: self.filesystem.makedirs(target, exist_ok=True))

    def remove(self, path: str) -> None:
        """Remove a file.

        Raises:
            ArtifactNotFoundError: there is no such file.
        """
        target = self._locate(path)
        if not self.exists(path):
            raise self._not_found("remove", path)
        self._attempt("remove", path, lambda: self.filesystem.rm_file(target))

    def rename(self, source: str, destination: str) -> None:
        """Give a file another name; a file that had that name is replaced.

        Raises:
            ArtifactNotFoundError: there is no such file.
        """
        old, new = self._locate(source), self._locate(destination)
        if not self.exists(source):
            raise self._not_found("rename", source)
        if old == new:
            return  # where a rename is a copy and a removal, it would remove the file
        # Not repeated: after an answer that was lost, the source is gone.
        self._attempt("rename", source, lambda: self._rename(old, new), repeat=False)

    def close(self) -> None:
        """Give back connections. The store opens new ones when it is used again."""

    def __getstate__(self) -> dict[str, object]:
        """Return what copies and other processes get: everything but open connections."""
        return {
            name: PerProcess() if isinstance(value, PerProcess) else value
            for name, value in vars(self).items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- for implementations -------------------------------------------------

    @property
    def _root(self) -> str:
        """The store's path as its file system spells it."""
        return self.filesystem._strip_protocol(self.path)

    def _locate(self, path: str) -> str:
        """Give the file system's spelling of a path argument."""
        return join(self._root, relative_to(self.path, path))

    def put(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to publish: write under a temporary name beside it, then rename.

        A store that can let a file appear whole in a better way overrides this.

        Args:
            target: the file, as the file system spells it.
            source: the content; `source.written` is to be told of progress.

        Returns:
            The size of the file in bytes.
        """
        return publish_by_renaming(
            self.filesystem, target, source, rename=self._rename, stale_after=self.stale_after
        )

    def put_new(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to publish what must not replace anything; as `put`.

        A store that can tell at that moment that nothing is replaced overrides this.

        Raises:
            ArtifactExistsError: the file is there.
        """
        if self._is_there(target):
            raise ArtifactExistsError(f"{target} is there already.", path=target)
        return self._publish(target, source)

    def _publish(self, target: str, source: ChunkSource) -> int:
        """Publish by `put`; an older name of it, whose overrides count."""
        return self.put(target, source)

    def _publish_new(self, target: str, source: ChunkSource) -> int:
        """Publish by `put_new`; an older name of it, whose overrides count."""
        return self.put_new(target, source)

    def _is_there(self, target: str) -> bool:
        return self._look(target) is not None

    def _rename(self, old: str, new: str) -> None:
        try:
            move(self.filesystem, old, new)
        except FileExistsError:
            # Some protocols (SFTP) do not rename onto a file. Its place is empty for a
            # moment, which a reader takes for "not there", never for another file.
            self.filesystem.rm_file(new)
            move(self.filesystem, old, new)

    def _info(self, operation: Operation, path: str) -> Mapping[str, object] | None:
        target = self._locate(path)
        return self._attempt(operation, path, lambda: self._look(target))

    def _look(self, target: str) -> Mapping[str, object] | None:
        self.filesystem.invalidate_cache()
        try:
            return self.filesystem.info(target)
        except Exception as error:
            if self._is_absent(error):
                return None
            raise
