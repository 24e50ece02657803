"""Puts a build context's archive into an artifact store, unless it is there already."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from imagebuilders import events
from imagebuilders.artifact_stores.archive_trailer import (
    TRAILER_SIZE,
    ArchiveTrailer,
    make_trailer,
    read_trailer,
)
from imagebuilders.artifact_stores.paths import join
from imagebuilders.artifact_stores.per_process import PerProcess
from imagebuilders.artifact_stores.process_turns import process_turn
from imagebuilders.artifact_stores.turns import Turns
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import (
    ArtifactAccessError,
    ArtifactExistsError,
    ArtifactStoreError,
    UploadError,
)
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.archivable import ArchiveType
    from imagebuilders.artifact_stores.base import BaseArtifactStore

logger = logging.getLogger(__name__)

_turns = PerProcess[Turns]()
"""By the path of the archive."""


class UploadableContext(Protocol):
    """What an upload asks of a context: both of one state, as a `ContextSnapshot` gives them."""

    def digest(self) -> str:
        """Give `sha256:<hex>` over the context's content."""
        ...

    def iter_archive(self, archive_type: ArchiveType = ...) -> Iterator[bytes]:
        """Give the archive in chunks."""
        ...


def upload_build_context(
    build_context: UploadableContext,
    artifact_store: BaseArtifactStore,
    parent_path_directory_name: str,
) -> str:
    """Put the context's archive at `{store path}/{parent_path_directory_name}/{hash}.tar.gz`.

    `hash` is the hexadecimal part of the context's digest. When a whole archive of that context
    is there, this costs one request to the store: no archive is made and no byte is sent. An
    object of that name which is not a whole archive of that context is replaced.

    The archive is sent while it is made, and stands under its name only when it is whole. The
    context's folder is walked once, before; a file that changes after that ends the upload. The
    Dockerfile that the archive will be built by is in it even where the ignore rules drop it.
    Threads, and processes of one user on a machine, that upload one context at the same time wait
    for each other, and one of them sends it. So do several machines with a store in S3; with
    another store more than one machine may send it, and one archive is kept.
    Progress is told as `events.UploadProgress`.

    Args:
        build_context: the context: a `BuildContext`, or anything that gives digest and archive.
        artifact_store: where the archive goes.
        parent_path_directory_name: a folder below the store's path; made when missing.

    Returns:
        The path of the archive.

    Raises:
        UploadError: the store failed; what stood under the name before still does.
        ContextChangedError: the context changed after its digest was taken.
    """
    if isinstance(build_context, BuildContext):
        build_context = build_context.upload_snapshot()
    digest = build_context.digest()
    path = _path_of(digest, artifact_store, parent_path_directory_name)
    try:
        with _turn(artifact_store, path):
            found = _look(artifact_store, path, digest)
            if found.is_whole:
                logger.info("The build context is already at %s; nothing was sent.", path)
                events.emit(events.UploadProgress(path, 0, total=found.size, done=True))
            else:
                _upload(build_context, digest, artifact_store, path, replace=found.may_be_there)
    except UploadError:
        raise
    except ArtifactStoreError as error:
        raise UploadError(str(error), path=path) from error
    return path


@contextmanager
def _turn(artifact_store: BaseArtifactStore, path: str) -> Iterator[None]:
    """Do the block when nobody else here does it for that path."""
    with _turns.get(Turns).turn(path) as is_first:
        if is_first and artifact_store.is_shared:
            with process_turn(path):
                yield
        else:
            yield


@dataclass(frozen=True)
class _Found:
    """What stands under an archive's name."""

    size: int = 0
    is_whole: bool = False
    may_be_there: bool = True


def _look(artifact_store: BaseArtifactStore, path: str, digest: str) -> _Found:
    try:
        tail = artifact_store.read_tail(path, TRAILER_SIZE)
    except ArtifactAccessError as error:
        # S3 answers so for a missing object, too, to whoever may not list the bucket.
        logger.info("%s The build context is sent in any case.", error)
        return _Found()
    if tail is None:
        return _Found(may_be_there=False)
    if read_trailer(tail.data) == ArchiveTrailer(tail.size, digest):
        return _Found(tail.size, is_whole=True)
    logger.warning(
        "%s (%d bytes) is not a whole archive of this build context; replacing it.",
        path,
        tail.size,
    )
    return _Found(tail.size)


def _upload(
    build_context: UploadableContext,
    digest: str,
    artifact_store: BaseArtifactStore,
    path: str,
    *,
    replace: bool,
) -> None:
    started = time.monotonic()
    artifact_store.makedirs(path.rpartition("/")[0])
    try:
        size = artifact_store.publish(
            path,
            _ArchiveWithTrailer(build_context, digest),
            on_progress=lambda sent: events.emit(events.UploadProgress(path, sent)),
            replace=replace,
        )
    except ArtifactExistsError:
        # Somebody else was faster, or an answer to this upload was lost.
        found = _look(artifact_store, path, digest)
        if not found.is_whole:
            _upload(build_context, digest, artifact_store, path, replace=True)
            return
        size = found.size
    events.emit(events.UploadProgress(path, size, total=size, done=True))
    logger.info(
        "Uploaded the build context to %s (%d bytes in %.1f s).",
        path,
        size,
        time.monotonic() - started,
    )


class _ArchiveWithTrailer:
    """The archive's bytes with the trailer after them; made anew each time it is iterated."""

    def __init__(self, build_context: UploadableContext, digest: str) -> None:
        self._build_context = build_context
        self._digest = digest

    def __iter__(self) -> Generator[bytes, None, None]:
        from imagebuilders.archivable import ArchiveType

        size = 0
        chunks = self._build_context.iter_archive(ArchiveType.TAR_GZ)
        try:
            for chunk in chunks:
                size += len(chunk)
                yield chunk
        finally:
            if isinstance(chunks, Generator):
                chunks.close()
        yield make_trailer(size, self._digest)


def _path_of(digest: str, artifact_store: BaseArtifactStore, folder: str) -> str:
    below = [part for part in folder.split("/") if part]
    return join(artifact_store.path, "/".join([*below, f"{digest.partition(':')[2]}.tar.gz"]))
