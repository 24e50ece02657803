"""A first look at what a Dockerfile needs, before its client is asked what is ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imagebuilders.evaluation.platforms import PlatformResolutions, resolve_platforms
from imagebuilders.exceptions import EvaluationError

from .questions import VIOLATION

if TYPE_CHECKING:
    from imagebuilders.evaluation.lint import LintWarning

    from .bases import BaseImages
    from .contexts import Definition
    from .request import FrontendRequest


def resolve_once(
    request: FrontendRequest,
    definition: Definition,
    images: BaseImages,
    warn: Callable[[LintWarning], None] | None = None,
) -> PlatformResolutions | None:
    """Resolve a Dockerfile without what is ignored; `None` if its checks fail.

    Args:
        request: what is asked for.
        definition: the Dockerfile.
        images: finds its bases.
        warn: is told of each warning, also if an error follows.

    Raises:
        EvaluationError: it is malformed.
    """
    try:
        return resolve_platforms(
            definition.content, request.options, images, request.platforms, warn=warn
        )
    except EvaluationError as error:
        if error.message.startswith(VIOLATION):
            return None
        raise
