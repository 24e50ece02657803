"""The trailer at the end of an archive."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.artifact_stores.archive_trailer import (
    TRAILER_SIZE,
    ArchiveTrailer,
    make_trailer,
    read_trailer,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4

digests = st.binary(min_size=32, max_size=32).map(lambda value: f"sha256:{value.hex()}")


@settings(max_examples=50)
@given(content_size=st.integers(0, 2**48), digest=digests, before=st.binary(max_size=99))
def test_a_trailer_is_read_back(content_size: int, digest: str, before: bytes) -> None:
    """What was written is read off the end of whatever stands before it."""
    trailer = make_trailer(content_size, digest)
    assert len(trailer) == TRAILER_SIZE
    assert read_trailer(before + trailer) == ArchiveTrailer(content_size + TRAILER_SIZE, digest)


def test_its_bytes_are_as_documented() -> None:
    """The layout is fixed: other programs may read it."""
    assert make_trailer(1, DIGEST).hex() == (
        "1f8b08" "04" "00000000" "00" "ff" "2c00"
        "4942" "2800" "4300000000000000" + DIGEST.removeprefix("sha256:") + "0300" + "00" * 8
    )  # fmt: skip


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_other_bytes_are_no_trailer(tail: bytes) -> None:
    """Arbitrary bytes have no trailer, and reading them does not fail."""
    assert read_trailer(tail) is None


@settings(max_examples=50)
@given(at=st.integers(0, TRAILER_SIZE - 1), flip=st.integers(1, 255))
def test_a_damaged_trailer_is_not_the_same(at: int, flip: int) -> None:
    """Any damaged byte is noticed: no trailer, or one that says something else."""
    damaged = bytearray(make_trailer(1000, DIGEST))
    damaged[at] ^= flip
    assert read_trailer(bytes(damaged)) != read_trailer(make_trailer(1000, DIGEST))


def test_readers_of_gzip_skip_it() -> None:
    """Python's gzip, and zlib member by member, read the content and nothing more."""
    content = b"content " * 100
    whole = gzip.compress(content)
    whole += make_trailer(len(whole), DIGEST)
    assert gzip.decompress(whole) == content
    member = zlib.decompressobj(wbits=31)
    assert member.decompress(whole) == content
    assert member.unused_data == whole[-TRAILER_SIZE:]


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs the program gzip")
def test_the_gzip_program_skips_it() -> None:
    """gzip itself finds nothing wrong with a file with a trailer."""
    whole = gzip.compress(b"content")
    whole += make_trailer(len(whole), DIGEST)
    done = subprocess.run(["gzip", "-dc"], input=whole, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"content", b"")


@pytest.mark.parametrize("digest", ["md5:" + "0" * 64, "sha256:00", "0" * 64])
def test_only_sha256_makes_a_trailer(digest: str) -> None:
    """A digest of another form is an error."""
    with pytest.raises(ValueError, match="is not a digest"):
        make_trailer(1, digest)
