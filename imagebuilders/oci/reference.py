"""Image names, by the grammar of the distribution project's `reference` package.

    reference := name [":" tag] ["@" digest]
    name      := [domain "/"] component {"/" component}

https://github.com/distribution/reference/blob/main/reference.go
"""

from __future__ import annotations

import re

from imagebuilders.exceptions import ImageNameError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import is_digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
MAX_NAME_CHARS = 255

_OFFICIAL_PREFIX = "library/"
_LEGACY_DEFAULT_DOMAIN = "index.docker.io"

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])"
_DOMAIN = re.compile(rf"{_HOST}(?::[0-9]+)?\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_IMAGE_ID = re.compile(r"[a-f0-9]{64}\Z")


@dataclass(frozen=True)
class ImageReference:
    """A parsed image name.

    `domain` and `path` are complete: `ubuntu` has the domain `docker.io` and
    the path `library/ubuntu`.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Parse an image name as `docker` does.

        Raises:
            ImageNameError: it is malformed; the text says which part and why.
        """
        _check_is_text(text)
        rest, _, digest = text.partition("@")
        if "@" in text and not is_digest(digest):
            raise ImageNameError(
                f"The image name {text!r} is malformed: {digest!r} after '@' is no digest "
                "(sha256: and 64 hexadecimal digits).",
                image_name=text,
            )
        name, tag = _split_tag(rest)
        if tag is not None and not is_tag(tag):
            raise ImageNameError(
                f"The image name {text!r} is malformed: the tag {tag!r} may have letters, "
                "digits, '_', '.' and '-', at most 128, and not begin with '.' or '-'.",
                image_name=text,
            )
        domain, path = split_domain(name)
        if not name:
            raise ImageNameError(
                f"The image name {text!r} is malformed: it has no repository.", image_name=text
            )
        _check_repository(domain, path, text)
        return cls(domain=domain, path=path, tag=tag, digest=digest or None)

    @property
    def repository(self) -> str:
        """Domain and path in the short form people write: `ubuntu`, `localhost:5000/app`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.full_repository
        short = self.path.removeprefix(_OFFICIAL_PREFIX)
        return self.path if "/" in short else short

    @property
    def full_repository(self) -> str:
        """Domain and path in full: `docker.io/library/ubuntu`."""
        return f"{self.domain}/{self.path}"

    def tagged(self) -> ImageReference:
        """Return it with the tag `latest` where it has neither tag nor digest."""
        if self.tag is not None or self.digest is not None:
            return self
        return ImageReference(self.domain, self.path, DEFAULT_TAG)

    def with_digest(self, digest: str) -> ImageReference:
        """Return its repository at a digest."""
        return ImageReference(self.domain, self.path, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.repository}{tag}{digest}"


def parse_build_target(image_name: str | None) -> ImageReference:
    """Parse the name an image is to get; without a tag it gets `latest`.

    Raises:
        ImageNameError: the name is malformed, has a digest, or is missing (`None`).
    """
    if image_name is None:
        raise ImageNameError(
            "An image that is pushed needs a name, as in localhost:5000/app:1.", image_name=""
        )
    reference = ImageReference.parse(image_name)
    if reference.digest is not None:
        raise ImageNameError(
            f"The image name {image_name!r} has a digest, which is only known once the image is "
            f"built: give {reference.repository}:{reference.tag or DEFAULT_TAG}, or another tag.",
            image_name=image_name,
        )
    return reference.tagged()


def split_domain(name: str) -> tuple[str, str]:
    """Split a repository name into its registry's domain and its path, both complete.

    The first component is a domain when it has a dot, a colon or an upper case
    letter, or is `localhost`; else the name belongs to Docker Hub.
    """
    first, slash, rest = name.partition("/")
    is_domain = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not is_domain:
        domain, path = DEFAULT_DOMAIN, name
    else:
        domain, path = first, rest
    if domain == _LEGACY_DEFAULT_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = _OFFICIAL_PREFIX + path
    return domain, path


def is_domain(text: str) -> bool:
    """Whether the text is a registry's domain, with an optional port."""
    return _DOMAIN.match(text) is not None


def is_repository_path(text: str) -> bool:
    """Whether the text is one or more path components of a repository."""
    return _PATH.match(text) is not None


def is_tag(text: str) -> bool:
    """Whether the text can be a tag."""
    return _TAG.match(text) is not None


def _check_is_text(name: object) -> None:
    if not isinstance(name, str):
        raise ImageNameError(
            f"The image name must be a text, as in 'app:1', not {type(name).__name__}.",
            image_name=repr(name),
        )


def _split_tag(text: str) -> tuple[str, str | None]:
    """Cut the tag off: what follows the last colon, unless that is a port."""
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, None
    return name, tag


def _check_repository(domain: str, path: str, text: str) -> None:
    if not is_domain(domain):
        raise ImageNameError(
            f"The image name {text!r} is malformed: {domain!r} is no registry address "
            "(a host name with an optional port).",
            image_name=text,
        )
    if not is_repository_path(path):
        shown = path.removeprefix(_OFFICIAL_PREFIX)
        if is_repository_path(path.lower()):
            wrong = f"the repository {shown!r} has upper case letters; write {shown.lower()!r}"
        else:
            wrong = (
                f"the repository {shown!r} may have lower case "
                "letters and digits, with '.', '_', '__', '-' or '/' between them"
            )
        raise ImageNameError(f"The image name {text!r} is malformed: {wrong}.", image_name=text)
    if _IMAGE_ID.match(path.removeprefix(_OFFICIAL_PREFIX)) and domain == DEFAULT_DOMAIN:
        raise ImageNameError(
            f"The image name {text!r} looks like an image ID: a repository cannot be 64 "
            "hexadecimal digits.",
            image_name=text,
        )
    if len(path) > MAX_NAME_CHARS:
        raise ImageNameError(
            f"The image name {text[:40]!r}… is malformed: its repository has {len(path)} "
            f"characters, at most {MAX_NAME_CHARS} are allowed.",
            image_name=text,
        )
