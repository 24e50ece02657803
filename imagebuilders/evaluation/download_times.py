"""When what lies at a URL was made, for SOURCE_DATE_EPOCH."""

from __future__ import annotations

from dataclasses import replace

from imagebuilders.evaluation.downloads import STEP_FAILURE, download
from imagebuilders.evaluation.questions import Downloads
from imagebuilders.evaluation.steps import ContextOrigin, GitSource, UrlSource
from imagebuilders.exceptions import EvaluationError, LayerFormatError
from imagebuilders.oci.digest import Digest, Hasher
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_contents import LayerContents


class DownloadTimes:
    """Fetches what lies at URLs; repositories and contexts stand for no time.

    It is a `SourceTimes`.

    Args:
        downloads: fetches.
    """

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def time(self, source: UrlSource | GitSource | ContextOrigin) -> int | None:
        """Return seconds since the epoch; `None` if it stands for no time.

        Raises:
            EvaluationError: it cannot be fetched, or is not what its checksum says.
        """
        if not isinstance(source, UrlSource):
            return None
        try:
            with download(self._downloads, replace(source, checksum="")) as file:
                _check(file, source.checksum)
                return file.mtime or _newest(file)
        except EvaluationError as error:
            # The words are those of a question, and not of a step.
            raise EvaluationError(error.message.removeprefix(STEP_FAILURE)) from error


def _check(file: File, checksum: str) -> None:
    if not checksum:
        return
    wanted = Digest.parse(checksum)
    hasher = Hasher(wanted.algorithm)
    for piece in file.pieces():
        hasher.update(piece)
    if hasher.digest() != wanted:
        raise EvaluationError(f"digest mismatch {hasher.digest()}: {wanted}")


def _newest(file: File) -> int | None:
    """Return the time of the newest file of an archive; `None` if it is none."""
    try:
        members = list(LayerContents(file.pieces).members())
    except LayerFormatError:
        return None
    times = [
        member.file.mtime
        for member in members
        if member.file.kind == "file" and not member.is_hard_link
    ]
    return max(times, default=None)
