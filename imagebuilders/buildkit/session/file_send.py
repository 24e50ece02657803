"""`FileSend`: the daemon sends results to the client, as one stream or as a folder.

Which exporter a stream belongs to stands in its headers; a daemon that does not say so has one.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Protocol

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

EXPORTER_HEADER = "buildkit-attachable-exporter-id"
METADATA_PREFIX = "exporter-md-"


class Target(Protocol):
    """Where one exporter's result goes."""

    def receive(self, call: Call) -> None:
        """Take a result, or a part of it, out of a call.

        Raises:
            CallError: it cannot be written, or breaks the protocol.
        """
        ...

    def commit(self) -> None:
        """Put what was received in its place: the build succeeded.

        Raises:
            OSError: it cannot be put there.
        """
        ...

    def discard(self) -> None:
        """Take away what was received, as far as it is not in its place; the build failed."""
        ...


class StreamTarget:
    """An open stream, such as standard output, which takes one archive and stays open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def receive(self, call: Call) -> None:
        """Write what comes to the stream."""
        try:
            _copy(call, self._stream)
            self._stream.flush()
        except OSError as error:
            raise _unwritable("", error) from error

    def commit(self) -> None:
        """Do nothing: what was written is written."""

    def discard(self) -> None:
        """Do nothing: what was written is written."""


class FileTarget:
    """A file, which appears when the build has succeeded, whole or not at all.

    Until then its content is in a file beside it. A pipe or device that stands there is written
    to as the content comes.
    """

    def __init__(self, path: str) -> None:
        """Make a target.

        Args:
            path: the file; the folder that it is in is made when it is missing.
        """
        self._path = os.path.realpath(path)
        self._temporary: str | None = None

    def receive(self, call: Call) -> None:
        """Write what comes."""
        self.discard()
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with self._open() as file:
                _copy(call, file)
        except OSError as error:
            self.discard()
            raise _unwritable(self._path, error) from error
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        """Put the content in its place."""
        if self._temporary is not None:
            os.replace(self._temporary, self._path)
            self._temporary = None

    def discard(self) -> None:
        """Take away what was received."""
        if self._temporary is not None:
            with suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = None

    def _open(self) -> IO[bytes]:
        mode = None
        with suppress(FileNotFoundError):
            mode = os.stat(self._path).st_mode
            if not stat.S_ISREG(mode):
                return open(self._path, "wb")
        folder, name = os.path.split(self._path)
        temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}")
        file = open(temporary, "xb")  # noqa: SIM115  (the caller closes it)
        self._temporary = temporary
        if mode is not None:
            os.fchmod(file.fileno(), stat.S_IMODE(mode))
        return file


class FolderTarget:
    """A folder, made when it is missing; what is in it already stays, unless it is replaced.

    Several platforms come in calls of their own, each into a folder of its name.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def receive(self, call: Call) -> None:
        """Write the entries below the folder."""
        from imagebuilders.buildkit.session.folder_receiver import FolderReceiver

        FolderReceiver(call, self._path).run()

    def commit(self) -> None:
        """Do nothing: what was written is in its place."""

    def discard(self) -> None:
        """Do nothing: what was written stays, as with the `docker` command."""


class FileSend:
    """Serves targets by the number of the exporter in the request."""

    def __init__(self, targets: Mapping[int, Target] | Sequence[Target]) -> None:
        if not isinstance(targets, Mapping):
            targets = dict(enumerate(targets))
        self._targets = dict(targets)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {"/moby.filesync.v1.FileSend/DiffCopy": self._receive}

    def commit(self) -> None:
        """Put all results in their places: the build succeeded.

        Raises:
            OSError: one cannot be put there.
        """
        for target in self._targets.values():
            target.commit()

    def discard(self) -> None:
        """Take away what was received and is not in its place; the build failed."""
        for target in self._targets.values():
            target.discard()

    def _receive(self, call: Call) -> None:
        number = (call.values(EXPORTER_HEADER) or [""])[0]
        if number:
            target = self._targets.get(int(number)) if _is_number(number) else None
        else:
            target = next(iter(self._targets.values())) if len(self._targets) == 1 else None
        if target is None:
            raise CallError(
                RpcStatus(Code.PERMISSION_DENIED, f"nothing is expected of exporter {number!r}")
            )
        target.receive(call)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _copy(call: Call, file: IO[bytes]) -> None:
    while (message := call.receive()) is not None:
        file.write(_content(message))


def _content(message: bytes) -> bytes:
    try:
        return BytesMessage.FromString(message).data
    except DecodeError as error:
        raise CallError(RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")) from error


def _unwritable(path: str, error: OSError) -> CallError:
    where = f"output {path}" if path else "output"
    return CallError(
        RpcStatus(Code.UNKNOWN, f"the {where} cannot be written: {error.strerror or error}")
    )
