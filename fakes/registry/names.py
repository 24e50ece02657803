"""The grammar of repository names, tags, digests and references (OCI distribution spec 1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.oci.digest import DEFAULT_ALGORITHM, Buffer, Digest
from imagebuilders.oci.digest import is_digest as is_any_digest
from imagebuilders.oci.reference import MAX_NAME_CHARS, is_repository_path, is_tag

ALGORITHMS = frozenset({"sha256", "sha512"})
"""The algorithms of digests that the registry knows."""


def is_repository(name: str) -> bool:
    """Whether `name` is a repository's name, without a registry's address before it."""
    return len(name) <= MAX_NAME_CHARS and is_repository_path(name)


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of an algorithm the registry knows: sha256 or sha512."""
    return is_algorithm(text.partition(":")[0]) and is_any_digest(text)


def is_algorithm(name: str) -> bool:
    """Whether digests of that algorithm can be computed."""
    return name in ALGORITHMS


def digest_of(content: Buffer, algorithm: str = DEFAULT_ALGORITHM) -> str:
    """The digest of `content`, as in `sha256:9f86d0…`."""
    return str(Digest.of(content, algorithm))


@dataclass(frozen=True)
class Reference:
    """A repository and what is meant inside of it.

    Attributes:
        repository: the name, without the registry's address.
        target: a tag or a digest.
    """

    repository: str
    target: str

    @property
    def is_digest(self) -> bool:
        """Whether the target is a digest and not a tag."""
        return ":" in self.target

    def __str__(self) -> str:
        return f"{self.repository}{'@' if self.is_digest else ':'}{self.target}"

    @classmethod
    def parse(cls, text: str, address: str | None = None) -> Reference:
        """Read `repository[:tag][@digest]`, with or without a registry's address before it.

        A digest wins over a tag; neither means the tag `latest`.

        Args:
            text: the reference.
            address: the registry's own address, cut off where it stands first.

        Raises:
            ValueError: `text` is no reference.
        """
        rest = text
        first, slash, remainder = text.partition("/")
        if slash and (first == address or "." in first or ":" in first or first == "localhost"):
            rest = remainder
        rest, at, digest = rest.partition("@")
        head, colon, tag = rest.rpartition(":")
        name = head if colon else rest
        target = digest or (tag if colon else "latest")
        target_is_right = is_digest(digest) if at else is_tag(target)
        if not is_repository(name) or not target_is_right:
            raise ValueError(
                f"{text!r} is not a reference: expected repository:tag or repository@sha256:…"
            )
        return cls(name, target)
