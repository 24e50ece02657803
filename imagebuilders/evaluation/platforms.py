"""A build for several platforms: each is resolved by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.questions import Images
from imagebuilders.evaluation.resolution import Resolution, resolve
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import BOOLEANS, quote
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

_MULTI_PLATFORM = "BUILDKIT_MULTI_PLATFORM"


@dataclass(frozen=True)
class PlatformResolutions:
    """What a Dockerfile was resolved to.

    Attributes:
        resolutions: one for each platform, in the order they were asked for.
        is_index: the result is an index of images, even if there is only one.
        warnings: in the order in which BuildKit tells them.
    """

    resolutions: tuple[Resolution, ...]
    is_index: bool
    warnings: tuple[LintWarning, ...]


def resolve_platforms(
    content: bytes,
    options: ResolveOptions,
    images: Images,
    platforms: Sequence[Platform] = (),
    *,
    warn: Callable[[LintWarning], None] | None = None,
) -> PlatformResolutions:
    """Resolve a Dockerfile for each platform.

    Args:
        content: the whole file.
        options: what is asked for; its `platform` does not count.
        images: is asked for the configurations of images.
        platforms: none for the one that the base decides on.
        warn: is told of each warning when it is found, also if an error follows.

    Raises:
        EvaluationError: it cannot be resolved; in BuildKit's words.
    """
    warnings: list[LintWarning] = []

    def listen(warning: LintWarning) -> None:
        warnings.append(warning)
        if warn is not None:
            warn(warning)

    is_index = _is_index(options.build_args.get(_MULTI_PLATFORM, ""), len(platforms))
    found: list[Resolution] = []
    for platform in platforms or (None,):
        wanted = replace(options, platform=platform, prefix_platform=is_index)
        # Only the first one tells warnings, and fails because of them.
        found.append(resolve(content, wanted, images, warn=None if found else listen))
    seen: set[str] = set()
    for platform in platforms:
        name = str(platform.normalized())
        if name in seen:
            text = f"Duplicate platform result requested {quote(str(platform))}"
            listen(LintWarning("", text))
        seen.add(name)
    return PlatformResolutions(tuple(found), is_index, tuple(warnings))


def _is_index(asked: str, count: int) -> bool:
    if not asked:
        return count > 1
    if asked not in BOOLEANS:
        raise EvaluationError(f"invalid boolean value for multi-platform: {asked}")
    if not BOOLEANS[asked] and count > 1:
        raise EvaluationError(
            "conflicting config: returning multiple target platforms is not allowed"
        )
    return BOOLEANS[asked]
