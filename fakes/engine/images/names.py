"""Image names as versions of the engine read them."""

from __future__ import annotations

from imagebuilders.oci.reference import ImageReference

from ...images.reference import InvalidReferenceError, parse
from ..versions import EngineVersion


def parse_as(version: EngineVersion, name: str) -> ImageReference:
    """Read an image name as a version of the engine does.

    Raises:
        InvalidReferenceError: in this version's words.
    """
    reference = parse(name, capitals=version >= "23.0")
    if reference.domain.startswith("[") and version < "23.0":
        # Older engines know no addresses of IPv6 in names.
        raise InvalidReferenceError("invalid reference format")
    return reference
