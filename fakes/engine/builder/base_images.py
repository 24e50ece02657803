"""The images that a build begins with or takes files from."""

from __future__ import annotations

from contextlib import suppress

from imagebuilders.oci.platform import Platform

from ...images.image import Image
from ...images.reference import InvalidReferenceError
from ..errors import ApiError, StepError
from ..images.content_store import no_snapshot
from ..images.names import parse_as
from ..images.tar_styles import STYLES
from ..registries.credentials import Credentials
from ..registries.pulling import pull
from .context import ImageSource
from .messages import Saying
from .state import BuildState


def base_image(build: BuildState, name: str, platform: Platform | None) -> Saying[Image]:
    """The image of a FROM or `COPY --from`: the one here, else pulled, once in a build.

    Raises:
        StepError: when it is nowhere.
    """
    if name not in build.sources:
        build.sources[name] = yield from _found(build, name, platform)
    return build.sources[name]


def _found(build: BuildState, name: str, platform: Platform | None) -> Saying[Image]:
    images = build.host.images
    if not build.options.pull:
        with suppress(ApiError):
            return images.find(name)
    try:
        reference = parse_as(build.host.state.version, name).tagged()
    except InvalidReferenceError as error:
        raise StepError(str(error)) from error
    try:
        own = build.options.credentials.get(reference.domain, Credentials())
        yield from pull(build.host.registries, reference, own, platform)
        return images.find(name)
    except ApiError as error:
        raise StepError(error.message) from error


def look_at_cache_sources(build: BuildState) -> None:
    """Find the images of `cache_from` that are here."""
    build.cache_sources = []
    for name in build.options.cache_from:
        with suppress(ApiError):
            build.cache_sources.append(build.host.images.find(name))


def stage_or_image(build: BuildState, name: str) -> Saying[ImageSource]:
    """The files that a `--from` names.

    Raises:
        StepError: when it names none.
    """
    style = STYLES.of(build.host.state.version)
    found = next((done for done in build.stages if done.name == name.lower()), None)
    if found is None:
        with suppress(ValueError):
            index = int(name)
            if index == len(build.stages):
                raise StepError(f"invalid from flag value {name}: refers to current build stage")
            if not 0 <= index < len(build.stages):
                raise StepError(f"invalid from flag value {name}: index out of bounds")
            found = build.stages[index]
    if found is not None:
        return ImageSource(found.image.tree if found.image else {}, style)
    try:
        image = yield from base_image(build, name, build.options.platform)
    except StepError as error:
        raise StepError(f"invalid from flag value {name}: {error.message}") from error
    if image.trouble:
        raise StepError(f"COPY failed: {no_snapshot(image)}")
    return ImageSource(image.tree, style)
