"""Archives of a context: which form, and which times stand in them."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from imagebuilders.context.entries import Entry
from imagebuilders.context.gzip_stream import gzip_stream
from imagebuilders.context.tar_stream import tar_stream
from imagebuilders.context.zip_stream import zip_stream
from imagebuilders.exceptions import BuildContextError

# The first moment that a zip archive can hold; tools that read older times fail on them.
DEFAULT_MTIME = 315532800  # 1980-01-01T00:00:00Z


_SECOND = 1_000_000_000


class ArchiveType(enum.Enum):
    """The form of an archive."""

    TAR = "tar"
    TAR_GZ = "tar.gz"
    ZIP = "zip"


def archive_stream(
    entries: Iterable[Entry],
    archive_type: ArchiveType,
    *,
    keep_mtimes: bool = False,
    keep_modes: bool = False,
) -> Generator[bytes, None, None]:
    """Return the archive of `entries` in pieces.

    Args:
        entries: what goes in, in order.
        archive_type: the form.
        keep_mtimes: write the files' own times, in whole seconds, instead of one fixed time.
        keep_modes: write the permission bits as they are on disk, into a tar.

    Raises:
        ContextChangedError: a file changed after its entry was made.
        BuildContextError: a file cannot be read, or `SOURCE_DATE_EPOCH` is no number.
    """
    mtime = _mtimes(keep_mtimes)
    if archive_type is ArchiveType.ZIP:
        return zip_stream(entries, mtime)
    stream = tar_stream(entries, mtime, keep_modes=keep_modes)
    return _gzipped(stream) if archive_type is ArchiveType.TAR_GZ else stream


def _gzipped(stream: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    with closing(stream):
        yield from gzip_stream(stream)


def fixed_mtime() -> int:
    """Return the time for reproducible archives: `SOURCE_DATE_EPOCH`, else `DEFAULT_MTIME`.

    See https://reproducible-builds.org/specs/source-date-epoch/.

    Raises:
        BuildContextError: `SOURCE_DATE_EPOCH` is no whole number of seconds since 1970.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return DEFAULT_MTIME
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise BuildContextError(
            f"SOURCE_DATE_EPOCH is {text!r}, which is no number of seconds since 1970. Correct the "
            "environment variable or unset it."
        )
    return int(text)


def _mtimes(keep: bool) -> Callable[[Entry], int]:
    fixed = fixed_mtime()
    if not keep:
        return lambda _entry: fixed
    return lambda entry: fixed if entry.mtime_ns is None else entry.mtime_ns // _SECOND
