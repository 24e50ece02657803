"""Digests: parsed, computed, and checked against content."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import DigestMismatchError, ImageFormatError
from imagebuilders.oci.digest import HEX_LENGTHS, Digest, Hasher, Verifier, is_digest, verified

_ALGORITHMS = st.sampled_from(sorted(HEX_LENGTHS))


@given(content=st.binary(max_size=200), algorithm=_ALGORITHMS)
def test_a_digest_is_computed_written_and_read(content: bytes, algorithm: str) -> None:
    """As hashlib has it; reading what was written gives the same digest."""
    digest = Digest.of(content, algorithm)
    assert str(digest) == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    assert Digest.parse(str(digest)) == digest
    assert is_digest(str(digest))
    digest.verify(content, size=len(content))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "0" * 64 + "\n",
        "SHA256:" + "0" * 64,
        "sha512:" + "0" * 64,
        "md5:" + "0" * 32,
        "sha256:../../../etc/passwd" + "0" * 42,
        "0" * 64,
        "sha256:" + "\N{ARABIC-INDIC DIGIT ZERO}" * 64,
        None,
        7,
        b"sha256:" + b"0" * 64,
    ],
    ids=ascii,
)
def test_what_is_not_a_digest_is_refused(text: object) -> None:
    """Whatever its type; no newline, upper case or other script slips in."""
    with pytest.raises(ImageFormatError, match="is not a digest"):
        Digest.parse(text)
    assert not isinstance(text, str) or not is_digest(text)


@given(text=st.text(max_size=100) | st.from_regex(r"sha(256|384|512):[0-9a-fA-F]{62,66}"))
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    """`is_digest` and `parse` agree, and nothing else is raised."""
    if is_digest(text):
        assert str(Digest.parse(text)) == text
    else:
        with pytest.raises(ImageFormatError):
            Digest.parse(text)


def test_a_malformed_digest_cannot_be_made() -> None:
    """Not even by the constructor, so that whoever has one need not look again."""
    with pytest.raises(ImageFormatError):
        Digest("sha256", "../x")


def test_an_error_shows_hostile_text_harmlessly() -> None:
    """Short, and without characters that a terminal obeys."""
    with pytest.raises(ImageFormatError) as caught:
        Digest.parse("\x1b]0;evil\x07" * 1000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_unknown_algorithm_cannot_be_computed() -> None:
    """The error names those that can."""
    with pytest.raises(ImageFormatError, match="known are sha256, sha384, sha512"):
        Hasher("md5")


@given(pieces=st.lists(st.binary(max_size=20), max_size=10), algorithm=_ALGORITHMS)
def test_right_content_passes(pieces: list[bytes], algorithm: str) -> None:
    """However it is cut."""
    content = b"".join(pieces)
    digest = Digest.of(content, algorithm)
    assert b"".join(verified(pieces, digest, size=len(content))) == content
    assert b"".join(verified(pieces, digest)) == content


@given(content=st.binary(min_size=1, max_size=50), data=st.data())
def test_wrong_content_does_not_pass(content: bytes, data: st.DataObject) -> None:
    """One changed bit, one missing byte, one byte more."""
    position = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    digest = Digest.of(content)
    for other in (bytes(changed), content[:-1], content + b"!"):
        with pytest.raises(DigestMismatchError) as caught:
            list(verified([other], digest))
        assert caught.value.expected == str(digest)
        assert caught.value.actual == str(Digest.of(other))


def test_too_much_content_is_noticed_at_once() -> None:
    """An endless stream is not read to its end."""
    verifier = Verifier(Digest.of(b"1234"), 4)
    verifier.update(b"1234")
    with pytest.raises(DigestMismatchError, match="more than the 4 bytes"):
        verifier.update(b"5")


def test_too_little_content_is_told_by_its_size() -> None:
    """A download that ended early is told as such."""
    verifier = Verifier(Digest.of(b"1234"), 4)
    verifier.update(b"123")
    with pytest.raises(DigestMismatchError, match="has 3 bytes; it should have 4"):
        verifier.finish()


def test_the_errors_survive_pickling() -> None:
    """With what they know."""
    error = DigestMismatchError("no", expected="a", actual="b")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.expected, copy.actual) == ("no", "a", "b")
    other = pickle.loads(pickle.dumps(ImageFormatError("no", field="layers[2]")))
    assert (str(other), other.field) == ("no", "layers[2]")


@pytest.mark.parametrize(("digits", "is_cut"), [(148, False), (149, True)])
def test_what_is_shown_of_a_digest_that_is_none(digits: int, is_cut: bool) -> None:
    """With its quotes, 150 characters at most."""
    with pytest.raises(ImageFormatError) as caught:
        Digest.parse("x" * digits)
    assert ("…" in str(caught.value)) == is_cut
