"""When what lies at a URL was made."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from imagebuilders.evaluation.download_times import DownloadTimes
from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.steps import ContextOrigin, GitSource, UrlSource
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.digest import Digest


class _Server:
    def __init__(self, content: bytes, last_modified: int = 0) -> None:
        self._download = Download([content], last_modified)

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at any URL but one."""
        if source.url.endswith("/none"):
            raise ImageBuilderError("invalid response status 404")
        yield self._download


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, mtime in (
            ("old", tarfile.REGTYPE, 5),
            ("new", tarfile.REGTYPE, 9),
            ("folder", tarfile.DIRTYPE, 99),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.mtime = kind, mtime
            archive.addfile(info)
    return buffer.getvalue()


def _url(name: str = "f", checksum: str = "") -> UrlSource:
    return UrlSource(name, f"https://h/{name}", name, checksum)


@pytest.mark.parametrize(
    ("server", "time"),
    [
        (_Server(b"text", 7), 7),
        (_Server(b"text"), None),
        (_Server(_archive()), 9),
        (_Server(_archive(), 3), 3),
    ],
    ids=["dated", "nothing", "archive", "dated archive"],
)
def test_times_of_urls(server: _Server, time: int | None) -> None:
    """That of the answer counts more than those of an archive's files; folders do not count."""
    assert DownloadTimes(server).time(_url()) == time


def test_others_have_no_time() -> None:
    """Neither repositories nor contexts."""
    times = DownloadTimes(_Server(b"", 7))
    assert times.time(GitSource("r", "https://h/r.git")) is None
    assert times.time(ContextOrigin()) is None


def test_what_fails() -> None:
    """In the words of a question, which are not those of a step."""
    times = DownloadTimes(_Server(b"text", 7))
    with pytest.raises(EvaluationError, match=r"^invalid response status 404$"):
        times.time(_url("none"))
    wrong = str(Digest.of(b"other"))
    with pytest.raises(EvaluationError, match=f"^digest mismatch {Digest.of(b'text')}: {wrong}$"):
        times.time(_url(checksum=wrong))
    assert times.time(_url(checksum=str(Digest.of(b"text")))) == 7
