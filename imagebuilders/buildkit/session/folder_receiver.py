"""Receives a folder: entries by fsutil's packets, written below one folder and nowhere else.

Each entry is made with the descriptor of the folder that it stands in, which was opened without
following links: neither a path with `..` nor a link that was there before leads outside.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

MAX_WAITING = 1_000_000
"""So many files may be told whose content has not come."""

_GO_DIRECTORY = 1 << 31
_GO_LINK = 1 << 27
_GO_ODD = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21
_GO_SPECIAL = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class _File:
    """A file whose content was asked for."""

    parts: tuple[bytes, ...]
    mode: int
    mtime_ns: int


class FolderReceiver:
    """One copy of a daemon's folder into one of ours."""

    def __init__(self, call: Call, path: str) -> None:
        self._call = call
        self._path = path
        self._told = 0
        self._waiting: dict[int, _File] = {}
        self._writing: dict[int, int] = {}
        self._folders: list[_File] = []
        self._all_told = False
        self._root = -1

    def run(self) -> None:
        """Receive everything.

        Raises:
            CallError: an entry would lie outside, cannot be written, or the protocol is broken.
        """
        try:
            os.makedirs(self._path, exist_ok=True)
            self._root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._receive()
            finally:
                for descriptor in self._writing.values():
                    os.close(descriptor)
                os.close(self._root)
        except OSError as error:
            raise CallError(
                RpcStatus(Code.UNKNOWN, f"the output cannot be written: {error.strerror}")
            ) from error

    def _receive(self) -> None:
        finished = False
        while True:
            if self._has_all() and not finished:
                # An early end would leave the daemon waiting.
                self._set_times_of_folders()
                self._send(Packet(type=Packet.PACKET_FIN))
                finished = True
            message = self._call.receive()
            if message is None:
                if finished:
                    return
                raise _broken("the stream ended early")
            packet = _packet(message)
            if packet.type == Packet.PACKET_STAT:
                self._take_stat(packet.stat if packet.HasField("stat") else None)
            elif packet.type == Packet.PACKET_DATA:
                self._take_data(packet.ID, packet.data)
            elif packet.type == Packet.PACKET_FIN:
                return
            elif packet.type == Packet.PACKET_ERR:
                raise _broken(packet.data.decode("utf-8", "replace"))

    def _has_all(self) -> bool:
        return self._all_told and not self._waiting

    def _send(self, packet: Packet) -> None:
        self._call.send(packet.SerializeToString())

    # --- entries -------------------------------------------------------------

    def _take_stat(self, told: Stat | None) -> None:
        if told is None:
            self._all_told = True
            return
        if self._all_told:
            raise _broken("an entry was told after the last one")
        number = self._told
        self._told += 1
        parts = _parts(told.path)
        entry = _File(parts, _permissions(told.mode), told.modTime)
        with ExitStack() as opened:
            parent = self._parent(parts, opened)
            if told.mode & _GO_DIRECTORY:
                self._make_folder(parent, entry)
            elif told.mode & _GO_LINK:
                _clear(parent, parts[-1])
                os.symlink(told.linkname, parts[-1], dir_fd=parent)
                os.utime(
                    parts[-1], ns=(told.modTime, told.modTime), dir_fd=parent, follow_symlinks=False
                )
            elif told.mode & _GO_ODD:
                return  # devices and pipes are of no use in a folder of results
            elif told.linkname:
                self._make_hard_link(parent, parts[-1], _parts(told.linkname))
            else:
                self._ask(number, entry)

    def _ask(self, number: int, entry: _File) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise _broken("more files were told than their content was sent")
        self._waiting[number] = entry
        self._send(Packet(type=Packet.PACKET_REQ, ID=number))

    def _make_folder(self, parent: int, entry: _File) -> None:
        name = entry.parts[-1]
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=parent)
                os.mkdir(name, 0o700, dir_fd=parent)
        self._folders.append(entry)

    def _make_hard_link(self, parent: int, name: bytes, target: tuple[bytes, ...]) -> None:
        with ExitStack() as opened:
            folder = self._parent(target, opened)
            if not stat.S_ISREG(os.stat(target[-1], dir_fd=folder, follow_symlinks=False).st_mode):
                raise _broken("a hard link leads to something that is no file")
            _clear(parent, name)
            os.link(target[-1], name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)

    def _set_times_of_folders(self) -> None:
        """Last of all: what is made in a folder changes its time, and needs its permissions."""
        for entry in reversed(self._folders):
            with ExitStack() as opened:
                parent = self._parent(entry.parts, opened)
                folder = os.open(entry.parts[-1], _FOLDER, dir_fd=parent)
                opened.callback(os.close, folder)
                os.fchmod(folder, entry.mode)
                os.utime(folder, ns=(entry.mtime_ns, entry.mtime_ns))

    # --- content -------------------------------------------------------------

    def _take_data(self, number: int, data: bytes) -> None:
        entry = self._waiting.get(number)
        if entry is None:
            raise _broken(f"content came that was not asked for: {number}")
        descriptor = self._writing.get(number)
        if descriptor is None:
            with ExitStack() as opened:
                parent = self._parent(entry.parts, opened)
                _clear(parent, entry.parts[-1])
                descriptor = os.open(entry.parts[-1], _NEW_FILE, 0o600, dir_fd=parent)
            self._writing[number] = descriptor
        if data:
            _write_all(descriptor, data)
            return
        os.fchmod(descriptor, entry.mode)
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        os.close(self._writing.pop(number))
        del self._waiting[number]

    def _parent(self, parts: tuple[bytes, ...], opened: ExitStack) -> int:
        """Return a descriptor of the folder that an entry stands in."""
        folder = self._root
        for part in parts[:-1]:
            folder = os.open(part, _FOLDER, dir_fd=folder)
            opened.callback(os.close, folder)
        return folder


def _packet(message: bytes) -> Packet:
    if not message:
        return Packet()  # the empty STAT that ends them
    try:
        return Packet.FromString(message)
    except DecodeError as error:
        raise _broken("a packet cannot be read") from error


def _parts(path: bytes) -> tuple[bytes, ...]:
    parts = tuple(part for part in path.split(b"/") if part not in (b"", b"."))
    if not parts or b".." in parts or b"\0" in path:
        raise _broken(f"{path!r} is not a path below the output folder")
    return parts


def _permissions(go_mode: int) -> int:
    mode = go_mode & 0o777
    for go_bit, bit in _GO_SPECIAL:
        if go_mode & go_bit:
            mode |= bit
    return mode


def _clear(parent: int, name: bytes) -> None:
    """Take away the file or link that stands in the place of a new one."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _broken(what: str) -> CallError:
    return CallError(RpcStatus(Code.INVALID_ARGUMENT, what))
