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


class MissingFrontendError(EvaluationError):
    """The image of a frontend is not there.

    Attributes:
        reference: its name with domain and tag.
    """

    def __init__(self, message: str, reference: str, line: int) -> None:
        super().__init__(message, line=line)
        self.reference = reference

    def __reduce__(self) -> tuple[type[MissingFrontendError], tuple[str, str, int]]:
        return type(self), (self.message, self.reference, self.line)


def wanted_frontend(content: bytes, build_args: dict[str, str]) -> str | None:
    """Return the image of the frontend that is asked for; `None` for the daemon's own."""
    return build_args.get(_SETTING) or parse(content).syntax


def line_of_syntax(content: bytes) -> int:
    """Return the line of a Dockerfile in which a frontend is asked for; 0 without one."""
    found = [each.line for each in parse(content).directives if each.name == "syntax"]
    return found[0] if found else 0


def frontend_of(
    image: str, images: BaseImages, progress: Progress, platform: Platform, line: int = 0
) -> Frontend:
    """Return the version of a frontend that an image is.

    Args:
        image: its name.
        images: finds images.
        progress: is told.
        platform: what the daemon runs on.
        line: where the Dockerfile asks for it; 0 if it does not.

    Raises:
        MissingFrontendError: there is no such image.
        EvaluationError: its name is malformed, or it is another frontend than Docker's.
    """
    try:
        name = parse_name(image)
    except ValueError as error:
        raise EvaluationError(f"failed to parse frontend name {quote(image)}: {error}") from error
    reference = full_name(name)
    title = f"docker-image://{reference}"
    resolved = vertex(f"resolve image config for {title}", vertex_digest("frontend", reference))
    if name.domain != "docker.io" or name.path not in _OWN:
        try:
            with progress.running(resolved):
                images.look(reference, platform)
        except ImageBuilderError as error:
            words = f"failed to resolve source metadata for {reference}: {error}"
            raise MissingFrontendError(words, reference, line) from error
        raise EvaluationError(
            f"the BuildKit double runs no frontends: {image} is none of docker/dockerfile"
        )
    with progress.running(resolved):
        pass
    progress.complete(vertex(title, vertex_digest("frontend image", reference)), cached=True)
    match = _VERSION.match(name.tag or "")
    return min(NEWEST, Frontend(int(match[1]), int(match[2]))) if match else NEWEST
