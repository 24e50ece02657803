"""Names of images as FROM and `--from` take them."""

from __future__ import annotations

import re

from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import (
    DEFAULT_TAG,
    MAX_NAME_CHARS,
    ImageReference,
    split_domain,
)

_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LATEST = f":{DEFAULT_TAG}"


def parse_name(text: str) -> ImageReference:
    """Parse an image's name.

    Raises:
        ValueError: it is malformed; in the words of Go's package `distribution/reference`.
    """
    if _IDENTIFIER.fullmatch(text):
        raise ValueError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    try:
        return ImageReference.parse(text)
    except ImageNameError:
        raise ValueError(_problem(text)) from None


def _problem(text: str) -> str:
    if not text:
        return "invalid reference format"
    domain, remote = split_domain(text)
    repository = remote.partition(":")[0] if ":" in remote else remote
    repository = repository.partition("@")[0]
    if repository != repository.lower():
        return f"invalid reference format: repository name ({repository}) must be lowercase"
    if _is_too_long(domain, repository, text):
        return f"repository name must not be more than {MAX_NAME_CHARS} characters"
    return "invalid reference format"


def _is_too_long(domain: str, repository: str, text: str) -> bool:
    if len(repository) <= MAX_NAME_CHARS:
        return False
    shortened = repository[:1]
    try:
        ImageReference.parse(text.replace(repository.removeprefix("library/"), shortened, 1))
    except ImageNameError:
        return False
    return bool(domain)


def full_name(reference: ImageReference) -> str:
    """Return a name with domain, and with tag or digest: `docker.io/library/alpine:latest`."""
    tag = reference.tag
    if tag is None and reference.digest is None:
        tag = DEFAULT_TAG
    name = reference.full_repository
    name = name if tag is None else f"{name}:{tag}"
    return name if reference.digest is None else f"{name}@{reference.digest}"


def context_name(text: str) -> str:
    """Return the name under which a named context may replace an image.

    Raises:
        ValueError: the name is malformed.
    """
    try:
        return str(parse_name(text)).removesuffix(_LATEST)
    except ValueError as error:
        raise ValueError(f"invalid context name {text}: {error}") from None
