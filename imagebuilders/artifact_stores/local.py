"""An artifact store in a folder of this machine."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.chunks import ChunkSource
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.flavor import BaseArtifactStoreFlavor
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.artifact_stores.temporary import is_stale, is_temporary, temporary_name
from imagebuilders.components.flavor import BuiltInFlavor
from imagebuilders.user_folders import expand_home, user_data_folder

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.filesystem import FileSystem

logger = logging.getLogger(__name__)


def default_path() -> str:
    """Give the artifact folder in the user's data folder.

    Raises:
        ConfigurationError: the user has no home folder.
    """
    return str(user_data_folder() / "imagebuilders" / "artifacts")


class LocalArtifactStoreConfig(BaseArtifactStoreConfig):
    """Settings of the local artifact store.

    Attributes:
        path: the folder, as a path or a `file://` URL; `~` is the home folder; a relative path
            is taken from the working directory at the time the settings are made. By default a
            folder in the user's data folder. It is made when something is written.
    """

    path: str = Field(default_factory=default_path)

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if path.startswith("file://"):
            url = urlsplit(path)
            if url.netloc not in ("", "localhost"):
                raise ValueError(f"{path!r} names another machine; use file:///folder")
            path = unquote(url.path)
        elif "://" in path:
            raise ValueError(
                f"{path!r} is not a folder of this machine; "
                "use the flavor 's3' for s3:// and 'remote' for any other URL"
            )
        if not path or "\0" in path:
            raise ValueError("must name a folder")
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            raise ValueError("must be a path that the file system has bytes for") from None
        return os.path.abspath(expand_home(path))


class LocalArtifactStore(BaseArtifactStore[LocalArtifactStoreConfig]):
    """Keeps files in a folder.

    A file is written under a temporary name in its own folder, forced to the disk and then
    renamed, which POSIX makes atomic. The writer holds a lock (`flock`) on the temporary file,
    so that the next upload into the folder can tell a dead process's file from one that is
    being written, and removes it.
    """

    @property
    def filesystem(self) -> FileSystem:
        """fsspec's local file system."""
        return cast("FileSystem", import_module("fsspec.implementations.local").LocalFileSystem())

    # What an upload needs does without fsspec, which takes longer to import than an upload takes.

    @property
    def _root(self) -> str:
        return self.path

    def read_tail(self, path: str, length: int) -> Tail | None:
        """Give the size of a file and its last `length` bytes; `None` when there is none."""
        target = self._locate(path)

        def tail() -> Tail | None:
            try:
                # A pipe would be waited for.
                descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError:
                return None
            try:
                status = os.fstat(descriptor)
                if stat.S_ISDIR(status.st_mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
                if not stat.S_ISREG(status.st_mode):
                    return Tail(0, b"")
                size = status.st_size
                return Tail(size, os.pread(descriptor, length, max(0, size - length)))
            finally:
                os.close(descriptor)

        return self._attempt("read_tail", path, tail)

    def makedirs(self, path: str) -> None:
        """Make a folder and those above it; without effect when it is there."""
        target = self._locate(path)
        self._attempt("makedirs", path, lambda: os.makedirs(target, exist_ok=True))

    def put(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to write a locked file beside it and to rename that."""
        folder, name = os.path.split(target)
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, temporary_name(name))
        with _locked_new_file(temporary) as descriptor:
            try:
                total = 0
                with source.open() as chunks:
                    for chunk in chunks:
                        _write_all(descriptor, chunk)
                        total += len(chunk)
                        source.written(total)
                os.fsync(descriptor)
                os.replace(temporary, target)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
                raise
        _sync_folder(folder)
        with suppress(OSError):
            self._sweep(folder)
        return total

    def _is_there(self, target: str) -> bool:
        return os.path.lexists(target)

    def _rename(self, old: str, new: str) -> None:
        os.makedirs(os.path.dirname(new), exist_ok=True)
        os.replace(old, new)

    def _sweep(self, folder: str) -> None:
        for name in filter(is_temporary, os.listdir(folder)):
            path = os.path.join(folder, name)
            with suppress(OSError):  # gone already, or another user's: the rest may be ours
                if is_stale(name, self.stale_after):
                    os.unlink(path)
                elif not _remove_abandoned(path):
                    continue
                logger.info("Removed %s, which an upload that died left behind.", path)


@contextmanager
def _locked_new_file(path: str) -> Iterator[int]:
    """Make a file and hold a lock on it; the descriptor is closed at the end of the block."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks: its files are swept by age
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_same_file(descriptor, path):
                yield descriptor
                return
            # Between its making and its locking, another upload took it for abandoned.
        finally:
            os.close(descriptor)


def _is_same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _remove_abandoned(path: str) -> bool:
    """Remove a temporary file on which nobody holds the lock; tell whether it was one.

    The lock is held until the file is gone: a writer that has made it and waits for the lock
    then finds it gone, and makes another.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # locked by its writer, or no locks here: its age will tell
    else:
        os.unlink(path)
        return True
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: str) -> None:
    """Force the folder's entries to the disk, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


class LocalArtifactStoreFlavor(BuiltInFlavor, BaseArtifactStoreFlavor):
    """The flavor `local`."""

    name = "local"
    config_class = LocalArtifactStoreConfig
    implementation_class = LocalArtifactStore
