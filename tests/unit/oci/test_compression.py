"""Unpacking archives, piece by piece and within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.exceptions import ConfigurationError, LayerFormatError
from imagebuilders.oci.compression import OUTPUT_BYTES, Compression, decompressed, detect

_MIB = 1024 * 1024


def _zstd(content: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        zstd = pytest.importorskip("backports.zstd")
    return bytes(zstd.compress(content))


_PACKERS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.NONE: bytes,
    Compression.GZIP: gzip.compress,
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lzma.compress,
    Compression.ZSTD: _zstd,
}
_packed = pytest.mark.parametrize("kind", [kind for kind in Compression if kind.value != "none"])


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@settings(max_examples=30)
@given(
    parts=st.lists(st.binary(max_size=3000), min_size=1, max_size=3),
    size=st.integers(1, 4000),
    kind=st.sampled_from(Compression),
)
def test_what_was_packed_is_unpacked(parts: list[bytes], size: int, kind: Compression) -> None:
    """However it is cut, and when it is several streams one after the other."""
    parts = [b"tar " + part for part in parts]
    archive = b"".join(_PACKERS[kind](part) for part in parts)
    assert detect(archive) is kind
    assert b"".join(decompressed(_cut(archive, size), max_bytes=_MIB)) == b"".join(parts)


@_packed
def test_an_archive_that_ends_early_is_told(kind: Compression) -> None:
    """Not passed on as if it were whole."""
    archive = _PACKERS[kind](bytes(range(256)) * 50)
    with pytest.raises(LayerFormatError, match="ends too early") as caught:
        list(decompressed([archive[:-9]], max_bytes=_MIB))
    assert caught.value.is_truncated


@_packed
def test_a_damaged_archive_is_told(kind: Compression) -> None:
    """With what it is; also when it is only what follows it."""
    archive = _PACKERS[kind](bytes(range(256)) * 50)
    for damaged in (archive[:6] + b"\xff" * 30 + archive[36:], archive + b"garbage, not packed"):
        with pytest.raises(LayerFormatError, match=kind.value):
            list(decompressed([damaged], max_bytes=_MIB))


@_packed
def test_a_bomb_is_unpacked_no_further_than_allowed(kind: Compression) -> None:
    """A piece at a time."""
    archive = _PACKERS[kind](bytes(8 * _MIB))
    sizes: list[int] = []
    with pytest.raises(LayerFormatError, match=f"more than {_MIB} bytes"):
        sizes.extend(len(piece) for piece in decompressed([archive], max_bytes=_MIB))
    assert sum(sizes) <= _MIB
    assert max(sizes) <= OUTPUT_BYTES


@settings(max_examples=100)
@given(kind=st.sampled_from(Compression), content=st.binary(max_size=200), data=st.data())
def test_whatever_is_changed_nothing_else_is_raised(
    kind: Compression, content: bytes, data: st.DataObject
) -> None:
    """Hostile archives end in an error of this package."""
    archive = bytearray(_PACKERS[kind](content))
    for _ in range(data.draw(st.integers(1, 3))):
        if archive:
            position = data.draw(st.integers(0, len(archive) - 1))
            archive[position] = data.draw(st.integers(0, 255))
    try:
        list(decompressed([bytes(archive)], max_bytes=_MIB))
    except LayerFormatError:
        return


def test_nothing_is_nothing() -> None:
    """Neither packed nor an error."""
    assert list(decompressed([], max_bytes=1)) == [b""]


def test_zstd_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which."""
    for name in ("backports", "backports.zstd", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'imagebuilders\[zstd\]'"):
        list(decompressed([b"\x28\xb5\x2f\xfd\0\0\0"], max_bytes=1))
