"""`Archivable`: files that can be written as one archive."""

from __future__ import annotations

import logging
import os
import posixpath
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO

from imagebuilders.context.archive import ArchiveType, archive_stream
from imagebuilders.context.entries import Entry, show_path, sort_key
from imagebuilders.context.extra_files import ExtraFiles, archive_path, overlay
from imagebuilders.context.inspection import inspect
from imagebuilders.context.packing import pack_entries
from imagebuilders.control_files import is_there
from imagebuilders.exceptions import BuildContextError

__all__ = ["Archivable", "ArchiveType"]

logger = logging.getLogger(__name__)


class Archivable(ABC):
    """Something whose files can be written as one archive, with extra files beside them.

    The archive is the same for the same content on any machine: sorted entries, one owner,
    one time (`SOURCE_DATE_EPOCH`, else 1980-01-01), and of the modes only the executable bit.
    """

    def __init__(self) -> None:
        self._extra = ExtraFiles()

    def add_file(self, source: str | bytes | os.PathLike[str], destination: str) -> None:
        """Add a file to the archive.

        A text is taken for a path when such a path exists, and for content when none does: a
        misspelt path becomes the file's content. A `pathlib.Path` is always a path, and one that
        does not exist an error; bytes are always content.

        Args:
            source: a path, or the content.
            destination: the path in the archive.

        Raises:
            BuildContextError: the source is a directory or cannot be read, or the destination lies
                outside the archive. A destination below a file of the context's folder is found
                out when the archive or the digest is made.
        """
        self._extra.add(source, destination)

    def add_directory(self, source: str | os.PathLike[str], destination: str) -> None:
        """Add everything in a directory to the archive, whatever an ignore file says.

        Symbolic links in it are added as links, wherever they lead.

        Args:
            source: the directory.
            destination: its path in the archive; `.` for the archive's root.

        Raises:
            ValueError: the source is not a directory.
            BuildContextError: something in it cannot be archived.
            ContextChangedError: something in it changed meanwhile.
        """
        _check_directory(source)
        self._extra.add_tree(os.fsdecode(source), destination)

    def get_extra_files(self) -> dict[str, str | bytes]:
        """Return the content of each added file by its path in the archive.

        Text is `str`; content that is no UTF-8 is `bytes`.

        Raises:
            ContextChangedError: a file too large to be held changed after it was added.
        """
        return self._extra.contents()

    @abstractmethod
    def get_files(self) -> dict[str, str]:
        """Return the files that go into the archive.

        Returns:
            The path on the file system by the path in the archive, without the extra files.
        """

    def entries(self) -> Iterator[Entry]:
        """Return what goes into the archive, extra files included, in its order.

        Raises:
            BuildContextError: something cannot be archived.
            ContextChangedError: something vanished meanwhile.
        """
        folder = pack_entries(self._selected_entries())
        overlay(folder, self._extra)
        return folder.entries()

    def _selected_entries(self) -> Iterator[Entry]:
        """Yield what `get_files` gives, with the parents that it needs, in order."""
        files = {archive_path(path): source for path, source in self.get_files().items()}
        paths = set(files)
        for path in files:
            parent = posixpath.dirname(path)
            while parent and parent not in paths:
                paths.add(parent)
                parent = posixpath.dirname(parent)
        for path in sorted(paths, key=sort_key):
            yield inspect(path, files.get(path))

    def iter_archive(
        self, archive_type: ArchiveType = ArchiveType.TAR, *, keep_mtimes: bool = False
    ) -> Iterator[bytes]:
        """Return the archive in pieces; nothing is held whole in memory or on disk.

        Args:
            archive_type: the archive's form. By default a plain tar, as a stream is usually
                read by an engine at once; `write_archive`, which is for files that are kept,
                compresses by default.
            keep_mtimes: write the files' own times, in whole seconds, instead of one fixed time.

        Raises:
            ContextChangedError: a file vanished, shrank, grew or was written to meanwhile.
            BuildContextError: something cannot be archived.
        """
        return archive_stream(self.entries(), archive_type, keep_mtimes=keep_mtimes)

    def write_archive(
        self,
        output_file: IO[bytes],
        use_gzip: bool | ArchiveType = True,
        archive_type: ArchiveType | None = None,
        *,
        keep_mtimes: bool = False,
    ) -> None:
        """Write the archive to a file.

        Args:
            output_file: an open file; its position is back at 0 afterwards.
            use_gzip: write a gzipped tar (the default, unlike that of `iter_archive`) or a plain
                one.
            archive_type: the archive's form, instead of `use_gzip`.
            keep_mtimes: write the files' own times, in whole seconds, instead of one fixed time.

        Raises:
            ContextChangedError: a file vanished, shrank, grew or was written to meanwhile.
            BuildContextError: something cannot be archived.
        """
        if archive_type is None:
            if isinstance(use_gzip, ArchiveType):
                archive_type = use_gzip
            else:
                archive_type = ArchiveType.TAR_GZ if use_gzip else ArchiveType.TAR
        for chunk in self.iter_archive(archive_type, keep_mtimes=keep_mtimes):
            output_file.write(chunk)
        output_file.seek(0)


def _check_directory(source: object) -> None:
    """See whether a directory can be added.

    Raises:
        BuildContextError: it is not one, or may not be looked at.
    """
    problem = "is not a directory, so it cannot be added as one"
    if isinstance(source, str | os.PathLike) and is_there(source):
        try:
            if stat.S_ISDIR(os.stat(source).st_mode):
                return
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
    raise BuildContextError(f"{show_path(str(source))} {problem}.", path=str(source))
