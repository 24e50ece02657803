"""What was done with a store, attempt by attempt, and the faults to come."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from imagebuilders.artifact_stores.operations import Operation

from ..faults import Fault


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


@dataclass
class StoreFault(Fault):
    """A fault to come.

    Attributes:
        operations: what it is for.
        path: a pattern for the paths, relative to the store's, that it is for.
        error: makes the error that the file system raises.
        after_bytes: bytes that are written before the error; `None` for an error before any.
        delay: seconds that the attempt takes.
    """

    operations: tuple[Operation, ...]
    path: str
    error: Callable[[], Exception] | None
    after_bytes: int | None = None
    delay: float = 0.0

    @property
    def is_answer(self) -> bool:
        """Whether no other fault can happen to the same attempt after it."""
        return self.error is not None and self.after_bytes is None

    def applies_to(self, operation: Operation, path: str) -> bool:
        """Whether it is for this attempt."""
        return operation in self.operations and fnmatchcase(path, self.path)


class Attempt:
    """One attempt in progress, or done; a file it opened for writing may still grow."""

    def __init__(self, operation: Operation, path: str) -> None:
        self.operation: Operation = operation
        self.path = path
        self.written = 0
        self.error: str | None = None
        self.cut: StoreFault | None = None

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
