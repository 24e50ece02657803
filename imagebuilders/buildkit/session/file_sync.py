"""`FileSync`: the daemon copies folders of the client.

Packets are those of https://github.com/tonistiigi/fsutil: the client tells every entry (STAT),
the daemon asks for the content of those that it has not (REQ), by their number among the STATs.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.session.sync_paths import followed
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.content import ContentReader
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.exceptions import ImageBuilderError

DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"

_BATCH_BYTES = 64 * 1024
_CHUNK_BYTES = 256 * 1024

# Go's bits of a file's mode: https://pkg.go.dev/io/fs#FileMode
_GO_KINDS = {EntryType.FILE: 0, EntryType.DIRECTORY: 1 << 31, EntryType.LINK: 1 << 27}
_GO_SPECIAL = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))


@dataclass(frozen=True)
class SyncedFolder:
    """A folder that a daemon may copy."""

    entries: Sequence[Entry]
    """Everything in it, parents first."""


class FileSync:
    """Serves folders by the names that a daemon asks for: `context`, `dockerfile`, …"""

    def __init__(self, folders: Mapping[str, SyncedFolder]) -> None:
        self._folders = dict(folders)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {DIFF_COPY: self._diff_copy}

    def _diff_copy(self, call: Call) -> None:
        name = (decoded(call, "dir-name") or [""])[0]
        folder = self._folders.get(name)
        if folder is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"no access allowed to dir {name!r}"))
        entries = folder.entries
        paths = decoded(call, "followpaths")
        if paths:
            entries = followed(entries, paths)
        try:
            with ContentReader() as reader:
                _Sending(call, entries, reader).run()
        except ImageBuilderError as error:
            call.send(Packet(type=Packet.PACKET_ERR, data=str(error).encode()).SerializeToString())
            raise CallError(RpcStatus(Code.UNKNOWN, str(error))) from error


def decoded(call: Call, name: str) -> list[str]:
    """Return the values of a header, URL-decoded where the daemon says that they are encoded."""
    values = call.values(name)
    if call.values(f"{name}-encoded"):
        return [unquote_plus(value, errors="surrogateescape") for value in values]
    return values


class _Sending:
    """One copy of a folder."""

    def __init__(self, call: Call, entries: Sequence[Entry], reader: ContentReader) -> None:
        self._call = call
        self._reader = reader
        self._entries = entries
        self._asked: deque[int] = deque()
        self._is_finished = False

    def run(self) -> None:
        """Tell the entries and send what is asked for, until the daemon has all."""
        for batch in _batches(_stats(self._entries)):
            self._call.send_all(batch)
            while not self._is_finished and (message := self._call.receive_now()) is not None:
                self._take(message)
            self._send_asked()
        while not self._is_finished:
            message = self._call.receive()
            if message is None:
                return
            self._take(message)
            self._send_asked()
        self._call.send(Packet(type=Packet.PACKET_FIN).SerializeToString())

    def _take(self, message: bytes) -> None:
        packet = Packet.FromString(message)
        if packet.type == Packet.PACKET_REQ:
            if len(self._entries) <= packet.ID:
                raise CallError(RpcStatus(Code.INVALID_ARGUMENT, f"there is no entry {packet.ID}"))
            self._asked.append(packet.ID)
        elif packet.type == Packet.PACKET_FIN:
            self._is_finished = True
        elif packet.type == Packet.PACKET_ERR:
            words = packet.data.decode("utf-8", "replace")
            raise CallError(RpcStatus(Code.UNKNOWN, f"error from receiver: {words}"))

    def _send_asked(self) -> None:
        while self._asked:
            number = self._asked.popleft()
            entry = self._entries[number]
            if entry.type is EntryType.FILE:
                for chunk in self._reader.read_chunks(entry, _CHUNK_BYTES):
                    self._call.send(_data(number, chunk))
            self._call.send(_data(number, b""))


def _data(number: int, content: bytes) -> bytes:
    return Packet(type=Packet.PACKET_DATA, ID=number, data=content).SerializeToString()


def _stats(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Serialize a STAT for each entry, and the empty one that ends them."""
    first_names: dict[tuple[int, int], bytes] = {}
    for entry in entries:
        stat = Stat(
            path=encode_path(entry.path), mode=go_mode(entry), size=entry.size,
            modTime=_time(entry),
        )  # fmt: skip
        if entry.type is EntryType.LINK:
            stat.linkname = encode_path(entry.target)
        elif entry.type is EntryType.FILE and entry.inode:
            first = first_names.setdefault((entry.device, entry.inode), stat.path)
            if first != stat.path:
                stat.linkname = first
                stat.size = 0
        yield Packet(type=Packet.PACKET_STAT, stat=stat).SerializeToString()
    yield b""


def _time(entry: Entry) -> int:
    """Return an entry's time in nanoseconds.

    The daemon takes a file of the same size and time for unchanged. An added file that has no time
    gets one from its content, within the first second of 1970.
    """
    if entry.mtime_ns is not None:
        return entry.mtime_ns
    if not isinstance(entry.source, bytes):
        return 0
    return int.from_bytes(hashlib.sha256(entry.source).digest()[:8], "big") % 1_000_000_000


def go_mode(entry: Entry) -> int:
    """Return an entry's mode as Go writes it."""
    mode = _GO_KINDS[entry.type] | (0o777 if entry.type is EntryType.LINK else entry.mode & 0o777)
    for bit, go_bit in _GO_SPECIAL:
        if entry.type is not EntryType.LINK and entry.mode & bit:
            mode |= go_bit
    return mode


def _batches(messages: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message) + 5
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch
