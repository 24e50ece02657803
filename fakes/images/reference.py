"""Image names: parsing, the familiar short form and the full one.

The grammar is that of the distribution project's reference package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from imagebuilders.oci.reference import is_domain, is_repository_path, is_tag

HUB = "docker.io"
_LEGACY_HUB = "index.docker.io"
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_HEX_ID = re.compile(r"[a-f0-9]{64}")


class InvalidReferenceError(ValueError):
    """A name that is no image name; its text is the engine's."""


@dataclass(frozen=True)
class Reference:
    """A name in its full form.

    Attributes:
        domain: the registry, `docker.io` when the name gave none.
        path: the repository in it, with `library/` where the hub adds that.
        tag: the tag, or empty.
        digest: the digest, or empty.
    """

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Registry and repository, in full."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as a person writes it."""
        if self.domain != HUB:
            return self.repository
        return self.path.removeprefix("library/")

    @property
    def familiar(self) -> str:
        """The name as a person writes it."""
        text = self.familiar_name
        if self.tag:
            text += f":{self.tag}"
        if self.digest:
            text += f"@{self.digest}"
        return text

    @property
    def key(self) -> str:
        """What a store of images files it under."""
        return (
            f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"
        )

    def tagged(self) -> Reference:
        """With the tag `latest` when it has neither tag nor digest."""
        if self.tag or self.digest:
            return self
        return Reference(self.domain, self.path, "latest")

    def with_digest(self, digest: str) -> Reference:
        """The repository at a digest."""
        return Reference(self.domain, self.path, digest=digest)


def is_id(text: str) -> bool:
    """Whether a text is a whole id, which is never a name."""
    return _HEX_ID.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is a digest."""
    return _DIGEST.fullmatch(text) is not None


def parse(name: str, *, capitals: bool = False) -> Reference:
    """Read an image name.

    Args:
        name: the name.
        capitals: as engines from 23.0 on do, for which a first part with capitals
            is a registry.

    Raises:
        InvalidReferenceError: in the engine's words.
    """
    if _HEX_ID.fullmatch(name):
        raise InvalidReferenceError(
            f"invalid repository name ({name}), cannot specify 64-byte hexadecimal strings"
        )
    domain, rest = _split_domain(name, capitals=capitals)
    digest = tag = ""
    rest, at, digest = rest.partition("@")
    if ":" in rest:
        rest, _, tag = rest.partition(":")
        if not is_tag(tag):
            raise InvalidReferenceError("invalid reference format")
    if rest.lower() != rest:
        shown = f" ({rest})" if capitals else ""
        raise InvalidReferenceError(
            f"invalid reference format: repository name{shown} must be lowercase"
        )
    if not is_repository_path(rest) or not is_domain(domain):
        raise InvalidReferenceError("invalid reference format")
    if at and not _DIGEST.fullmatch(digest):
        raise InvalidReferenceError("invalid reference format")
    if len(f"{domain}/{rest}") > 255:
        raise InvalidReferenceError("repository name must not be more than 255 characters")
    return Reference(domain, rest, tag, digest)


def _split_domain(name: str, *, capitals: bool) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    plain = "." not in first and ":" not in first and first != "localhost"
    if not slash or (plain and not (capitals and first.lower() != first)):
        domain, rest = HUB, name
    else:
        domain = HUB if first == _LEGACY_HUB else first
    if domain == HUB and "/" not in rest:
        rest = f"library/{rest}"
    return domain, rest
