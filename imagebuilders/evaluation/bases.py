"""What stages begin with: images and named contexts, asked for and described."""

from __future__ import annotations

import re

from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.image_draft import ImageDraft
from imagebuilders.evaluation.image_names import context_name, full_name, parse_name
from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.questions import Images
from imagebuilders.evaluation.stages import SCRATCH, Stages, StageState
from imagebuilders.evaluation.steps import ContextOrigin, ImageOrigin, Lines, Origin, ScratchOrigin
from imagebuilders.exceptions import EvaluationError, ImageBuilderError, ImageFormatError
from imagebuilders.go_text import quote
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.platform import Platform

_NEVER_REPLACED = frozenset({"scratch", "context"})
_COMMON_IMAGES = ("alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora")


def named_context(name: str, platform: Platform, options: ResolveOptions) -> str | None:
    """Return the name under which a named context stands for an image or stage.

    A context for one platform (`base::linux/arm64`) counts more than one for all.

    Raises:
        EvaluationError: the name is malformed.
    """
    if name.lower() in _NEVER_REPLACED or not options.frontend.knows_named_contexts:
        return None
    try:
        found = context_name(name)
    except ValueError as error:
        raise EvaluationError(str(error)) from None
    for key in (f"{found}::{platform.normalized()}", found):
        if key in options.named_contexts:
            return key
    return None


@dataclass(frozen=True)
class Bases:
    """Finds out what stages begin with.

    Attributes:
        options: of the build.
        images: is asked for configurations.
        stages: all of them, for suggestions.
        linter: is told of images for another platform.
    """

    options: ResolveOptions
    images: Images
    stages: Stages
    linter: Linter

    def resolve(self, state: StageState, *, needed: bool) -> None:
        """Find out what a stage without a base stage begins with.

        Args:
            state: the stage, or an image that files are taken from.
            needed: the build needs it; else its name is looked at alone.

        Raises:
            EvaluationError: its name is malformed, or there is no such image.
        """
        state.resolved = needed
        if state.base_name == SCRATCH and state.named_context is None:
            state.image = ImageDraft.scratch(self.options.target_platform)
            state.platform = self.options.target_platform
        else:
            try:
                self._resolve_image(state, needed=needed)
            except EvaluationError as error:
                raise _at(error.message, state.lines) from error.__cause__
        state.dispatched = state.dispatched or not state.is_stage

    def _resolve_image(self, state: StageState, *, needed: bool) -> None:
        written = state.base_name
        try:
            name = parse_name(written)
        except ValueError as error:
            problem = str(error)
            if self.options.frontend < Frontend(1, 3):
                problem = re.sub(r"repository name \(.*\) must", "repository name must", problem)
            raise EvaluationError(
                f"failed to parse stage name {quote(written)}: {problem}"
            ) from None
        platform = state.platform or self.options.target_platform
        state.base_name = full_name(name)
        if not needed:
            state.platform = platform
        elif state.named_context is not None:
            self._replace_stage(state, state.named_context)
        elif key := named_context(state.base_name, platform, self.options):
            origin, image = self._context(key, platform)
            state.origin = origin
            state.image = ImageDraft.scratch(platform) if image is None else ImageDraft.of(image)
            state.platform = platform
        else:
            self._ask(state, written, platform)

    def _replace_stage(self, state: StageState, key: str) -> None:
        """Let a named context stand for a whole stage."""
        platform = state.platform or self.options.target_platform
        state.origin, image = self._context(key, platform)
        state.dispatched = True
        if image is None:
            return
        state.image = ImageDraft.of(image)
        if image.platform.architecture and image.platform.os:
            state.platform = image.platform

    def _ask(self, state: StageState, written: str, platform: Platform) -> None:
        try:
            image = self._config(state.base_name, platform)
        except EvaluationError as error:
            names = [*self.stages.names(), *_common_names()]
            hint = suggestion(written, names, case_sensitive=True)
            raise EvaluationError(f"{written}: {error.message}{hint}") from error.__cause__
        state.image = ImageDraft.of(image)
        if state.platform is None and self.options.platform is None:
            platform = self._detected(image.platform, platform)
        state.platform = platform
        if state.image.is_empty:
            return
        state.origin = ImageOrigin(state.base_name, platform)
        state.step_number += 1  # the FROM itself
        _check_platform(written, platform, image.platform, state.lines, self.linter)

    def _detected(self, image: Platform, platform: Platform) -> Platform:
        """Return the platform that an image is for, if this machine builds for it."""
        build = self.options.build_platform
        if (image.os, image.architecture) == (platform.os, platform.architecture):
            return platform
        same = (image.os, image.architecture) == (build.os, build.architecture)
        return build if same else platform

    def _context(self, key: str, platform: Platform) -> tuple[Origin, ImageConfig | None]:
        written = self.options.named_contexts[key]
        kind, colon, rest = written.partition(":")
        if not colon:
            raise EvaluationError(f"invalid context specifier {written} for {key}")
        if kind not in ("docker-image", "oci-layout", "input"):
            return ContextOrigin(key), None
        name = rest.removeprefix("//")
        if kind == "docker-image":
            if name == SCRATCH:
                return ScratchOrigin(), None
            try:
                name = full_name(parse_name(name))
            except ValueError as error:
                raise EvaluationError(str(error)) from None
        else:
            name = written
        return ImageOrigin(name, platform), self._config(name, platform)

    def _config(self, reference: str, platform: Platform) -> ImageConfig:
        try:
            content = self.images.config(reference, platform)
        except ImageBuilderError as error:
            raise EvaluationError(
                f"failed to resolve source metadata for {reference}: {error}"
            ) from error
        try:
            return ImageConfig.parse(content)
        except ImageFormatError as error:
            raise EvaluationError(f"failed to parse image config: {error}") from error


def _common_names() -> list[str]:
    # The missing slash is BuildKit's own.
    return [
        spelling
        for name in _COMMON_IMAGES
        for spelling in (
            name,
            f"docker.io/library{name}",
            f"{name}:latest",
            f"docker.io/library{name}:latest",
        )
    ]


def _check_platform(
    name: str, expected: Platform, actual: Platform, lines: Lines | None, linter: Linter
) -> None:
    if (expected.os, expected.architecture) == (actual.os, actual.architecture):
        return
    wanted, found = quote(str(expected.normalized())), quote(str(actual.normalized()))
    text = (
        f"Base image {name} was pulled with platform {found}, expected {wanted} for current build"
    )
    linter.warn("InvalidBaseImagePlatform", text, lines)


def _at(message: str, lines: Lines | None) -> EvaluationError:
    if lines is None:
        return EvaluationError(message)
    return EvaluationError(message, line=lines.first, end_line=lines.last)
