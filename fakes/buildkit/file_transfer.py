"""The daemon's ends of fsutil's protocol: it copies a client's folder, or sends one to it.

Packets: https://github.com/tonistiigi/fsutil (`types/wire.proto`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import TransportError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .failures import PeerFailedError

GO_DIRECTORY = 1 << 31
GO_SYMLINK = 1 << 27
_GO_KINDS = 0x8F280000
"""Go's bits of a file's mode that tell what it is: https://pkg.go.dev/io/fs#FileMode."""

_CHUNK_BYTES = 32 * 1024


@dataclass(frozen=True)
class SyncedFile:
    """An entry of a client's folder, as the client told it.

    Attributes:
        path: its path in the folder.
        mode: Go's mode: permissions, and bits for what it is.
        size: its size.
        mtime_ns: its time in nanoseconds.
        linkname: where a symbolic link leads, or which entry a hard link is of.
        content: its content; `None` when the daemon did not ask for it.
    """

    path: str
    mode: int
    size: int
    mtime_ns: int
    linkname: str
    content: bytes | None = None

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with a content of its own."""
        return not self.mode & _GO_KINDS and not self.linkname


Wanted = Callable[[SyncedFile], bool] | Collection[str] | None
"""Which files' contents are asked for: all (`None`), those of some paths, or by a function."""


def copy_folder(call: Call, wanted: Wanted = None) -> dict[str, SyncedFile]:
    """Copy a folder of the client's by `FileSync/DiffCopy`; return its entries by path.

    Raises:
        CallError: the client refused; a `PeerFailedError` if it broke the copy off.
    """
    files: list[SyncedFile] = []
    contents: dict[int, bytearray] = {}
    pending: set[int] = set()
    is_told = is_finished = False
    while (message := call.receive()) is not None:
        packet = Packet.FromString(message)
        if packet.type == Packet.PACKET_STAT and packet.HasField("stat"):
            number = len(files)
            files.append(_file(packet.stat))
            if _is_wanted(files[-1], wanted):
                pending.add(number)
                call.send(Packet(type=Packet.PACKET_REQ, ID=number).SerializeToString())
        elif packet.type == Packet.PACKET_STAT:
            is_told = True
        elif packet.type == Packet.PACKET_DATA and packet.data:
            contents.setdefault(packet.ID, bytearray()).extend(packet.data)
        elif packet.type == Packet.PACKET_DATA:
            contents.setdefault(packet.ID, bytearray())
            pending.discard(packet.ID)
        elif packet.type == Packet.PACKET_ERR:
            words = f"error from sender: {packet.data.decode('utf-8', 'replace')}"
            with suppress(TransportError):  # the client may have ended the call with it
                call.send(Packet(type=Packet.PACKET_ERR, data=words.encode()).SerializeToString())
            raise PeerFailedError(RpcStatus(Code.UNKNOWN, words))
        if is_told and not pending and not is_finished:
            is_finished = True
            call.send(Packet(type=Packet.PACKET_FIN).SerializeToString())
    return {
        file.path: SyncedFile(
            file.path,
            file.mode,
            file.size,
            file.mtime_ns,
            file.linkname,
            bytes(contents[number]) if number in contents else None,
        )
        for number, file in enumerate(files)
    }


def _file(stat: Stat) -> SyncedFile:
    return SyncedFile(
        os.fsdecode(stat.path), stat.mode, stat.size, stat.modTime, os.fsdecode(stat.linkname)
    )


def _is_wanted(file: SyncedFile, wanted: Wanted) -> bool:
    if not file.is_regular:
        return False
    if wanted is None:
        return True
    return wanted(file) if callable(wanted) else file.path in wanted


@dataclass(frozen=True)
class SentEntry:
    """An entry that the daemon sends to the client, as it stands: nothing of it is checked.

    Attributes:
        path: its path.
        content: a file's content.
        mode: Go's mode.
        linkname: where a symbolic link leads, or which entry a hard link is of.
        mtime_ns: its time in nanoseconds.
    """

    path: str
    content: bytes = b""
    mode: int = 0o644
    linkname: str = ""
    mtime_ns: int = 0

    def stat(self) -> Stat:
        """Return what is told of it."""
        return Stat(
            path=os.fsencode(self.path),
            mode=self.mode,
            size=len(os.fsencode(self.linkname) if self.mode & GO_SYMLINK else self.content),
            modTime=self.mtime_ns,
            linkname=os.fsencode(self.linkname),
        )


def send_folder(
    call: Call, entries: Iterable[SentEntry], told: Callable[[], None] = lambda: None
) -> None:
    """Send a folder to the client by `FileSend/DiffCopy`.

    Args:
        call: the call.
        entries: what is in it.
        told: called when what is in it was told, before any content.

    Raises:
        CallError: the client refused; a `PeerFailedError` if it broke the transfer off.
    """
    sent = list(entries)
    for entry in sent:
        call.send(Packet(type=Packet.PACKET_STAT, stat=entry.stat()).SerializeToString())
    call.send(b"")
    told()
    while (message := call.receive()) is not None:
        packet = Packet.FromString(message)
        if packet.type == Packet.PACKET_REQ:
            content = sent[packet.ID].content
            for begin in range(0, len(content), _CHUNK_BYTES):
                _send_data(call, packet.ID, content[begin : begin + _CHUNK_BYTES])
            _send_data(call, packet.ID, b"")
        elif packet.type == Packet.PACKET_FIN:
            call.send(Packet(type=Packet.PACKET_FIN).SerializeToString(), last=True)
        elif packet.type == Packet.PACKET_ERR:
            words = f"error from receiver: {packet.data.decode('utf-8', 'replace')}"
            raise PeerFailedError(RpcStatus(Code.UNKNOWN, words))


def _send_data(call: Call, number: int, content: bytes) -> None:
    packet = Packet(type=Packet.PACKET_DATA, ID=number, data=content)
    call.send(packet.SerializeToString())
