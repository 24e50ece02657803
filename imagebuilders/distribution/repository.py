"""One repository of a registry: its tags, manifests and blobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import partial

from imagebuilders.distribution.blobs import BlobReader
from imagebuilders.distribution.content import Content
from imagebuilders.distribution.manifests import (
    ALL_MANIFEST_TYPES,
    ManifestTarget,
    StoredManifest,
)
from imagebuilders.distribution.paging import read_pages
from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.uploads import BlobWriter
from imagebuilders.exceptions import (
    ImageNameError,
    RegistryContentError,
)
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.reference import is_repository_path

MAX_BLOB_IN_MEMORY = 64 * 1024 * 1024


class Repository:
    """A repository; made by `RegistryClient.repository`.

    A reference is a tag or a digest. All methods raise `RegistryError`: its subclasses tell a
    registry that refuses (`RegistryResponseError`, and of these `RegistryAccessError` and
    `RegistryNotFoundError`), one that cannot be reached (`RegistryConnectionError`), and one whose
    answers cannot be used (`RegistryContentError`).
    """

    def __init__(self, session: RegistrySession, path: str) -> None:
        self._session = session
        self.path = path
        """The repository's name, without the registry."""
        self._pull = frozenset({f"repository:{path}:pull"})
        self._push = frozenset({f"repository:{path}:pull,push"})
        self._delete = frozenset({f"repository:{path}:delete"})

    @property
    def registry(self) -> str:
        """The registry's domain, with its port."""
        return self._session.registry

    def __str__(self) -> str:
        return f"{self._session.registry}/{self.path}"

    def __repr__(self) -> str:
        return f"<Repository {self}>"

    # --- manifests ---------------------------------------------------------------

    def resolve(self, reference: str | Digest) -> Descriptor:
        """Return what a tag stands for now: media type, digest and size of a manifest.

        Raises:
            ImageNameError: `reference` is malformed.
            RegistryNotFoundError: there is no such manifest.
        """
        return self._manifest(reference).resolve(self._pull)

    def read_manifest(
        self,
        reference: str | Digest,
        *,
        media_types: Collection[str] = ALL_MANIFEST_TYPES,
    ) -> StoredManifest:
        """Return a manifest or an index; its digest is checked.

        Args:
            reference: a tag or a digest.
            media_types: which types the registry may answer with; it need not obey.

        Raises:
            ImageNameError: `reference` is malformed.
            RegistryNotFoundError: there is no such manifest.
        """
        return self._manifest(reference).read(media_types, self._pull)

    def write_manifest(
        self, content: bytes, media_type: str, reference: str | Digest | None = None
    ) -> Digest:
        """Store a manifest or an index; what it names must be there already.

        Args:
            content: its exact bytes.
            media_type: what it is.
            reference: the tag it gets, or its digest; the digest alone by default.

        Raises:
            ImageNameError: `reference` is malformed.
            DigestMismatchError: `reference` is the digest of other content.
        """
        target = self._manifest(Digest.of(content) if reference is None else reference)
        return target.write(content, media_type, self._push)

    def delete_manifest(self, reference: str | Digest) -> None:
        """Delete a tag, or by digest a manifest and its tags.

        Raises:
            ImageNameError: `reference` is malformed.
            RegistryNotFoundError: there is no such manifest.
        """
        self._manifest(reference).delete(self._delete)

    def tags(self, *, page_size: int | None = None) -> Iterator[str]:
        """Return the tags, in the registry's order, each page when it is needed.

        Args:
            page_size: how many tags to ask for at once; the registry's choice by default.

        Raises:
            RegistryNotFoundError: there is no such repository.
        """
        fetch = partial(
            self._session.request,
            "GET",
            what=f"The tags of {self} were not listed",
            accept={200},
            scopes=self._pull,
        )
        query = "" if page_size is None else f"?n={int(page_size)}"
        target = f"/v2/{self.path}/tags/list{query}"
        return read_pages(fetch, target, "tags", self._session.resolve)

    # --- blobs -------------------------------------------------------------------

    def blob_size(self, digest: Digest | str) -> int | None:
        """Return how many bytes a blob has; `None` when the repository lacks it."""
        return self._blob(digest).size()

    def open_blob(
        self, digest: Digest | str, *, size: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Read a blob piece by piece, and check it at its end; a download that was cut goes on.

            with repository.open_blob(layer.digest, size=layer.size) as pieces:
                for piece in pieces:
                    file.write(piece)

        Args:
            digest: which one.
            size: how many bytes it should have, if that is known.

        Raises:
            ImageFormatError: `digest` is malformed.
            RegistryContentError: from the iterator, when the blob is not what its digest says.
            RegistryNotFoundError: from the iterator, when there is no such blob.
        """
        return self._blob(digest).open(size)

    def open_blob_range(
        self, digest: Digest | str, start: int, length: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Read a part of a blob piece by piece; it cannot be checked.

        Args:
            digest: which one.
            start: the first byte, from 0.
            length: how many bytes; there are fewer where the blob ends.

        Raises:
            ValueError: `start` or `length` is negative.
            ImageFormatError: `digest` is malformed.
            RegistryNotFoundError: from the iterator, when there is no such blob.
        """
        if start < 0 or length < 0:
            raise ValueError(f"start and length are 0 or more, not {start} and {length}")
        return self._blob(digest).open_range(start, length)

    def read_blob(
        self,
        digest: Digest | str,
        *,
        size: int | None = None,
        max_bytes: int = MAX_BLOB_IN_MEMORY,
    ) -> bytes:
        """Return a whole blob; its digest is checked.

        Args:
            digest: which one.
            size: how many bytes it should have, if that is known.
            max_bytes: the most bytes to hold in memory.

        Raises:
            ImageFormatError: `digest` is malformed.
            RegistryContentError: it is larger, or not what its digest says.
            RegistryNotFoundError: there is no such blob.
        """
        content = bytearray()
        with self.open_blob(digest, size=size) as pieces:
            for piece in pieces:
                content += piece
                if len(content) > max_bytes:
                    raise self._unusable(f"The blob {digest} of {self} has over {max_bytes} bytes.")
        return bytes(content)

    def mount_blob(self, digest: Digest | str, source: Repository | str) -> bool:
        """Take a blob over from another repository of the registry, without an upload.

        Args:
            digest: which one.
            source: where it is.

        Returns:
            Whether the registry did so. If not, the blob must be uploaded.
        """
        path = source.path if isinstance(source, Repository) else source
        if not is_repository_path(path):
            raise ImageNameError(f"{path!a} is not a repository.", image_name=path)
        return self._writer().mount(_digest(digest), path)

    def upload_blob(
        self,
        content: Content,
        *,
        digest: Digest | str | None = None,
        chunk_size: int | None = None,
        on_progress: Callable[[int], object] | None = None,
    ) -> Descriptor:
        """Upload a blob, unless the repository has it already.

        Args:
            content: bytes, a binary file that can be positioned, or any iterable of bytes. An
                iterable is sent in chunks, of which one is in memory at a time; so it may be
                larger than the memory, and its digest need not be known before.
            digest: the content's digest, if it is known; computed else.
            chunk_size: bytes of each chunk; bytes and files go in one piece by default. The
                registry may want larger ones.
            on_progress: called with the number of bytes sent so far.

        Returns:
            Digest and size; the media type is `application/octet-stream`.

        Raises:
            DigestMismatchError: the content is not what `digest` says.
        """
        known = None if digest is None else _digest(digest)
        return self._writer().upload(content, known, chunk_size, on_progress or _ignore)

    def delete_blob(self, digest: Digest | str) -> None:
        """Delete a blob from the repository.

        Raises:
            RegistryNotFoundError: there is no such blob.
        """
        wanted = _digest(digest)
        with self._session.request(
            "DELETE",
            f"/v2/{self.path}/blobs/{wanted}",
            what=f"The blob {wanted} of {self} was not deleted",
            accept={200, 202, 204},
            scopes=self._delete,
        ):
            pass

    # --- inside --------------------------------------------------------------------

    def _blob(self, digest: Digest | str) -> BlobReader:
        return BlobReader(self._session, self.path, _digest(digest), self._pull)

    def _writer(self) -> BlobWriter:
        return BlobWriter(self._session, self.path, self._push)

    def _manifest(self, reference: str | Digest) -> ManifestTarget:
        return ManifestTarget(self._session, self.path, reference)

    def _unusable(self, message: str) -> RegistryContentError:
        return RegistryContentError(message, registry=self._session.registry)


def _digest(digest: Digest | str) -> Digest:
    return digest if isinstance(digest, Digest) else Digest.parse(digest)


def _ignore(_: int) -> None:
    """Do nothing with the progress of an upload."""
