"""What a build is asked for besides its Dockerfile, as far as resolution depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from imagebuilders.evaluation.frontend import NEWEST, Frontend
from imagebuilders.evaluation.lint import LintOptions, parse_lint_options
from imagebuilders.evaluation.questions import SourceTimes
from imagebuilders.exceptions import EvaluationError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

_CHECK = "BUILDKIT_DOCKERFILE_CHECK"
BUILD_PLATFORM = Platform("linux", "amd64")


@dataclass(frozen=True)
class ResolveOptions:
    """What a build is asked for.

    Attributes:
        target: the name of the stage that is wanted; empty for the last one.
        build_args: values for ARG.
        labels: labels of the image.
        platform: what the image shall run on; `None` for what its base runs on, at best the
            platform that builds.
        build_platform: the platform that builds.
        prefix_platform: titles of steps name the platform, since it is one of several.
        named_contexts: what stands for an image or stage, by name, as BuildKit writes it:
            `docker-image://alpine:3.20`, `local:assets`, `https://…`.
        ignore_lines: the ignore file's patterns.
        hostname: of commands.
        network: of commands that name none: `default`, `none` or `host`.
        frontend: the version whose behaviour counts.
        all_stages: resolve stages that the target does not need as well.
        source_times: knows when what SOURCE_DATE_EPOCH names was made; without it that stands for
            no time.
    """

    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    build_platform: Platform = BUILD_PLATFORM
    prefix_platform: bool = False
    named_contexts: Mapping[str, str] = field(default_factory=dict, hash=False)
    ignore_lines: tuple[str, ...] = ()
    hostname: str = ""
    network: str = "default"
    frontend: Frontend = NEWEST
    all_stages: bool = False
    source_times: SourceTimes | None = field(default=None, compare=False, repr=False)

    @property
    def lint_options(self) -> LintOptions | None:
        """What the build argument BUILDKIT_DOCKERFILE_CHECK says; `None` without it.

        Raises:
            EvaluationError: it is malformed.
        """
        text = self.build_args.get(_CHECK)
        try:
            return None if text is None else parse_lint_options(text)
        except ValueError as error:
            raise EvaluationError(f"failed to parse build-arg:{_CHECK}: {error}") from None

    @property
    def sandbox_hostname(self) -> str:
        """The host name of commands; BUILDKIT_SANDBOX_HOSTNAME counts more."""
        return self.build_args.get("BUILDKIT_SANDBOX_HOSTNAME") or self.hostname

    @property
    def target_platform(self) -> Platform:
        """What the image shall run on if its base does not say otherwise."""
        return self.build_platform if self.platform is None else self.platform
