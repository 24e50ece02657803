"""What a descriptor of an emulated process leads to: files, pipes, devices, streams."""

from __future__ import annotations

import errno
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from .credentials import Credentials
from .nodes import Node

PIPE_CAPACITY = 65_536
"""Bytes that a pipe holds until its writer waits (pipe(7))."""


def failure(number: int, path: str | None = None) -> OSError:
    """Make the error of a system call."""
    return OSError(number, os.strerror(number), path)


class Caller(ABC):
    """What system calls know of the process that makes them.

    Attributes:
        credentials: who it works for.
        working_dir: an absolute path, as `pwd` shows it.
        umask: bits that new files do not get.
        descriptors: what is open.
    """

    credentials: Credentials
    working_dir: str
    umask: int
    descriptors: dict[int, OpenFile]

    @property
    @abstractmethod
    def changed(self) -> threading.Condition:
        """The lock of all that processes wait for."""

    @abstractmethod
    def step(self) -> None:
        """Count a step, and hear signals."""

    @abstractmethod
    def wait_for(self, is_so: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until something is so; whether it is."""

    @abstractmethod
    def broken_pipe(self) -> None:
        """Write into a pipe that nobody reads."""

    @abstractmethod
    def count_output(self, size: int) -> None:
        """Count bytes that are written."""

    @abstractmethod
    def random_bytes(self, size: int) -> bytes:
        """Return so many bytes by chance."""

    @abstractmethod
    def now(self) -> float:
        """Return the time, in seconds since the epoch."""


class OpenFile:
    """An open file description: shared by all descriptors that were made from one.

    Attributes:
        path: by which it was opened; empty for a pipe.
    """

    path = ""
    is_terminal = False

    def __init__(self) -> None:
        self._uses = 0

    def retain(self) -> OpenFile:
        """Count one more descriptor."""
        self._uses += 1
        return self

    def release(self) -> None:
        """Count one descriptor less; the last one closes it."""
        self._uses -= 1
        if self._uses == 0:
            self.close()

    def close(self) -> None:
        """Let go of what is behind it."""

    def read(self, _process: Caller, _size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        raise failure(errno.EBADF)

    def write(self, _process: Caller, _data: bytes, /) -> None:
        """Write all of it."""
        raise failure(errno.EBADF)

    def push_back(self, _data: bytes, /) -> bool:
        """Put back what was read too much; whether that can be done."""
        return False


class FileHandle(OpenFile):
    """A regular file, with a position."""

    def __init__(self, node: Node, path: str, *, reads: bool, writes: bool, appends: bool) -> None:
        super().__init__()
        self.node = node
        self.path = path
        self._reads, self._writes, self._appends = reads, writes, appends
        self._position = 0

    def read(self, process: Caller, size: int) -> bytes:
        """Read on from the position."""
        if not self._reads:
            raise failure(errno.EBADF)
        if self.node.file.kind == "dir":
            raise failure(errno.EISDIR)
        process.step()
        data = self.node.read(self._position, size)
        self._position += len(data)
        return data

    def write(self, process: Caller, data: bytes) -> None:
        """Write at the position, or at the end."""
        if not self._writes:
            raise failure(errno.EBADF)
        if self._appends:
            self._position = self.node.size
        process.count_output(len(data) + max(0, self._position - self.node.size))
        self.node.write(self._position, data, process.now())
        self._position += len(data)

    def seek(self, position: int) -> None:
        """Go to a position, in bytes from the beginning."""
        self._position = position

    def push_back(self, data: bytes) -> bool:
        """Go back by what was read too much."""
        self._position -= len(data)
        return True

    def close(self) -> None:
        """Bring what was written into the tree."""
        self.node.flush()


class Device(OpenFile):
    """`/dev/null` and those like it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.path = f"/dev/{name}"
        self._name = name

    def read(self, process: Caller, size: int) -> bytes:
        """Read zeros, random bytes or nothing."""
        process.step()
        if self._name in ("zero", "full", "random", "urandom"):
            process.count_output(size)
            return bytes(size) if self._name in ("zero", "full") else process.random_bytes(size)
        return b""

    def write(self, process: Caller, data: bytes) -> None:
        """Forget it; a full device refuses."""
        process.step()
        if self._name == "full" and data:
            raise failure(errno.ENOSPC)


class Sink(OpenFile):
    """A stream of the double that takes what is printed."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        super().__init__()
        self._take = take

    def write(self, process: Caller, data: bytes) -> None:
        """Pass it on."""
        process.step()
        process.count_output(len(data))
        if data:
            self._take(data)


class Source(OpenFile):
    """A stream of the double that a process is sent.

    Args:
        read: waits for some bytes, up to so many; none at the end.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        super().__init__()
        self._read = read
        self._ahead = b""

    def read(self, process: Caller, size: int) -> bytes:
        """Read what was put back, or wait for more."""
        process.step()
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._read(size)

    def push_back(self, data: bytes) -> bool:
        """Keep it for the next reader, who is another program with the same descriptor."""
        self._ahead = data + self._ahead
        return True


class Bytes(OpenFile):
    """A text that can be read, as of a here-document."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data
        self._position = 0

    def read(self, process: Caller, size: int) -> bytes:
        """Read on from the position."""
        process.step()
        data = self._data[self._position : self._position + size]
        self._position += len(data)
        return data

    def push_back(self, data: bytes) -> bool:
        """Go back by what was read too much."""
        self._position -= len(data)
        return True


class Collector(OpenFile):
    """Collects what a command substitution prints."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def write(self, process: Caller, data: bytes) -> None:
        """Add it."""
        process.step()
        process.count_output(len(data))
        self.data += data


class _Pipe:
    def __init__(self) -> None:
        self.data = bytearray()
        self.readers = 1
        self.writers = 1


class PipeReader(OpenFile):
    """The end of a pipe that is read."""

    def __init__(self, pipe: _Pipe, changed: Callable[[], None]) -> None:
        super().__init__()
        self._pipe = pipe
        self._changed = changed

    def read(self, process: Caller, size: int) -> bytes:
        """Wait for something, or for the last writer to go."""
        process.step()
        pipe = self._pipe
        process.wait_for(lambda: bool(pipe.data) or not pipe.writers)
        with process.changed:
            data = bytes(pipe.data[:size])
            del pipe.data[:size]
            process.changed.notify_all()
        return data

    def push_back(self, data: bytes) -> bool:
        """Put it before what comes next: no real pipe can; programs read single bytes instead."""
        self._pipe.data[:0] = data
        return True

    def close(self) -> None:
        """Let writers know that nobody reads."""
        self._pipe.readers = 0
        self._changed()


class PipeWriter(OpenFile):
    """The end of a pipe that is written to."""

    def __init__(self, pipe: _Pipe, changed: Callable[[], None]) -> None:
        super().__init__()
        self._pipe = pipe
        self._changed = changed

    def write(self, process: Caller, data: bytes) -> None:
        """Wait for room as long as somebody reads."""
        pipe = self._pipe
        process.step()
        process.count_output(len(data))
        view = memoryview(data)
        while view:
            process.wait_for(lambda: len(pipe.data) < PIPE_CAPACITY or not pipe.readers)
            if not pipe.readers:
                process.broken_pipe()
            with process.changed:
                room = PIPE_CAPACITY - len(pipe.data)
                pipe.data += view[:room]
                process.changed.notify_all()
            view = view[room:]

    def close(self) -> None:
        """Let readers know that nothing more comes."""
        self._pipe.writers = 0
        self._changed()


def make_pipe(changed: Callable[[], None]) -> tuple[PipeReader, PipeWriter]:
    """Make both ends of a pipe.

    Args:
        changed: wakes those who wait, when an end is closed.
    """
    pipe = _Pipe()
    return PipeReader(pipe, changed), PipeWriter(pipe, changed)
