"""`FileSend`: the daemon sends results to the client, as one stream or as a folder.

Which exporter a stream belongs to stands in its headers; a daemon that does not say so has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Protocol

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.session.folder_receiver import FolderReceiver
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

EXPORTER_HEADER = "buildkit-attachable-exporter-id"
METADATA_PREFIX = "exporter-md-"


class Target(Protocol):
    """Where one exporter's result goes."""

    def receive(self, call: Call) -> None:
        """Take the result out of a call.

        Raises:
            CallError: it cannot be written, or breaks the protocol.
        """
        ...


class FileTarget:
    """One stream: an archive."""

    def __init__(self, opened: Callable[[], AbstractContextManager[IO[bytes]]]) -> None:
        """Make a target.

        Args:
            opened: opens the file; called when the daemon begins to send.
        """
        self._opened = opened

    def receive(self, call: Call) -> None:
        """Write the stream to the file."""
        try:
            with self._opened() as file:
                while (message := call.receive()) is not None:
                    file.write(_content(message))
        except OSError as error:
            raise CallError(
                RpcStatus(Code.UNKNOWN, f"the output cannot be written: {error.strerror}")
            ) from error


class FolderTarget:
    """A folder, made when it is missing; what is in it already stays, unless it is replaced."""

    def __init__(self, path: str) -> None:
        self._path = path

    def receive(self, call: Call) -> None:
        """Write the entries below the folder."""
        FolderReceiver(call, self._path).run()


class FileSend:
    """Serves targets by the number of the exporter in the request."""

    def __init__(self, targets: Mapping[int, Target] | Sequence[Target]) -> None:
        if not isinstance(targets, Mapping):
            targets = dict(enumerate(targets))
        self._targets = dict(targets)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {"/moby.filesync.v1.FileSend/DiffCopy": self._receive}

    def _receive(self, call: Call) -> None:
        number = (call.values(EXPORTER_HEADER) or [""])[0]
        if number:
            target = self._targets.get(int(number)) if number.isdecimal() else None
        else:
            target = next(iter(self._targets.values())) if len(self._targets) == 1 else None
        if target is None:
            raise CallError(
                RpcStatus(Code.PERMISSION_DENIED, f"nothing is expected of exporter {number!r}")
            )
        target.receive(call)


def _content(message: bytes) -> bytes:
    try:
        return BytesMessage.FromString(message).data
    except DecodeError as error:
        raise CallError(RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")) from error
