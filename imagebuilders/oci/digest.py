"""Digests: the names of content.

    digest    := algorithm ":" encoded
    algorithm := "sha256" | "sha384" | "sha512"

OCI image specification, "Digests":
https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
The specification allows further algorithms; content under one of them could not be verified
here, so a digest of such an algorithm is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from imagebuilders.exceptions import DigestMismatchError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass

Buffer = bytes | bytearray | memoryview

DEFAULT_ALGORITHM = "sha256"
HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""How many hexadecimal digits a digest of each algorithm has."""

_HEX = re.compile(r"[a-f0-9]+\Z")
_SHOWN_CHARS = 150


@dataclass(frozen=True)
class Digest:
    """A digest, always well-formed. `str()` returns it as it is written.

    Attributes:
        algorithm: `sha256`, `sha384` or `sha512`.
        encoded: the hexadecimal digits, lower case.

    Raises:
        ImageFormatError: the algorithm is unknown, or the digits do not fit it.
    """

    algorithm: str
    encoded: str

    def __post_init__(self) -> None:
        if not _is_well_formed(self.algorithm, self.encoded):
            raise _malformed(f"{self.algorithm}:{self.encoded}")

    @classmethod
    def parse(cls, text: object) -> Digest:
        """Read a digest such as `sha256:9f86d0…`.

        Args:
            text: the digest; anything but a string is an error too, for it may come from JSON.

        Raises:
            ImageFormatError: it is malformed, or of an unknown algorithm.
        """
        if not isinstance(text, str):
            raise _malformed(text)
        algorithm, colon, encoded = text.partition(":")
        if not colon or not _is_well_formed(algorithm, encoded):
            raise _malformed(text)
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: Buffer, algorithm: str = DEFAULT_ALGORITHM) -> Digest:
        """Return the digest of some content.

        Raises:
            ImageFormatError: the algorithm is unknown.
        """
        hasher = Hasher(algorithm)
        hasher.update(content)
        return hasher.digest()

    def verify(self, content: Buffer, *, size: int | None = None) -> None:
        """Check that some content has this digest.

        Args:
            content: the whole content.
            size: how many bytes it should have, if that is known.

        Raises:
            DigestMismatchError: it is other content.
        """
        verifier = Verifier(self, size)
        verifier.update(content)
        verifier.finish()

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


class Hasher:
    """Computes a digest piece by piece.

    Raises:
        ImageFormatError: the algorithm is unknown.
    """

    def __init__(self, algorithm: str = DEFAULT_ALGORITHM) -> None:
        if algorithm not in HEX_LENGTHS:
            raise ImageFormatError(
                f"{_shown(algorithm)} is not a known digest algorithm; "
                f"known are {', '.join(HEX_LENGTHS)}."
            )
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self.size = 0
        """How many bytes there were so far."""

    def update(self, piece: Buffer) -> None:
        """Take the next piece."""
        self._hash.update(piece)
        self.size += len(piece)

    def digest(self) -> Digest:
        """Return the digest of all pieces so far."""
        return Digest(self._algorithm, self._hash.hexdigest())


class Verifier:
    """Checks content against its digest while it passes by.

    Args:
        digest: what the content's digest should be.
        size: how many bytes it should have, if that is known.
    """

    def __init__(self, digest: Digest, size: int | None = None) -> None:
        self._digest = digest
        self._size = size
        self._hasher = Hasher(digest.algorithm)

    def update(self, piece: Buffer) -> None:
        """Take the next piece.

        Raises:
            DigestMismatchError: there are more bytes than there should be.
        """
        self._hasher.update(piece)
        if self._size is not None and self._hasher.size > self._size:
            raise DigestMismatchError(
                f"The content of {self._digest} has more than the {self._size} bytes it should "
                "have.",
                expected=str(self._digest),
            )

    def finish(self) -> None:
        """Check the content, now that all of it has passed by.

        Raises:
            DigestMismatchError: it is other content, or some of it is missing.
        """
        if self._size is not None and self._hasher.size != self._size:
            raise DigestMismatchError(
                f"The content of {self._digest} has {self._hasher.size} bytes; it should have "
                f"{self._size}.",
                expected=str(self._digest),
            )
        actual = self._hasher.digest()
        if actual != self._digest:
            raise DigestMismatchError(
                f"The content of {self._digest} is not what it should be: its digest is {actual}.",
                expected=str(self._digest),
                actual=str(actual),
            )


def verified(
    pieces: Iterable[bytes], digest: Digest, *, size: int | None = None
) -> Iterator[bytes]:
    """Pass content on piece by piece, and check it at its end.

    Whoever uses the pieces must not trust them before the iterator has ended.

    Args:
        pieces: the content.
        digest: what its digest should be.
        size: how many bytes it should have, if that is known.

    Raises:
        DigestMismatchError: it is other content; raised after the last piece, or as soon as there
            are too many bytes.
    """
    verifier = Verifier(digest, size)
    for piece in pieces:
        verifier.update(piece)
        yield piece
    verifier.finish()


def is_digest(text: str) -> bool:
    """Whether the text is a digest of a known algorithm."""
    algorithm, _, encoded = text.partition(":")
    return _is_well_formed(algorithm, encoded)


def _is_well_formed(algorithm: str, encoded: str) -> bool:
    return HEX_LENGTHS.get(algorithm) == len(encoded) and _HEX.match(encoded) is not None


def _malformed(text: object) -> ImageFormatError:
    return ImageFormatError(
        f"{_shown(text)} is not a digest: that is sha256: and 64 hexadecimal digits in lower "
        "case (or sha384: and 96, sha512: and 128)."
    )


def _shown(text: object) -> str:
    """Return what stands in an error: short, and without characters that a terminal would obey."""
    shown = ascii(text)
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
