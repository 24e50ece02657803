"""Named contexts that are image layouts of this machine: `oci-layout://folder[:tag][@digest]`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from imagebuilders.build_options.buildkit_attributes import LAYOUT_SCHEME
from imagebuilders.buildkit.session.content import ContentFolder
from imagebuilders.exceptions import BuildOptionsError, ControlFileError, ImageFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.layout import ImageLayout

_STORE = "oci:"


def plan_layouts(layouts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, ContentFolder]]:
    """Return the attributes that name the layouts, and the folders by their names for the daemon.

    Args:
        layouts: for each context's name what stands behind `oci-layout://`.

    Raises:
        BuildOptionsError: a layout is not there, or has no such image.
    """
    attributes: dict[str, str] = {}
    stores: dict[str, ContentFolder] = {}
    for name, value in layouts.items():
        path, tag, digest = _parts(value)
        if not digest:
            digest = _find(path, tag)
            tag = tag or "latest"
        store = secrets.token_hex(13)[:25]
        stores[f"{_STORE}{store}"] = ContentFolder(Path(path))
        shown_tag = f":{tag}" if tag else ""
        attributes[f"context:{name}"] = f"{LAYOUT_SCHEME}{store}{shown_tag}@{digest}"
    return attributes, stores


def _parts(value: str) -> tuple[str, str, str]:
    """Return folder, tag and digest."""
    path, at, digest = value.rpartition("@")
    if not at:
        path, digest = value, ""
    else:
        try:
            Digest.parse(digest)
        except ImageFormatError:
            path, digest = value, ""  # a folder's name may have an @
    head, colon, tag = path.rpartition(":")
    if colon and "/" not in tag and not os.path.isdir(path):
        return head, tag, digest
    return path, "", digest


def _find(path: str, tag: str) -> str:
    try:
        found = ImageLayout(path).find(tag)
    except (ControlFileError, ImageFormatError) as error:
        raise BuildOptionsError(
            f"The option 'build_contexts' names the image layout {path!r}. {error}",
            option="build_contexts",
        ) from error
    if found is None:
        raise BuildOptionsError(
            f"The option 'build_contexts' names the image layout {path!r}, which has no image of "
            f"the tag {tag or 'latest'!r}.",
            option="build_contexts",
        )
    return str(found.digest)
