"""Files of a layer that are read when they are needed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.members import Member

_FILES = {"a": b"first", "b": b"", "c": b"third" * 1000}


class _Blob:
    """An archive that counts how often it is opened and closed."""

    def __init__(self, files: dict[str, bytes] = _FILES) -> None:
        entries = [
            Member("d/", File("dir", 0o755)),
            *(
                Member(name, File("file", data=data), size=len(data))
                for name, data in files.items()
            ),
        ]
        self.raw = gzip.compress(b"".join(write_layer(entries)), mtime=0)
        self.opened = 0
        self.closed = 0

    def open(self) -> Iterator[bytes]:
        self.opened += 1
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        try:
            for start in range(0, len(self.raw), 100):
                yield self.raw[start : start + 100]
        finally:
            self.closed += 1


def test_contents_are_not_held() -> None:
    """The entries come without contents, which know their sizes."""
    files = {m.name: m.file for m in LayerContents(_Blob().open).members()}
    assert files["c"].data == b""
    assert [files[name].size for name in _FILES] == [5, 0, 5000]


def test_files_in_order_are_read_in_one_pass() -> None:
    """The archive is opened once for the entries and once for all contents."""
    blob = _Blob()
    layer = LayerContents(blob.open)
    files = [m.file for m in layer.members() if m.file.kind == "file"]
    assert [b"".join(file.pieces()) for file in files] == list(_FILES.values())
    assert blob.opened == 2
    layer.close()
    assert blob.closed == blob.opened


def test_files_can_be_read_again_and_in_any_order() -> None:
    """Going back opens the archive anew."""
    blob = _Blob()
    layer = LayerContents(blob.open)
    files = {m.name: m.file for m in layer.members()}
    for name in "caac":
        assert b"".join(files[name].pieces()) == _FILES[name]
    layer.close()
    assert blob.closed == blob.opened == 4


def test_contents_know_their_digests() -> None:
    """A digest is computed by reading, once."""
    blob = _Blob()
    layer = LayerContents(blob.open)
    content = next(m.file.content for m in layer.members() if m.name == "c")
    assert content is not None
    assert content.digest() == content.digest() == Digest.of(_FILES["c"])
    assert blob.opened == 2
    layer.close()


def test_two_files_cannot_be_read_at_once() -> None:
    """Bytes of one file are never taken for those of another."""
    layer = LayerContents(_Blob({"a": bytes(600_000), "b": b"x"}).open)
    files = {m.name: m.file for m in layer.members()}
    first = files["a"].pieces()
    next(first)
    list(files["b"].pieces())
    with pytest.raises(LayerFormatError, match="at the same time"):
        list(first)
    layer.close()


def test_an_archive_that_has_become_shorter_is_an_error() -> None:
    """A blob that no longer has the entry is told."""
    blob = _Blob()
    layer = LayerContents(blob.open)
    files = {m.name: m.file for m in layer.members()}
    blob.raw = _Blob({"a": b"first"}).raw
    with pytest.raises(LayerFormatError, match="fewer entries"):
        list(files["c"].pieces())
