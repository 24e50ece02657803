"""Blobs of image layouts, as strangers may have made them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.layout import blob_path
from imagebuilders.oci.layout_blobs import LayoutBlobs

_CONTENT = b"0123456789"
_DIGEST = Digest.of(_CONTENT)


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    """Where the one blob of the layout is to be."""
    path = tmp_path / "layout" / blob_path(_DIGEST)
    path.parent.mkdir(parents=True)
    return path


def _read(tmp_path: Path) -> bytes:
    return LayoutBlobs(str(tmp_path / "layout")).read_blob(_DIGEST)


def test_a_blob_and_a_part_of_it(tmp_path: Path, blob: Path) -> None:
    """Blobs are read whole, piece by piece, and by range."""
    blob.write_bytes(_CONTENT)
    layout = LayoutBlobs(str(tmp_path / "layout"))
    assert layout.read_blob(str(_DIGEST), size=10) == _CONTENT
    with layout.open_blob(_DIGEST) as pieces:
        assert b"".join(pieces) == _CONTENT
    with layout.open_blob_range(_DIGEST, 2, 3) as pieces:
        assert b"".join(pieces) == b"234"
    with layout.open_blob_range(_DIGEST, 8, 30) as pieces:
        assert b"".join(pieces) == b"89"


@pytest.mark.parametrize("kind", ["nothing", "link", "folder", "pipe", "linked folder"])
def test_what_is_no_file_of_the_layout(tmp_path: Path, blob: Path, kind: str) -> None:
    """No link is followed, on the way neither, and no pipe is waited for."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / blob.name).write_bytes(_CONTENT)
    if kind == "link":
        blob.symlink_to(elsewhere / blob.name)
    elif kind == "folder":
        blob.mkdir()
    elif kind == "pipe":
        os.mkfifo(blob)
    elif kind == "linked folder":
        blob.parent.rmdir()
        blob.parent.symlink_to(elsewhere)
    with pytest.raises(ImageFormatError, match=f"The blob {_DIGEST} .* cannot be read"):
        _read(tmp_path)


@pytest.mark.parametrize("content", [b"012345678", b"0123456780", b"01234567890"])
def test_other_content(tmp_path: Path, blob: Path, content: bytes) -> None:
    """What is not as its digest says is not returned."""
    blob.write_bytes(content)
    with pytest.raises(ImageFormatError):
        _read(tmp_path)


def test_no_more_is_held_than_is_allowed(tmp_path: Path, blob: Path) -> None:
    """A document that is too large is refused."""
    blob.write_bytes(_CONTENT)
    with pytest.raises(ImageFormatError, match="over 9 bytes"):
        LayoutBlobs(str(tmp_path / "layout")).read_blob(_DIGEST, max_bytes=9)


def test_a_blob_that_cannot_be_read(
    tmp_path: Path, blob: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken disk is told as such."""
    blob.write_bytes(_CONTENT)

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("imagebuilders.oci.layout_blobs.os.pread", fail)
    with pytest.raises(ImageFormatError, match=r"cannot be read: Input/output error\."):
        _read(tmp_path)
