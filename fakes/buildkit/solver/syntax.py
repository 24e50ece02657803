"""The frontends that Dockerfiles ask for by `# syntax=`.

The double runs no frontends. Of Docker's own, which is the one that it evaluates itself, every
version is there without a network.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imagebuilders.dockerfile import parse
from imagebuilders.evaluation.frontend import NEWEST, Frontend
from imagebuilders.evaluation.image_names import full_name, parse_name
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.go_text import quote

from .progress import Progress, vertex, vertex_digest

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform

    from .bases import BaseImages

_OWN = frozenset({"docker/dockerfile", "docker/dockerfile-upstream"})
_VERSION = re.compile(r"(\d+)\.(\d+)")
_SETTING = "BUILDKIT_SYNTAX"


def wanted_frontend(content: bytes, build_args: dict[str, str]) -> str | None:
    """Return the image of the frontend that is asked for; `None` for the daemon's own."""
    return build_args.get(_SETTING) or parse(content).syntax


def frontend_of(image: str, images: BaseImages, progress: Progress, platform: Platform) -> Frontend:
    """Return the version of a frontend that an image is.

    Raises:
        EvaluationError: there is no such image, or it is another frontend than Docker's.
    """
    try:
        name = parse_name(image)
    except ValueError as error:
        raise EvaluationError(f"failed to parse frontend name {quote(image)}: {error}") from error
    reference = full_name(name)
    if name.domain != "docker.io" or name.path not in _OWN:
        try:
            images.find(reference, platform)
        except ImageBuilderError as error:
            raise EvaluationError(
                f"failed to resolve source metadata for {reference}: {error}"
            ) from error
        raise EvaluationError(
            f"the BuildKit double runs no frontends: {image} is none of docker/dockerfile"
        )
    title = f"docker-image://{reference}"
    resolved = vertex(f"resolve image config for {title}", vertex_digest("frontend", reference))
    with progress.running(resolved):
        pass
    progress.complete(vertex(title, vertex_digest("frontend image", reference)), cached=True)
    match = _VERSION.match(name.tag or "")
    return min(NEWEST, Frontend(int(match[1]), int(match[2]))) if match else NEWEST
