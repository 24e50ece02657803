"""Folders of clients: copied through their sessions, and kept for the next build."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.evaluation.trees import Folder, stamped
from imagebuilders.oci.file_tree import File, new_inode

from ..failures import as_told
from ..file_transfer import GO_DIRECTORY, GO_SYMLINK, SyncedFile
from .progress import Progress

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from ..session_peer import SessionPeer

NO_SESSION = "could not access local files without session"


class SessionRefusedError(CallError):
    """The client refused to send a folder, or broke it off."""


Files = Mapping[str, SyncedFile]
"""The entries of a client's folder by path."""

Key = tuple[str, str, str]

_PERMISSIONS = 0o777
_BITS = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
_KINDS = ((1 << 25, "fifo"), (1 << 21, "char"), (1 << 26, "block"))
_STAT_BYTES = 24
"""About what the entry of a file costs on the wire, besides its name."""


@dataclass(frozen=True)
class CopiedFolder:
    """A client's folder as it is now.

    Attributes:
        files: its entries.
        sent: about as many bytes as the client sent of it.
    """

    files: Files
    sent: int


class ClientFolders:
    """What clients sent of their folders.

    A file that looks as it did, by its size, time and mode, is not asked for again under the same
    shared key, as by real daemons.
    """

    def __init__(self) -> None:
        self._kept: dict[Key, Files] = {}
        self._lock = threading.Lock()

    def copy(
        self,
        session: SessionPeer,
        name: str,
        *,
        hint: str = "",
        follow: Sequence[str] = (),
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        anew: bool = False,
    ) -> CopiedFolder:
        """Copy a folder of a client's.

        Args:
            session: the client.
            name: what it calls the folder.
            hint: tells apart what is copied of the same folder for several ends.
            follow: the paths that are wanted; all when empty.
            exclude: patterns of what is not wanted.
            include: patterns of what is wanted; all when empty.
            anew: ask for what is known, too.

        Raises:
            CallError: the client refused.
        """
        key = (session.shared_key or session.id, name, hint)
        with self._lock:
            before = self._kept.get(key, {})

        def is_news(file: SyncedFile) -> bool:
            if anew:
                return True
            known = before.get(file.path)
            return known is None or known.content is None or replace(known, content=None) != file

        try:
            found = session.copy(
                name, follow=follow, exclude=exclude, include=include, wanted=is_news
            )
        except CallError as error:
            raise SessionRefusedError(as_told(error)) from error
        files = {
            path: file
            if file.content is not None or path not in before or is_news(file)
            else before[path]
            for path, file in found.items()
        }
        with self._lock:
            self._kept[key] = files
        return CopiedFolder(files, _size(found))

    def kept(self) -> dict[Key, Files]:
        """Return what was sent: by shared key or session, folder, and end."""
        with self._lock:
            return dict(self._kept)

    def remove(self, key: Key) -> None:
        """Forget what was sent."""
        with self._lock:
            self._kept.pop(key, None)


def transferred(
    progress: Progress,
    vertex: Vertex,
    name: str,
    find_session: Callable[[], SessionPeer],
    copy: Callable[[SessionPeer], CopiedFolder],
) -> Files:
    """Copy a folder, and tell how much was sent.

    Args:
        progress: is told.
        vertex: the copy's.
        name: what the client calls the folder.
        find_session: returns the client's session.
        copy: does it.

    Raises:
        CallError: from `copy`.
    """
    with progress.running(vertex):
        session = find_session()
        line = progress.status(vertex, f"transferring {name}:", "transferring")
        line.tell()
        try:
            copied = copy(session)
        except SessionRefusedError:
            line.complete()
            raise
        line.complete(copied.sent)
    return copied.files


def _size(files: Files) -> int:
    """Return about as many bytes as were sent."""
    return 2 + sum(
        _STAT_BYTES + len(file.path) + len(file.content or b"") for file in files.values()
    )


def folder_tree(files: Files, now: Callable[[], int]) -> Folder:
    """Return what a client sent as a tree.

    Args:
        files: its entries, folders before what is in them.
        now: the time of the root, in nanoseconds since 1970.
    """
    root = Folder(stamped(File("dir", 0o755), now()))
    folders = {"": root}
    linked = {
        file.linkname for file in files.values() if file.linkname and not file.mode & GO_SYMLINK
    }
    inodes = {path: new_inode() for path in linked}
    for path, entry in files.items():
        above, _, name = path.rpartition("/")
        if entry.mode & GO_DIRECTORY:
            folders[path] = folder = Folder(_file(entry, files, inodes))
            folders[above].names[name] = folder
        else:
            folders[above].names[name] = _file(entry, files, inodes)
    return root


def _file(entry: SyncedFile, files: Files, inodes: Mapping[str, int]) -> File:
    mode = entry.mode & _PERMISSIONS
    for bit, own in _BITS:
        mode |= own if entry.mode & bit else 0
    if entry.mode & GO_DIRECTORY:
        return stamped(File("dir", mode), entry.mtime_ns)
    if entry.mode & GO_SYMLINK:
        return stamped(File("symlink", 0o777, link=entry.linkname), entry.mtime_ns)
    kind = next((kind for bit, kind in _KINDS if entry.mode & bit), "file")
    first = files.get(entry.linkname, entry) if entry.linkname else entry
    made = File(kind, mode, data=first.content or b"", inode=inodes.get(first.path, 0))
    return stamped(made, first.mtime_ns)
