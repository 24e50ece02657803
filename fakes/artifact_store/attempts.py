"""What was done with a store, attempt by attempt, and the faults to come."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from imagebuilders.artifact_stores.operations import Operation


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
class StoreFault:
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
