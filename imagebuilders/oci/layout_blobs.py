"""The blobs of an image layout, read without following a link below its folder.

So a stranger's layout does not lead to other files of this machine.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.folder_opener import FolderOpener
from imagebuilders.oci.digest import Digest, verified
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES
from imagebuilders.oci.layout import blob_path

_PIECE_BYTES = 256 * 1024
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no pipe is waited for


class LayoutBlobs:
    """The blobs of one image layout.

    All methods raise `ImageFormatError` when a blob is not there, cannot be read, or is not what
    its digest says.

    Args:
        path: its folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read_blob(
        self,
        digest: Digest | str,
        *,
        size: int | None = None,
        max_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> bytes:
        """Return a whole blob.

        Args:
            digest: which one.
            size: how many bytes it should have.
            max_bytes: the most bytes to hold in memory.
        """
        content = bytearray()
        with self.open_blob(digest, size=size) as pieces:
            for piece in pieces:
                content += piece
                if len(content) > max_bytes:
                    raise ImageFormatError(f"The blob {digest} has over {max_bytes} bytes.")
        return bytes(content)

    @contextmanager
    def open_blob(
        self, digest: Digest | str, *, size: int | None = None
    ) -> Generator[Iterator[bytes], None, None]:
        """Read a blob piece by piece; it is checked at its end."""
        known = _digest(digest)
        with self._open(known) as descriptor:
            yield verified(self._pieces(known, descriptor, 0, None), known, size=size)

    @contextmanager
    def open_blob_range(
        self, digest: Digest | str, start: int, length: int
    ) -> Generator[Iterator[bytes], None, None]:
        """Read a part of a blob piece by piece; it cannot be checked."""
        known = _digest(digest)
        with self._open(known) as descriptor:
            yield self._pieces(known, descriptor, start, start + length)

    @contextmanager
    def _open(self, digest: Digest) -> Generator[int, None, None]:
        folder, name = os.path.split(blob_path(digest))
        with ExitStack() as opened:
            try:
                opener = opened.enter_context(FolderOpener(self.path))
                descriptor = os.open(name, _FLAGS, dir_fd=opener.folder(folder))
                opened.callback(os.close, descriptor)
                is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            except OSError as error:
                raise self._unreadable(digest, error.strerror or str(error)) from error
            if not is_file:
                raise self._unreadable(digest, "it is no file")
            yield descriptor

    def _pieces(
        self, digest: Digest, descriptor: int, start: int, end: int | None
    ) -> Iterator[bytes]:
        position = start
        while end is None or position < end:
            length = _PIECE_BYTES if end is None else min(_PIECE_BYTES, end - position)
            try:
                piece = os.pread(descriptor, length, position)
            except OSError as error:
                raise self._unreadable(digest, error.strerror or str(error)) from error
            if not piece:
                return
            position += len(piece)
            yield piece

    def _unreadable(self, digest: Digest, reason: str) -> ImageFormatError:
        return ImageFormatError(
            f"The blob {digest} of the image layout {self.path} cannot be read: {reason}."
        )


def _digest(digest: Digest | str) -> Digest:
    return digest if isinstance(digest, Digest) else Digest.parse(digest)
