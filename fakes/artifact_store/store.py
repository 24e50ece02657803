"""An artifact store in memory that tells what was done with it, and fails on demand."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from uuid import UUID

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.chunks import SourceError
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.filesystem import FileSystem
from imagebuilders.artifact_stores.operations import VERBS, Operation
from imagebuilders.artifact_stores.paths import relative_to
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.exceptions import ArtifactStoreError

from ..clock import ManualClock
from ..faults import Faults
from .attempts import Attempt, StoreFault, StoreOperation
from .filesystem import InstanceMemoryFileSystem

_Result = TypeVar("_Result")


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

    A copy, or what another process unpickles, has the files as they are then.

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
        faults: what is to go wrong.
    """

    is_shared = False

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
        self._done: list[Attempt] = []
        self.faults: Faults[StoreFault] = Faults()
        self._filesystem = InstanceMemoryFileSystem()

    def __getstate__(self) -> dict[str, object]:
        state = dict(vars(self))
        del state["_lock"]
        state["_filesystem"] = self._filesystem.contents()
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        contents = cast("dict[str, bytes]", state.pop("_filesystem"))
        vars(self).update(state)
        self._lock = threading.Lock()
        self._filesystem = InstanceMemoryFileSystem(contents)

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
            path.removeprefix(prefix): content
            for path, content in self._filesystem.contents().items()
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

    def reset(self) -> None:
        """Forget everything, as if the store had just been made: files, operations and faults."""
        with self._lock:
            self._done.clear()
            self._filesystem = InstanceMemoryFileSystem()
        self.faults.clear()

    # --- breaking it ---------------------------------------------------------

    def fail(
        self,
        operation: Operation | None = None,
        error: Callable[[], Exception] = ConnectionResetError,
        *,
        times: int | None = 1,
        skip: int = 0,
        path: str = "*",
        call: int = 1,
    ) -> StoreFault:
        """Make attempts at an operation fail before they do anything.

        Args:
            operation: which; `None` for any.
            error: makes the error that the file system raises; the default one is transient.
            times: how many fail; `None` for all from then on.
            skip: how many attempts that match are let through first.
            path: only those on paths, relative to the store's, that match this pattern.
            call: the first attempt that fails, counted from 1 and from now: one more than `skip`.
        """
        fault = StoreFault(_one_or_all(operation), path, error, times=times, skip=skip + call - 1)
        return self.faults.add(fault)

    def cut_write(
        self,
        after_bytes: int,
        error: Callable[[], Exception] = ConnectionResetError,
        *,
        times: int | None = 1,
        skip: int = 0,
        path: str = "*",
        call: int = 1,
    ) -> StoreFault:
        """Make writing, by `publish` or `open`, fail once so many bytes were written.

        Args:
            after_bytes: bytes that still reach the store.
            error: makes the error; `full` makes it a full disk.
            times: how many are cut; `None` for all from then on.
            skip: how many attempts that match are let through first.
            path: only those on paths, relative to the store's, that match this pattern.
            call: the first attempt that is cut, counted from 1 and from now: one more than `skip`.
        """
        fault = StoreFault(
            ("publish", "write"), path, error, after_bytes, times=times, skip=skip + call - 1
        )
        return self.faults.add(fault)

    def slow(self, seconds: float, operation: Operation | None = None) -> StoreFault:
        """Make every attempt at an operation (`None`: at any) take so long on the clock."""
        fault = StoreFault(_one_or_all(operation), "*", None, delay=seconds, times=None)
        return self.faults.add(fault)

    def clear_faults(self) -> None:
        """Let everything succeed again."""
        self.faults.clear()

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
        attempt = Attempt(operation, path)
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

    def _strike(self, attempt: Attempt) -> None:
        faults = self.faults.happening(
            lambda fault: fault.applies_to(attempt.operation, attempt.path)
        )
        for fault in faults:
            if fault.delay:
                self.clock.sleep(fault.delay)
            if fault.after_bytes is not None:
                attempt.cut = fault
            elif fault.error is not None:
                raise fault.error()
