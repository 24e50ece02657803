"""The folders of a scenario's client, and how they are sent and received."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.session.sync_selection import Run, Selection
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.entries import Entry, EntryType, sort_key
from imagebuilders.context.followed_paths import follow_links
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.rules import IgnoreRules

from .messages import Json

_DIRECTORY = 1 << 31
_SYMLINK = 1 << 27
_BITS = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))
_NOT_REGULAR = 0x8F280000
_SECOND = 1_000_000_000
_TIME = 1_000_000_000
_PIECE = 32 * 1024


class Conversation(Protocol):
    """A call that the client serves."""

    def receive(self) -> bytes | None:
        """Return the daemon's next message; `None` when it sends no more."""
        ...

    def send(self, message: bytes) -> None:
        """Send a message."""
        ...

    def values(self, name: str) -> list[str]:
        """Return all values of a header."""
        ...


@dataclass(frozen=True)
class _File:
    stat: Stat
    content: bytes


def _files(described: Sequence[Mapping[str, Any]]) -> dict[str, _File]:
    found = {}
    for each in sorted(described, key=lambda one: sort_key(one["path"])):
        mode = int(each.get("mode", "0755" if each["type"] == "dir" else "0644"), 8)
        content = _content(each)
        go_mode = mode & 0o777
        for bit, flag in _BITS:
            go_mode |= flag if mode & bit else 0
        link = ""
        if each["type"] == "dir":
            go_mode |= _DIRECTORY
        elif each["type"] == "symlink":
            go_mode, link = _SYMLINK | 0o777, each["target"]
        elif each["type"] == "hardlink":
            link = each["target"]
        found[each["path"]] = _File(
            Stat(
                path=each["path"].encode(),
                mode=go_mode,
                size=len(content),
                modTime=int(each.get("mtime", _TIME)) * _SECOND,
                linkname=link.encode(),
            ),
            content,
        )
    return found


def _content(described: Mapping[str, Any]) -> bytes:
    if described["type"] != "file":
        return b""
    if "text" in described:
        return str(described["text"]).encode()
    # The letter makes files of one size differ where their contents did.
    letter = hashlib.sha256(str(described.get("sha256")).encode()).hexdigest()[:1].encode()
    return letter * int(described["size"])


def _entry(path: str, file: _File) -> Entry:
    mode = file.stat.mode
    kind = EntryType.DIRECTORY if mode & _DIRECTORY else EntryType.FILE
    if mode & _SYMLINK:
        return Entry(path, EntryType.LINK, target=file.stat.linkname.decode())
    return Entry(path, kind, size=len(file.content), source=file.content)


class ClientFolders:
    """Serves `FileSync`.

    Args:
        folders: what is in each, by what the client calls it.
        oddity: what the client does otherwise in its folder `context`: `breaks off`, or sends
            files `short` or `empty`.
    """

    def __init__(self, folders: Mapping[str, Sequence[Json]], oddity: str = "") -> None:
        self._folders = {name: _files(described) for name, described in folders.items()}
        self._oddity = oddity

    def send(self, call: Conversation) -> None:
        """Send a folder by `FileSync/DiffCopy`.

        Raises:
            CallError: there is no such folder.
        """
        (name,) = call.values("dir-name") or [""]
        if name not in self._folders:
            words = f"no access allowed to dir '{name}'"
            raise CallError(RpcStatus(Code.NOT_FOUND, words))
        files = self._selected(name, call)
        follows = call.values("followpaths")
        odd = self._oddity if name == "context" and follows != [".dockerignore"] else ""
        for file in files:
            call.send(Packet(type=Packet.PACKET_STAT, stat=file.stat).SerializeToString())
        if odd == "breaks off":
            self._break_off(call)
            return
        call.send(b"")
        while (message := call.receive()) is not None:
            packet = Packet.FromString(message)
            if packet.type == Packet.PACKET_REQ:
                self._send_content(call, packet.ID, files[packet.ID].content, odd)
            elif packet.type == Packet.PACKET_FIN:
                call.send(Packet(type=Packet.PACKET_FIN).SerializeToString())
                return

    def _break_off(self, call: Conversation) -> None:
        words = b"open big.bin: permission denied"
        call.send(Packet(type=Packet.PACKET_ERR, data=words).SerializeToString())
        while (message := call.receive()) is not None:
            if Packet.FromString(message).type == Packet.PACKET_ERR:
                return

    def _send_content(self, call: Conversation, number: int, content: bytes, odd: str) -> None:
        if odd:
            content = content[:2] if odd == "short" else b""
        for at in range(0, len(content), _PIECE):
            piece = content[at : at + _PIECE]
            call.send(Packet(type=Packet.PACKET_DATA, ID=number, data=piece).SerializeToString())
        call.send(Packet(type=Packet.PACKET_DATA, ID=number).SerializeToString())

    def _selected(self, name: str, call: Conversation) -> list[_File]:
        files = self._folders[name]
        excluded = IgnoreRules.compile(call.values("exclude-patterns"))
        kept = [path for path in files if not excluded.judge_deep(path)[-1][1].excluded]
        above = {path[:at] for path in kept for at in range(len(path)) if path[at] == "/"}
        entries = [_entry(path, files[path]) for path in files if path in {*kept, *above}]
        folder = pack_entries(entries)
        wanted = call.values("include-patterns")
        if follows := call.values("followpaths"):
            wanted += follow_links(folder, follows) or []
        selection = Selection(folder, IgnoreRules.compile(wanted) if wanted else None)
        total = sum(part.end - part.start if isinstance(part, Run) else 1 for _, part in selection)
        return [files[selection.entry(number).path] for number in range(total)]


def receive_folder(call: Conversation) -> None:
    """Receive a folder by `FileSend/DiffCopy`, and keep nothing of it."""
    pending: set[int] = set()
    told = 0
    all_told = False
    while not all_told or pending:
        message = call.receive()
        if message is None:
            return
        packet = Packet.FromString(message)
        if packet.type == Packet.PACKET_STAT and packet.HasField("stat"):
            if not packet.stat.mode & _NOT_REGULAR and not packet.stat.linkname:
                pending.add(told)
                call.send(Packet(type=Packet.PACKET_REQ, ID=told).SerializeToString())
            told += 1
        elif packet.type == Packet.PACKET_STAT:
            all_told = True
        elif packet.type == Packet.PACKET_DATA and not packet.data:
            pending.discard(packet.ID)
    call.send(Packet(type=Packet.PACKET_FIN).SerializeToString())
    while (message := call.receive()) is not None:
        if Packet.FromString(message).type == Packet.PACKET_FIN:
            return
