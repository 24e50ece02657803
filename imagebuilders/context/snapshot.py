"""A build context as it was at one moment: one value for digest, archive, build and transfer."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import field, replace

from imagebuilders.context import tree
from imagebuilders.context.advice import Notices
from imagebuilders.context.archive import ArchiveType, archive_stream
from imagebuilders.context.content import read_whole
from imagebuilders.context.content_times import ContentTimes
from imagebuilders.context.digest_cache import DigestCache, cache_folder
from imagebuilders.context.dockerfile_lookup import FoundDockerfile
from imagebuilders.context.entries import Entry, decode_path
from imagebuilders.context.folder import Folder
from imagebuilders.context.ignore_file import IgnoreFile
from imagebuilders.context.manifest import ContentHasher, digest_folder, manifest_of
from imagebuilders.context.remote import RemoteSource
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class ContextSnapshot:
    """What one walk of a context found, with what was added by hand.

    The entries are sorted: parents first, the names of one directory by their bytes. Contents
    stay on disk, except those of added files and of files that control the build. They are read
    when they are needed; a file that has changed by then is a `ContextChangedError`, one that was
    added later is no part of the snapshot. Owners are not kept: each client sends 0.

    Attributes:
        root: the context's folder.
        ignore_path: the path of the context's ignore file.
        ignore_file: the ignore file that the selection was made by.
        folder: what is in it, packed.
        dockerfile: the Dockerfile, if it was asked for and there is one.
        notices: what was already said about the context.
        remote: where the files come from when they are not known here; `folder` is empty then.
    """

    root: str | None
    ignore_path: str | None
    ignore_file: IgnoreFile | None
    folder: Folder = field(repr=False)
    dockerfile: FoundDockerfile | None = None
    notices: Notices = field(default_factory=Notices, repr=False, compare=False)
    remote: RemoteSource | None = None

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in order."""
        return self.folder.entries()

    def find(self, path: str) -> Entry | None:
        """Return the entry of a path."""
        return tree.find(self.folder, path)

    def read(self, entry: Entry) -> bytes:
        """Return a file's content. Many files are quicker read by one `ContentReader`.

        Raises:
            ContextChangedError: the file changed since the snapshot was taken.
            BuildContextError: the file cannot be read.
        """
        return read_whole(entry)

    def with_entries(self, entries: Iterable[Entry]) -> ContextSnapshot:
        """Return a snapshot in which these entries stand at their paths."""
        root = self.folder
        for entry in entries:
            root = tree.replace(root, entry)
        return replace(self, folder=root)

    def digest(self, *, use_cache: bool = True) -> str:
        """Return `sha256:<hex>` over paths, types, modes, contents and link targets.

        Args:
            use_cache: whether to remember the hashes of files in the user's cache folder, so that
                an unchanged file is not read again.

        Raises:
            BuildContextError: something cannot be read.
            ContextChangedError: something changed since the snapshot was taken.
        """
        with self._hasher(use_cache=use_cache) as hasher:
            return digest_folder(self.folder, hasher)

    def hashed_entries(self, *, use_cache: bool = True) -> Iterator[tuple[Entry, str]]:
        """Yield the entries in order, each with what is in it.

        That is the SHA-256 of a file's content in hexadecimal, the target of a link, and nothing
        for a directory.

        Args:
            use_cache: as for `digest`.

        Raises:
            BuildContextError, ContextChangedError: as for `digest`.
        """
        with self._hasher(use_cache=use_cache) as hasher:
            manifest = b"".join(manifest_of(self.folder, hasher))
        contents = manifest.split(b"\0")[1::2]
        for entry, content in zip(self, contents, strict=True):
            yield entry, decode_path(content)

    def content_times(self) -> ContentTimes:
        """Return a time for each file that tells nothing but its content.

        Raises:
            BuildContextError: something cannot be read, or `SOURCE_DATE_EPOCH` is no number.
            ContextChangedError: something changed since the snapshot was taken.
        """
        with self._hasher() as hasher:
            return ContentTimes(self.folder, hasher)

    def iter_archive(
        self,
        archive_type: ArchiveType = ArchiveType.TAR,
        *,
        keep_mtimes: bool = False,
        keep_modes: bool = False,
    ) -> Generator[bytes, None, None]:
        """Return the archive in pieces; nothing is held whole in memory or on disk.

        Args:
            archive_type: the archive's form.
            keep_mtimes: write the files' own times, in whole seconds, instead of one fixed time.
            keep_modes: write the permission bits as they are on disk, into a tar.

        Raises:
            ContextChangedError: a file changed since the snapshot was taken.
            BuildContextError: a file cannot be read, or `SOURCE_DATE_EPOCH` is no number.
        """
        self._check_known()
        chunks = archive_stream(self, archive_type, keep_mtimes=keep_mtimes, keep_modes=keep_modes)
        return self._watched(chunks)

    def _check_known(self) -> None:
        if self.remote is not None:
            raise BuildContextError(
                "The files of this build context are not known here: the daemon fetches them, or "
                "is sent them as they are."
            )

    def _hasher(self, *, use_cache: bool = True) -> ContentHasher:
        self._check_known()
        folder = cache_folder() if use_cache and self.root is not None else None
        if folder is None or self.root is None:
            return ContentHasher()
        return DigestCache(folder, self.root, self.ignore_path)

    def _watched(self, chunks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        """Say what is to be said of the archive."""
        self.notices.tell_secrets(self.folder.paths())
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                yield chunk
        finally:
            chunks.close()
        if self.root is not None and self.ignore_path is None:
            self.notices.tell_large(self.root, size)
