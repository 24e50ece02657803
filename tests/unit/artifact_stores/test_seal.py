"""The seal at the end of an archive."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.artifact_stores.seal import SEAL_SIZE, Seal, make_seal, read_seal

DIGEST = "sha256:" + "0123456789abcdef" * 4

digests = st.binary(min_size=32, max_size=32).map(lambda value: f"sha256:{value.hex()}")


@settings(max_examples=50)
@given(content_size=st.integers(0, 2**48), digest=digests, before=st.binary(max_size=99))
def test_a_seal_is_read_back(content_size: int, digest: str, before: bytes) -> None:
    """What was sealed is read off the end of whatever stands before it."""
    seal = make_seal(content_size, digest)
    assert len(seal) == SEAL_SIZE
    assert read_seal(before + seal) == Seal(content_size + SEAL_SIZE, digest)


def test_its_bytes_are_as_documented() -> None:
    """The layout is fixed: other programs may read it."""
    assert make_seal(1, DIGEST).hex() == (
        "1f8b08" "04" "00000000" "00" "ff" "2c00"
        "4942" "2800" "4300000000000000" + DIGEST.removeprefix("sha256:") + "0300" + "00" * 8
    )  # fmt: skip


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_other_bytes_are_no_seal(tail: bytes) -> None:
    """Arbitrary bytes have no seal, and reading them does not fail."""
    assert read_seal(tail) is None


@settings(max_examples=50)
@given(at=st.integers(0, SEAL_SIZE - 1), flip=st.integers(1, 255))
def test_a_damaged_seal_is_not_the_same(at: int, flip: int) -> None:
    """Any damaged byte is noticed: no seal, or one that says something else."""
    damaged = bytearray(make_seal(1000, DIGEST))
    damaged[at] ^= flip
    assert read_seal(bytes(damaged)) != read_seal(make_seal(1000, DIGEST))


def test_readers_of_gzip_skip_it() -> None:
    """Python's gzip, and zlib member by member, read the content and nothing more."""
    content = b"content " * 100
    sealed = gzip.compress(content)
    sealed += make_seal(len(sealed), DIGEST)
    assert gzip.decompress(sealed) == content
    member = zlib.decompressobj(wbits=31)
    assert member.decompress(sealed) == content
    assert member.unused_data == sealed[-SEAL_SIZE:]


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs the program gzip")
def test_the_gzip_program_skips_it() -> None:
    """gzip itself finds nothing wrong with a sealed file."""
    sealed = gzip.compress(b"content")
    sealed += make_seal(len(sealed), DIGEST)
    done = subprocess.run(["gzip", "-dc"], input=sealed, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"content", b"")


@pytest.mark.parametrize("digest", ["md5:" + "0" * 64, "sha256:00", "0" * 64])
def test_only_sha256_is_sealed(digest: str) -> None:
    """A digest of another form is an error."""
    with pytest.raises(ValueError, match="is not a digest"):
        make_seal(1, digest)
