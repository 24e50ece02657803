"""Image names as engines read them: refused in their words, and by older rules in older ones."""

from __future__ import annotations

import re

from imagebuilders.evaluation.image_names import parse_name
from imagebuilders.oci.reference import DEFAULT_DOMAIN, MAX_NAME_CHARS, ImageReference

HUB = DEFAULT_DOMAIN
_HEX_ID = re.compile(r"[a-f0-9]{64}")
_REPOSITORY = re.compile(r" \(.*\) must be lowercase$")


class InvalidReferenceError(ValueError):
    """A name that is no image name; its text is the engine's."""


def is_id(text: str) -> bool:
    """Whether a text is a whole id, which is never a name."""
    return _HEX_ID.fullmatch(text) is not None


def parse(name: str, *, capitals: bool = True) -> ImageReference:
    """Read an image name.

    Args:
        name: the name.
        capitals: as engines from 23.0 on do, for which a first part with capitals
            is a registry, and which name the repository that has some.

    Raises:
        InvalidReferenceError: in the engine's words.
    """
    try:
        reference = parse_name(name)
    except ValueError as error:
        words = str(error)
        raise InvalidReferenceError(
            words if capitals else _REPOSITORY.sub(" must be lowercase", words)
        ) from None
    if not capitals:
        _check_as_before_23(reference)
    return reference


def _check_as_before_23(reference: ImageReference) -> None:
    domain = reference.domain
    is_plain = not {".", ":"} & {*domain} and domain != domain.lower()
    if is_plain:
        raise InvalidReferenceError("invalid reference format: repository name must be lowercase")
    if len(reference.full_repository) > MAX_NAME_CHARS:
        raise InvalidReferenceError(
            f"repository name must not be more than {MAX_NAME_CHARS} characters"
        )
