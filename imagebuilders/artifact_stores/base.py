"""The abstraction every artifact store implements, over an fsspec file system."""

from __future__ import annotations

import io
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, ClassVar, Literal, cast, overload

from imagebuilders.artifact_stores.chunks import ChunkSource, SourceError
from imagebuilders.artifact_stores.filesystem import FileSystem, move
from imagebuilders.artifact_stores.operations import Operation
from imagebuilders.artifact_stores.paths import join, relative_to
from imagebuilders.artifact_stores.retrying import RetryingOperations
from imagebuilders.artifact_stores.stored_file import StoredFile
from imagebuilders.artifact_stores.temporary import STALE_AFTER, publish_by_renaming
from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import Flavor
from imagebuilders.exceptions import ArtifactStoreError, UploadError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


@dataclass(frozen=True)
class Tail:
    """The end of a stored file: its whole size in bytes, and its last bytes."""

    size: int
    data: bytes


class BaseArtifactStoreConfig(StackComponentConfig):
    """Base of the settings of artifact stores.

    Attributes:
        path: the folder everything is put under: a path, or a URL.
    """

    path: str


class BaseArtifactStore(RetryingOperations, StackComponent, ABC):
    """Keeps archives and other files under one path.

    Every `path` argument is either whole (it begins with the store's own path) or relative to
    the store's path; separators are `/`. A path outside the store is an `ArtifactStoreError`.
    Every method raises `ArtifactStoreError` when the store refuses, fails or cannot be
    reached; faults that may pass are tried again first, as `retry_policy` says.

    An implementation gives `filesystem`; where it can publish in a better way than by writing
    a temporary file and renaming it, it overrides `_publish`.
    """

    config_class: ClassVar[type[StackComponentConfig]] = BaseArtifactStoreConfig

    stale_after: ClassVar[float] = STALE_AFTER
    """Seconds after which a temporary file is taken for one whose process died."""

    @property
    def config(self) -> BaseArtifactStoreConfig:
        """The store's settings."""
        return cast(BaseArtifactStoreConfig, self._config)

    @property
    def path(self) -> str:
        """The folder, path or URL, everything is put under; without a slash at the end."""
        return self.config.path

    @property
    @abstractmethod
    def filesystem(self) -> FileSystem:
        """The fsspec file system underneath, made when first asked for."""

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
        return self._size_of(info)

    def listdir(self, path: str) -> list[str]:
        """Give the names in a folder, sorted.

        Raises:
            ArtifactNotFoundError: there is no such folder.
        """
        target = self._locate(path)

        def names() -> list[str]:
            self.filesystem.invalidate_cache()
            found = set()
            for entry in self.filesystem.ls(target, detail=True):
                name = str(entry["name"])
                if name.strip("/") != target.strip("/"):
                    found.add(posixpath.basename(name.rstrip("/")))
                elif entry["type"] == "file" and not name.endswith("/"):
                    raise NotADirectoryError("it is a file, not a folder")
                # else the empty object by which some tools mark a folder
            return sorted(found)

        return self._attempt("listdir", path, names)

    def read_tail(self, path: str, length: int) -> Tail | None:
        """Give the size of a file and its last `length` bytes; `None` when there is none.

        Where the store allows it, this is a single request.
        """
        target = self._locate(path)

        def tail() -> Tail | None:
            self.filesystem.invalidate_cache()
            try:
                size = self._size_of(self.filesystem.info(target))
                start = max(0, size - length)
                return Tail(size, self._range(target, start, size))
            except Exception as error:
                if self._is_absent(error):
                    return None
                raise

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
        if mode not in ("r", "w", "rb", "wb"):
            raise ArtifactStoreError(
                f"Cannot open {path} with the mode {mode!r}: use 'r', 'w', 'rb' or 'wb'.",
                path=path,
            )
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
    ) -> int:
        """Write a file so that it stands under `path` whole or not at all.

        Missing folders are made. An older file of that name is replaced. When this fails, or
        the process is killed, `path` is as it was before.

        Args:
            path: the file.
            chunks: its content. When it is no iterator but can be iterated again (a list, an
                object with `__iter__`), stores that cannot repeat a single request repeat the
                whole of it after a transient fault.
            on_progress: called with the number of bytes in the store so far.

        Returns:
            The size of the file in bytes.

        Raises:
            UploadError: the store did not take it.
            Exception: whatever `chunks` or `on_progress` raised.
        """
        target = self._locate(path)
        source = ChunkSource(chunks, on_progress)
        try:
            return self._attempt(
                "publish",
                path,
                lambda: self._publish(target, source),
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

    def _publish(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to publish: write under a temporary name beside it, then rename.

        Args:
            target: the file, as the file system spells it.
            source: the content; `source.written` is to be told of progress.
        """
        return publish_by_renaming(
            self.filesystem, target, source, rename=self._rename, stale_after=self.stale_after
        )

    def _rename(self, old: str, new: str) -> None:
        try:
            move(self.filesystem, old, new)
        except FileExistsError:
            # Some protocols (SFTP) do not rename onto a file. Its place is empty for a
            # moment, which a reader takes for "not there", never for another file.
            self.filesystem.rm_file(new)
            move(self.filesystem, old, new)

    def _range(self, target: str, start: int, end: int) -> bytes:
        # By keyword: some file systems have other arguments between.
        return self.filesystem.cat_file(target, start=start, end=end) if end else b""

    def _info(self, operation: Operation, path: str) -> dict[str, object] | None:
        target = self._locate(path)

        def info() -> dict[str, object] | None:
            self.filesystem.invalidate_cache()
            try:
                return dict(self.filesystem.info(target))
            except Exception as error:
                if self._is_absent(error):
                    return None
                raise

        return self._attempt(operation, path, info)

    @staticmethod
    def _size_of(info: object) -> int:
        size = cast("dict[str, object]", info).get("size")
        return size if isinstance(size, int) else 0


class BaseArtifactStoreFlavor(Flavor, ABC):
    """Base of the flavors of artifact stores."""

    @property
    def config_class(self) -> type[BaseArtifactStoreConfig]:
        """The class of the store's settings."""
        return BaseArtifactStoreConfig

    @property
    @abstractmethod
    def implementation_class(self) -> type[BaseArtifactStore]:
        """The store's class."""

    @property
    def docs_url(self) -> str | None:
        """The flavor's section in the documentation."""
        return self.generate_default_docs_url()

    @property
    def sdk_docs_url(self) -> str | None:
        """The reference of the flavor's classes."""
        return self.generate_default_sdk_docs_url()

    @property
    def type(self) -> StackComponentType:
        """`StackComponentType.ARTIFACT_STORE`."""
        return StackComponentType.ARTIFACT_STORE
