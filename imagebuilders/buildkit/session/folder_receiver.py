"""Receives a folder: entries by fsutil's packets, written below one folder and nowhere else.

Each entry is made with the descriptor of the folder that it stands in, which was opened without
following links: neither a path with `..` nor a link that was there before leads outside. Entries
come in one order, each once, as with every receiver of https://github.com/tonistiigi/fsutil; so
nothing that was told before is made into something else later.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.session.sync_packets import FIN, read_packet
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.entries import decode_path, show_path

MAX_ENTRIES = 1_000_000
"""So many entries a folder may have."""

MAX_ASKED = 64
"""So many files are asked for at a time; each that comes in is held open."""

MAX_PATH_BYTES = 4095
"""The longest path that Linux takes (`PATH_MAX`)."""

_GO_DIRECTORY = 1 << 31
_GO_LINK = 1 << 27
_GO_ODD = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
"""Devices, pipes, sockets and what is neither."""

_GO_SPECIAL = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MADE_FILE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Names = tuple[bytes, ...]
"""The names that lead to an entry."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A file or folder that was made, and gets its content, permissions and time later.

    Attributes:
        path: where it is.
        mode: its permissions.
        mtime_ns: its time.
        identity: device and inode of a file.
    """

    path: Names
    mode: int
    mtime_ns: int
    identity: tuple[int, int] = (0, 0)


class FolderReceiver:
    """One copy of a daemon's folder into one of ours."""

    def __init__(self, call: Call, path: str) -> None:
        self._call = call
        self._path = path
        self._told = 0
        self._last: Names = ()
        self._all_told = False
        self._root = -1
        self._folders: list[_Made] = []
        self._identities: set[tuple[int, int]] = set()
        """Of the files that were made: no other may be linked to."""
        self._unasked: deque[tuple[int, _Made]] = deque()
        self._asked: dict[int, _Made] = {}
        self._writing: dict[int, int] = {}
        """The descriptors of files whose content comes in."""

    def run(self) -> None:
        """Receive everything.

        Raises:
            CallError: an entry would lie outside, cannot be written, or the protocol is broken.
        """
        try:
            os.makedirs(self._path, exist_ok=True)
            self._root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._receive_all()
                self._finish_folders()
            finally:
                for descriptor in self._writing.values():
                    os.close(descriptor)
                os.close(self._root)
        except OSError as error:
            raise _unwritable(self._path, self._last, error) from error
        self._say_goodbye()

    def _receive_all(self) -> None:
        while not self._all_told or self._unasked or self._asked:
            message = self._call.receive()
            if message is None:
                raise _broken("the folder's transfer ended early")
            packet = read_packet(message)
            if packet.type == Packet.PACKET_STAT:
                self._take_stat(packet.stat if packet.HasField("stat") else None)
            elif packet.type == Packet.PACKET_DATA:
                self._take_data(packet.ID, packet.data)
            elif packet.type == Packet.PACKET_FIN:
                raise _broken("the folder's transfer ended early")
            elif packet.type == Packet.PACKET_ERR:
                words = packet.data.decode("utf-8", "replace")
                raise CallError(RpcStatus(Code.UNKNOWN, f"error from sender: {words}"))
            self._ask()

    def _say_goodbye(self) -> None:
        """Tell the daemon that all is there; an earlier word would leave it waiting.

        Some daemons break the call off then.
        """
        with suppress(CallError):
            self._call.send(FIN)
            while (message := self._call.receive()) is not None:
                if read_packet(message).type == Packet.PACKET_FIN:
                    return

    # --- entries -------------------------------------------------------------

    def _take_stat(self, told: Stat | None) -> None:
        if told is None:
            self._all_told = True
            return
        number = self._told
        self._told += 1
        if self._all_told or self._told > MAX_ENTRIES:
            raise _broken("the folder has more entries than can be")
        path = _path(told.path)
        # As tuples of names, paths sort as they come: parents first, then by bytes.
        if path <= self._last:
            raise _broken(f"{_shown(path)} comes behind {_shown(self._last)}, out of order")
        self._last = path
        made = _Made(path, _permissions(told.mode), told.modTime)
        with ExitStack() as opened:
            parent = self._parent(path, opened)
            if told.mode & _GO_DIRECTORY:
                self._make_folder(parent, made)
            elif told.mode & _GO_LINK:
                self._make_link(parent, made, told.linkname)
            elif told.mode & _GO_ODD:
                return  # devices and pipes are of no use in a folder of results
            elif told.linkname:
                self._make_hard_link(parent, path[-1], _path(told.linkname))
            else:
                self._unasked.append((number, self._make_file(parent, made)))

    def _make_folder(self, parent: int, made: _Made) -> None:
        name = made.path[-1]
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=parent)
                os.mkdir(name, 0o700, dir_fd=parent)
        self._folders.append(made)

    @staticmethod
    def _make_link(parent: int, made: _Made, target: bytes) -> None:
        if not target or b"\0" in target:
            raise _broken(f"the link {_shown(made.path)} leads nowhere")
        name, times = made.path[-1], (made.mtime_ns, made.mtime_ns)
        _clear(parent, name)
        os.symlink(target, name, dir_fd=parent)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _make_hard_link(self, parent: int, name: bytes, target: Names) -> None:
        with ExitStack() as opened:
            folder = self._parent(target, opened)
            if _identity(folder, target[-1]) not in self._identities:
                raise _broken(f"{_shown(self._last)} is a hard link of a file that did not come")
            _clear(parent, name)
            os.link(target[-1], name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)

    def _make_file(self, parent: int, made: _Made) -> _Made:
        """Make an empty file, so that hard links of it can be made before its content comes."""
        name = made.path[-1]
        _clear(parent, name)
        os.close(os.open(name, _NEW_FILE, 0o600, dir_fd=parent))
        identity = _identity(parent, name)
        self._identities.add(identity)
        return _Made(made.path, made.mode, made.mtime_ns, identity)

    def _finish_folders(self) -> None:
        """Last of all: what is made in a folder changes its time, and needs its permissions."""
        for made in reversed(self._folders):
            with ExitStack() as opened:
                parent = self._parent(made.path, opened)
                folder = os.open(made.path[-1], _FOLDER, dir_fd=parent)
                opened.callback(os.close, folder)
                os.fchmod(folder, made.mode)
                os.utime(folder, ns=(made.mtime_ns, made.mtime_ns))

    # --- content -------------------------------------------------------------

    def _ask(self) -> None:
        while self._unasked and len(self._asked) < MAX_ASKED:
            number, made = self._unasked.popleft()
            self._asked[number] = made
            self._call.send(Packet(type=Packet.PACKET_REQ, ID=number).SerializeToString())

    def _take_data(self, number: int, data: bytes) -> None:
        made = self._asked.get(number)
        if made is None:
            raise _broken(f"content came that was not asked for, of entry {number}")
        descriptor = self._writing.get(number)
        if descriptor is None:
            descriptor = self._writing[number] = self._open(made)
        if data:
            _write_all(descriptor, data)
            return
        os.fchmod(descriptor, made.mode)
        os.utime(descriptor, ns=(made.mtime_ns, made.mtime_ns))
        os.close(self._writing.pop(number))
        del self._asked[number]

    def _open(self, made: _Made) -> int:
        """Open a file that was made, and nothing that stands in its place by now."""
        with ExitStack() as opened:
            parent = self._parent(made.path, opened)
            descriptor = os.open(made.path[-1], _MADE_FILE, dir_fd=parent)
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != made.identity:
            os.close(descriptor)
            raise _broken(f"{_shown(made.path)} was exchanged meanwhile")
        return descriptor

    def _parent(self, path: Names, opened: ExitStack) -> int:
        """Return a descriptor of the folder that an entry stands in."""
        folder = self._root
        for name in path[:-1]:
            folder = os.open(name, _FOLDER, dir_fd=folder)
            opened.callback(os.close, folder)
        return folder


def _path(told: bytes) -> Names:
    names = tuple(told.split(b"/"))
    if len(told) > MAX_PATH_BYTES or b"\0" in told or {b"", b".", b".."} & set(names):
        raise _broken(f"{_shown(names)} is not a path below the output folder")
    return names


def _permissions(go_mode: int) -> int:
    mode = go_mode & 0o777
    for go_bit, bit in _GO_SPECIAL:
        if go_mode & go_bit:
            mode |= bit
    return mode


def _identity(folder: int, name: bytes) -> tuple[int, int]:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return found.st_dev, found.st_ino


def _clear(parent: int, name: bytes) -> None:
    """Take away the file or link that stands in the place of a new one."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _shown(path: Names) -> str:
    return show_path(decode_path(b"/".join(path)[:200]))


def _broken(what: str) -> CallError:
    return CallError(RpcStatus(Code.INVALID_ARGUMENT, what))


def _unwritable(root: str, path: Names, error: OSError) -> CallError:
    where = os.path.join(root, _shown(path)) if path else root
    return CallError(
        RpcStatus(Code.UNKNOWN, f"the output {where} cannot be written: {error.strerror}")
    )
