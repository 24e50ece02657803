"""The packets that folders travel in: https://github.com/tonistiigi/fsutil, `types/wire.proto`.

A context may have a hundred thousand entries, so what is sent for each is encoded by hand, at
half the cost of a message object (https://protobuf.dev/programming-guides/encoding/). What comes
is read by protobuf.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.filesync_pb2 import Packet
from imagebuilders.buildkit.session.sync_selection import HardLinks, Run
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.content_times import ContentTimes
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.context.status import STATE_SIZE, unpack_states

END_OF_STATS = b""
"""A STAT without content."""

FIN = Packet(type=Packet.PACKET_FIN).SerializeToString()

# Go's bits of a file's mode: https://pkg.go.dev/io/fs#FileMode
_GO_KINDS = {EntryType.FILE: 0, EntryType.DIRECTORY: 1 << 31, EntryType.LINK: 1 << 27}
_GO_SPECIAL = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))

_SECOND_NS = 1_000_000_000
_UINT64 = (1 << 64) - 1

_PAIR = 1 << 14


class _Pairs(dict[int, bytes]):
    """Two groups of seven bits each, as they are written; made when they are first met."""

    def __init__(self, *, last: bool) -> None:
        self._last = last

    def __missing__(self, pair: int) -> bytes:
        if self._last and pair < 0x80:
            made = bytes((pair,))
        else:
            high = pair >> 7 if self._last else pair >> 7 | 0x80
            made = bytes((pair & 0x7F | 0x80, high))
        self[pair] = made
        return made


_MORE = _Pairs(last=False)
_LAST = _Pairs(last=True)


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it; a negative one takes ten bytes."""
    if 0 <= number < _PAIR:
        return _LAST[number]
    number &= _UINT64
    encoded = b""
    while number >= _PAIR:
        encoded += _MORE[number & (_PAIR - 1)]
        number >>= 14
    return encoded + _LAST[number]


def go_mode(entry: Entry) -> int:
    """Return an entry's mode as Go writes it."""
    if entry.type is EntryType.LINK:
        return _GO_KINDS[EntryType.LINK] | 0o777
    return _GO_KINDS[entry.type] | _go_permissions(entry.mode)


def _go_permissions(mode: int) -> int:
    shown = mode & 0o777
    for bit, go_bit in _GO_SPECIAL:
        if mode & bit:
            shown |= go_bit
    return shown


def sent_time(entry: Entry) -> int:
    """Return an entry's time in nanoseconds.

    The daemon takes a file of the same size and time for unchanged. An added file that has no time
    gets one from its content, within the first second of 1970.
    """
    if entry.mtime_ns is not None:
        return entry.mtime_ns
    if not isinstance(entry.source, bytes) or entry.type is not EntryType.FILE:
        return 0
    return int.from_bytes(hashlib.sha256(entry.source).digest()[:8], "big") % _SECOND_NS


def entry_stat(entry: Entry, *, linked_to: bytes = b"", time_ns: int | None = None) -> bytes:
    """Return the STAT of an entry.

    Args:
        entry: the entry.
        linked_to: the path, told before, that a file is a hard link of.
        time_ns: its time in nanoseconds, in place of its own.
    """
    size, target = entry.size, linked_to
    if entry.type is EntryType.LINK:
        target = encode_path(entry.target)
        size = len(target)
    elif linked_to or entry.type is EntryType.DIRECTORY:
        size = 0
    mode = b"\x10" + varint(go_mode(entry))
    if time_ns is None:
        time_ns = sent_time(entry)
    return _stat(encode_path(entry.path), mode, size, time_ns, target)


def run_stats(
    run: Run, links: HardLinks, first: int, times: ContentTimes | None = None
) -> Iterator[bytes]:
    """Yield the STATs of a run of files.

    Args:
        run: the files.
        links: what was sent so far, to find hard links by.
        first: the number of the first STAT.
        times: times of the files in place of their own.
    """
    folder = run.folder
    prefix = encode_path(folder.prefix)
    names = folder.names[run.at : run.stop - 1].split(b"\0")
    states = unpack_states(folder.states[run.start * STATE_SIZE : run.end * STATE_SIZE])
    modes: dict[int, bytes] = {}
    others = None if times is None else times.of_packed(folder, run.start, run.end)
    number = first
    for name, state in zip(names, states, strict=True):
        mode, size, mtime_ns, _, inode, device = state
        other = None if others is None else others[number - first]
        if not stat.S_ISREG(mode):  # its numbers have no room in the packed form
            entry = run.entry(number - first)
            linked_to = links.find(entry.inode, entry.device, number)
            yield entry_stat(entry, linked_to=linked_to, time_ns=other)
        else:
            written = modes.get(mode)
            if written is None:
                written = modes[mode] = b"\x10" + varint(_go_permissions(mode))
            target = links.find(inode, device, number)
            time_ns = mtime_ns if other is None else other
            yield _stat(prefix + name, written, 0 if target else size, time_ns, target)
        number += 1


def _stat(path: bytes, mode: bytes, size: int, mtime_ns: int, target: bytes) -> bytes:
    content = b"\x0a%b%b%b" % (varint(len(path)), path, mode)
    if size:
        content += b"\x28" + varint(size)
    if mtime_ns:
        content += b"\x30" + varint(mtime_ns)
    if target:
        content += b"\x3a%b%b" % (varint(len(target)), target)
    return b"\x12%b%b" % (varint(len(content)), content)


def data_packet(number: int, content: bytes) -> bytes:
    """Return a DATA packet: a piece of the file with that number; an empty one ends the file."""
    head = b"\x08\x02"
    if number:
        head += b"\x18" + varint(number)
    return b"%b\x22%b%b" % (head, varint(len(content)), content) if content else head


def error_packet(words: str) -> bytes:
    """Return an ERR packet, which breaks the copy off."""
    data = words.encode("utf-8", "replace")
    return Packet(type=Packet.PACKET_ERR, data=data).SerializeToString()


def read_packet(message: bytes) -> Packet:
    """Read a packet.

    Raises:
        CallError: it cannot be read.
    """
    try:
        return Packet.FromString(message)
    except DecodeError as error:
        raise CallError(RpcStatus(Code.INVALID_ARGUMENT, "a packet cannot be read")) from error
