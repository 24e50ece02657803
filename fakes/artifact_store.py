"""An artifact store in memory that tells what was done with it, and fails on demand."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import UUID

from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from imagebuilders.artifact_stores.base import BaseArtifactStore, BaseArtifactStoreConfig
from imagebuilders.artifact_stores.chunks import SourceError
from imagebuilders.artifact_stores.operations import VERBS, Operation
from imagebuilders.artifact_stores.paths import relative_to
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.exceptions import ArtifactStoreError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imagebuilders.artifact_stores.filesystem import FileSystem

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class StoreOperation:
    """One attempt at one operation; an operation that was tried again left several.

    Attributes:
        name: the operation.
        path: the path, relative to the store's own.
        bytes_written: bytes that reached the store in the course of it, also of a failed one.
        error: what it failed with, as in `ConnectionResetError: …`; `None` when it succeeded.
    """

    name: Operation
    path: str
    bytes_written: int = 0
    error: str | None = None


class ManualClock:
    """A clock that moves only when somebody sleeps: pauses cost no time and are remembered.

    Attributes:
        now: seconds since it was made.
        pauses: every pause, in seconds, in order.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.now += seconds
        self.pauses.append(seconds)


@dataclass
class _Fault:
    """A fault to come: after `skip` attempts that match, the next `times` are struck."""

    operations: tuple[Operation, ...]
    path: str
    skip: int
    times: int | None
    error: Callable[[], Exception] | None
    after_bytes: int | None = None
    delay: float = 0.0

    def strikes(self, operation: Operation, path: str) -> bool:
        """Tell whether this attempt is struck, and count it."""
        if operation not in self.operations or not fnmatchcase(path, self.path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times == 0:
                return False
            self.times -= 1
        return True


class _Attempt:
    """One attempt in progress, or done; a file it opened for writing may still grow."""

    def __init__(self, operation: Operation, path: str) -> None:
        self.operation: Operation = operation
        self.path = path
        self.written = 0
        self.error: str | None = None
        self.cut: _Fault | None = None

    def write(self, file: io.BytesIO, data: bytes) -> int:
        """Write, up to where the attempt is to be cut."""
        cut = self.cut
        if cut is not None and cut.after_bytes is not None and cut.error is not None:
            data = data[: cut.after_bytes - self.written]
            self.written += file.write(data)
            if self.written >= cut.after_bytes:
                raise cut.error()
        else:
            self.written += file.write(data)
        return len(data)

    def record(self) -> StoreOperation:
        """Give what is known of it by now."""
        return StoreOperation(self.operation, self.path, self.written, self.error)


class _Writer(io.BufferedIOBase):
    """Writes to a file of the store in the course of an attempt."""

    def __init__(self, file: io.BytesIO, attempt: _Attempt | None) -> None:
        super().__init__()
        self._file = file
        self._attempt = attempt

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        content = bytes(data)
        if self._attempt is None:
            return self._file.write(content)
        return self._attempt.write(self._file, content)


class _Reader(io.BytesIO):
    """A file's content at the time it was opened; tells what is read of it."""

    def __init__(self, content: bytes, count: Callable[[int], None]) -> None:
        super().__init__(content)
        self._count = count

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._count(len(data))
        return data


class InstanceMemoryFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """fsspec's file system in memory, whose files are the instance's instead of the class's."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, io.BytesIO] = {}
        self.pseudo_dirs: list[str] = [""]
        self.bytes_read = 0
        self.of_thread = threading.local()

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, object] | None = None,
        **options: object,
    ) -> object:
        if mode == "rb":
            return _Reader(self._content(path), self._count)
        file = super()._open(path, mode, block_size, autocommit, cache_options, **options)
        return _Writer(file, getattr(self.of_thread, "attempt", None)) if mode == "wb" else file

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: object
    ) -> bytes:
        """Read a range of a file."""
        data = self._content(path)[start:end]
        self._count(len(data))
        return data

    def _content(self, path: str) -> bytes:
        file = self.store.get(self._strip_protocol(path))
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return file.getvalue()

    def _count(self, size: int) -> None:
        self.bytes_read += size


def _one_or_all(operation: Operation | None) -> tuple[Operation, ...]:
    return tuple(VERBS) if operation is None else (operation,)


class InMemoryArtifactStoreConfig(BaseArtifactStoreConfig):
    """Settings of the store in memory.

    Attributes:
        path: any `memory://` URL; stores of one path still share nothing.
    """

    path: str = "memory://artifacts"


class InMemoryArtifactStore(BaseArtifactStore[InMemoryArtifactStoreConfig]):
    """A real artifact store whose file system is in memory and belongs to it alone.

        store = InMemoryArtifactStore()
        store.fail("publish", times=2)
        upload_build_context(context, store, "contexts")
        assert [operation.name for operation in store.operations] == [
            "read_tail", "makedirs", "publish", "publish", "publish",
        ]
        assert list(store.files) == [f"contexts/{digest}.tar.gz"]

    Everything above the file system is production code: paths, retries, errors, publishing.
    Pauses between attempts cost no time; `clock.pauses` has them.

    Attributes:
        clock: what pauses and slowness are waited on.
    """

    def __init__(
        self,
        config: InMemoryArtifactStoreConfig | None = None,
        *,
        name: str = "in-memory",
        id: UUID | None = None,  # noqa: A002  (the name its base class gives it)
        clock: ManualClock | None = None,
        attempts: int = 5,
        **settings: object,
    ) -> None:
        """Make an empty store.

        Args:
            config: its settings; without them, and without `settings`, the defaults.
            name: what the user calls it.
            id: a stable identity.
            clock: what to wait on; one of its own when none is given.
            attempts: how often a request is made in all when its fault may pass.
            settings: fields of the config.
        """
        super().__init__(config, name=name, id=id, **settings)
        self.clock = clock if clock is not None else ManualClock()
        self._attempts = attempts
        self._lock = threading.Lock()
        self._done: list[_Attempt] = []
        self._faults: list[_Fault] = []
        self._filesystem = InstanceMemoryFileSystem()

    # --- looking in ----------------------------------------------------------

    @property
    def filesystem(self) -> FileSystem:
        """The fsspec file system in memory."""
        return cast("FileSystem", self._filesystem)

    @property
    def retry_policy(self) -> RetryPolicy:
        """Five attempts unless told otherwise, with pauses on the store's own clock."""
        return RetryPolicy(attempts=self._attempts, sleep=self.clock.sleep)

    @property
    def operations(self) -> list[StoreOperation]:
        """What was done with the store so far, in order."""
        with self._lock:
            return [attempt.record() for attempt in self._done]

    @property
    def files(self) -> dict[str, bytes]:
        """Every file's content, by its path relative to the store's own, sorted."""
        prefix = self._locate("").rstrip("/") + "/"
        contents = {
            path.removeprefix(prefix): bytes(file.getbuffer())
            for path, file in dict(self._filesystem.store).items()
        }
        return dict(sorted(contents.items()))

    @property
    def bytes_written(self) -> int:
        """Bytes that reached the store so far, those of failed attempts included."""
        return sum(operation.bytes_written for operation in self.operations)

    @property
    def bytes_read(self) -> int:
        """Bytes that were read through `open` and `read_tail` so far."""
        return self._filesystem.bytes_read

    def forget_operations(self) -> None:
        """Begin the record anew; files and faults stay."""
        with self._lock:
            self._done.clear()
            self._filesystem.bytes_read = 0

    # --- breaking it ---------------------------------------------------------

    def fail(
        self,
        operation: Operation | None = None,
        error: Callable[[], Exception] = ConnectionResetError,
        *,
        call: int = 1,
        times: int | None = 1,
        path: str = "*",
    ) -> None:
        """Make attempts at an operation fail before they do anything.

        Args:
            operation: which; `None` for any.
            error: makes the error that the file system raises; the default one is transient.
            call: the first attempt that fails, counted from 1 and from now.
            times: how many fail; `None` for all from then on.
            path: only those on paths, relative to the store's, that match this pattern.
        """
        self._faults.append(_Fault(_one_or_all(operation), path, call - 1, times, error))

    def cut_write(
        self,
        after_bytes: int,
        error: Callable[[], Exception] = ConnectionResetError,
        *,
        call: int = 1,
        times: int | None = 1,
        path: str = "*",
    ) -> None:
        """Make writing, by `publish` or `open`, fail once so many bytes were written.

        Args:
            after_bytes: bytes that still reach the store.
            error: makes the error; `full` makes it a full disk.
            call: the first attempt that is cut, counted from 1 and from now.
            times: how many are cut; `None` for all from then on.
            path: only those on paths, relative to the store's, that match this pattern.
        """
        self._faults.append(_Fault(("publish", "write"), path, call - 1, times, error, after_bytes))

    def slow(self, seconds: float, operation: Operation | None = None) -> None:
        """Make every attempt at an operation (`None`: at any) take so long on the clock."""
        self._faults.append(_Fault(_one_or_all(operation), "*", 0, None, None, delay=seconds))

    def clear_faults(self) -> None:
        """Let everything succeed again."""
        self._faults.clear()

    @staticmethod
    def full() -> OSError:
        """Make the error of a full disk."""
        return OSError(errno.ENOSPC, "No space left on device")

    # --- the seams of the production class -----------------------------------

    def _attempt(
        self,
        operation: Operation,
        path: str,
        request: Callable[[], _Result],
        *,
        repeat: bool = True,
        error_class: type[ArtifactStoreError] = ArtifactStoreError,
    ) -> _Result:
        def recorded() -> _Result:
            with self._recorded(operation, relative_to(self.path, path)):
                return request()

        return super()._attempt(operation, path, recorded, repeat=repeat, error_class=error_class)

    @contextmanager
    def _recorded(self, operation: Operation, path: str) -> Iterator[None]:
        attempt = _Attempt(operation, path)
        with self._lock:
            self._done.append(attempt)
        self._filesystem.of_thread.attempt = attempt
        try:
            self._strike(attempt)
            yield
        except Exception as raised:
            error = raised.error if isinstance(raised, SourceError) else raised
            attempt.error = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._filesystem.of_thread.attempt = None

    def _strike(self, attempt: _Attempt) -> None:
        with self._lock:
            faults = [f for f in self._faults if f.strikes(attempt.operation, attempt.path)]
        for fault in faults:
            if fault.delay:
                self.clock.sleep(fault.delay)
            if fault.after_bytes is not None:
                attempt.cut = fault
            elif fault.error is not None:
                raise fault.error()
