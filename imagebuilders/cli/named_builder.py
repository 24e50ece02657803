"""`--builder NAME`: an image builder by its flavor's name, or an instance of buildx."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagebuilders.exceptions import ConfigurationError

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.stack import Stack

BUILDERS = "local, classic, buildkit, daemonless, aws, or a buildx builder by its name."
"""What help says of the flag."""


def named_builder(stack: Stack, name: str | None) -> BaseImageBuilder:
    """Return the image builder of a name.

    Where the stack's own is of the flavor that is named, it is that one, or has its settings.

    Args:
        stack: the active stack, whose builder it is without a name.
        name: `local` (or `default`, as buildx calls the engine), `classic`, `buildkit`,
            `daemonless` or `aws`; any other is a builder that `docker buildx create` made, or a
            Docker context.

    Raises:
        UsageError: it needs settings that only a stack can have.
    """
    match name:
        case None | "":
            return stack.image_builder
        case "local" | "default":
            return _local(stack)
        case "classic":
            return _classic(stack)
        case "buildkit":
            return _buildkit(stack)
        case "daemonless":
            return daemonless_builder(stack)
        case "aws":
            return _aws(stack)
        case _:
            from imagebuilders.buildkit_image_builder import BuildKitImageBuilder

            return BuildKitImageBuilder(builder=name)


def _local(stack: Stack) -> BaseImageBuilder:
    from imagebuilders.local_image_builder import LocalImageBuilder

    own = stack.image_builder
    return own if isinstance(own, LocalImageBuilder) else LocalImageBuilder()


def _classic(stack: Stack) -> BaseImageBuilder:
    from imagebuilders.local_image_builder import LocalImageBuilder, LocalImageBuilderConfig

    own = stack.image_builder
    config = own.config if isinstance(own, LocalImageBuilder) else LocalImageBuilderConfig()
    return LocalImageBuilder(config.model_copy(update={"builder": "classic"}))


def _buildkit(stack: Stack) -> BaseImageBuilder:
    from imagebuilders.buildkit_image_builder import BuildKitImageBuilder

    own = stack.image_builder
    return own if isinstance(own, BuildKitImageBuilder) else BuildKitImageBuilder()


def _aws(stack: Stack) -> BaseImageBuilder:
    from imagebuilders.aws_image_builder import AWSImageBuilder

    own = stack.image_builder
    if isinstance(own, AWSImageBuilder):
        return own
    try:
        return AWSImageBuilder()
    except ConfigurationError as error:
        raise click.UsageError(
            "--builder aws: the active stack says nothing of CodeBuild. Set "
            "IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR=aws and IMAGEBUILDERS_IMAGE_BUILDER__PROJECT to "
            "the project's name, or say so in imagebuilders.toml."
        ) from error


def has_engine(builder: BaseImageBuilder) -> bool:
    """Tell whether an engine has what an image builder built."""
    from imagebuilders.local_image_builder import LocalImageBuilder

    return isinstance(builder, LocalImageBuilder)


def daemonless_builder(stack: Stack, file_list_cache: str | None = None) -> BaseImageBuilder:
    """Return a daemonless builder with the stack's settings if its own is one.

    Args:
        stack: the active stack.
        file_list_cache: the folder of file lists that machines share, if it is given.
    """
    from imagebuilders.daemonless_image_builder import (
        DaemonlessImageBuilder,
        DaemonlessImageBuilderConfig,
    )

    # A builder that nobody speaks of is not made: that takes time.
    own = stack.image_builder if _names_builder(stack) else None
    config = own.config if isinstance(own, DaemonlessImageBuilder) else None
    config = config or DaemonlessImageBuilderConfig()
    if file_list_cache is not None:
        config = config.model_copy(update={"file_list_cache": Path(file_list_cache)})
    return DaemonlessImageBuilder(config)


def _names_builder(stack: Stack) -> bool:
    """Tell whether the stack has an image builder that somebody chose."""
    from imagebuilders.components.component import StackComponentType

    configuration = stack.configuration
    return configuration is None or configuration.mentions(StackComponentType.IMAGE_BUILDER)


def with_file_lists(
    stack: Stack, builder: BaseImageBuilder, file_list_cache: str | None
) -> BaseImageBuilder:
    """Return a builder that keeps file lists in a folder that was given.

    Raises:
        UsageError: the builder has no use for such a folder.
    """
    if file_list_cache is None:
        return builder
    from imagebuilders.daemonless_image_builder import DaemonlessImageBuilder

    if not isinstance(builder, DaemonlessImageBuilder):
        raise click.UsageError(
            f"--file-list-cache: the image builder {builder.name!r}, a {type(builder).__name__}, "
            "reads no file lists. Build with --builder daemonless."
        )
    return daemonless_builder(stack, file_list_cache)
