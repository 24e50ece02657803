"""One image of several: what a request says of the platform that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.oci.platform import Platform

from ... import go_text
from ...images.image import Image
from .. import messages
from ..errors import ApiError
from ..images.content_store import has_content

if TYPE_CHECKING:
    from ..daemon import Daemon
    from ..http import Request


def asked_platform(engine: Daemon, request: Request, since: str) -> Platform | None:
    """Return the platform that a request names; `None` where it names none.

    Args:
        engine: the engine.
        request: the request.
        since: the API version from which on it is looked at.

    Raises:
        ApiError: 400, it is none.
    """
    text = request.parameter("platform")
    if not text or not engine.version.speaks(request.version, since):
        return None
    found = go_text.parse_object(text)
    if isinstance(found, str):
        raise ApiError(400, f"failed to parse platform: {found}")
    variant = str(found.get("variant") or "")
    return Platform(str(found.get("os") or ""), str(found.get("architecture") or ""), variant)


def chosen(engine: Daemon, image: Image, name: str, platform: Platform | None) -> Image:
    """Return an image, or that of its index for a platform.

    Only containerd's store has several by one name.

    Raises:
        ApiError: 404, it has none for it.
    """
    if platform is None or not has_content(engine.state):
        return image
    found = image.for_platform(platform)
    if found is None:
        raise ApiError(404, messages.NO_SUCH_PLATFORM.format(name, platform))
    return found
