"""Images of image layouts on this machine: `oci-layout://folder[:tag][@digest]`.

No link is followed below such a folder: a stranger's layout does not lead to other files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

from imagebuilders.context.opener import FolderOpener
from imagebuilders.distribution import StoredManifest
from imagebuilders.exceptions import ControlFileError, ImageBuilderError, ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, is_digest, verified
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES, ObjectReader, load_object
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST

_PIECE_BYTES = 256 * 1024
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no pipe is waited for


class LayoutBlobs:
    """The blobs of one image layout.

    Args:
        path: its folder.
        tag: the image that is meant; empty for `latest`, or the only one.
        digest: the digest of its manifest or index, if it is given.
    """

    def __init__(self, path: str, tag: str = "", digest: str = "") -> None:
        self.path = path
        self._tag = tag
        self._digest = digest

    @classmethod
    def parse(cls, text: str) -> LayoutBlobs:
        """Read `folder`, `folder:tag` or either with `@digest` behind it."""
        path, at, digest = text.rpartition("@")
        if not at or not is_digest(digest):  # a folder's name may have an @
            path, digest = text, ""
        head, colon, tag = path.rpartition(":")
        if colon and "/" not in tag and not os.path.isdir(path):
            return cls(head, tag, digest)
        return cls(path, "", digest)

    def named_manifest(self) -> StoredManifest:
        """Return what the address stands for.

        Raises:
            ImageBuilderError: there is no such image, or the layout cannot be read.
        """
        if self._digest:
            return self.read_manifest(self._digest)
        try:
            found = ImageLayout(self.path).find(self._tag)
        except ControlFileError as error:
            raise ImageBuilderError(f"{self.path} is not an image layout: {error}") from error
        if found is None:
            raise ImageBuilderError(
                f"the image layout {self.path} has no image of the tag {self._tag or 'latest'}"
            )
        return self.read_manifest(found.digest)

    def read_manifest(self, reference: str | Digest) -> StoredManifest:
        """Return a manifest or an index by its digest.

        Raises:
            ImageFormatError: it is malformed, or not what its digest says.
            ImageBuilderError: there is none.
        """
        content = self.read_blob(reference, max_bytes=MAX_DOCUMENT_BYTES)
        fields = ObjectReader(load_object(content, "the manifest"), "the manifest")
        media_type = fields.text("mediaType")
        if not media_type:
            media_type = OCI_INDEX if fields.has("manifests") else OCI_MANIFEST
        return StoredManifest(Descriptor.of(content, media_type), content)

    def read_blob(
        self,
        digest: Digest | str,
        *,
        size: int | None = None,
        max_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> bytes:
        """Return a whole blob.

        Raises:
            ImageFormatError: it is larger, or not what its digest says.
            ImageBuilderError: there is none.
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
        with self._open(digest) as descriptor:
            known = digest if isinstance(digest, Digest) else Digest.parse(digest)
            yield verified(_pieces(descriptor, 0, None), known, size=size)

    @contextmanager
    def open_blob_range(
        self, digest: Digest | str, start: int, length: int
    ) -> Generator[Iterator[bytes], None, None]:
        """Read a part of a blob piece by piece; it cannot be checked."""
        with self._open(digest) as descriptor:
            yield _pieces(descriptor, start, start + length)

    @contextmanager
    def _open(self, digest: Digest | str) -> Generator[int, None, None]:
        known = digest if isinstance(digest, Digest) else Digest.parse(digest)
        with ExitStack() as opened:
            try:
                opener = opened.enter_context(FolderOpener(self.path))
                folder = opener.folder(f"blobs/{known.algorithm}")
                descriptor = os.open(known.encoded, _FLAGS, dir_fd=folder)
                opened.callback(os.close, descriptor)
                is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            except OSError as error:
                raise ImageBuilderError(
                    f"the image layout {self.path} has no blob {known}: {error.strerror}"
                ) from error
            if not is_file:
                raise ImageBuilderError(f"the image layout {self.path} has no blob {known}")
            yield descriptor


def _pieces(descriptor: int, start: int, end: int | None) -> Iterator[bytes]:
    position = start
    while end is None or position < end:
        length = _PIECE_BYTES if end is None else min(_PIECE_BYTES, end - position)
        piece = os.pread(descriptor, length, position)
        if not piece:
            return
        position += len(piece)
        yield piece
