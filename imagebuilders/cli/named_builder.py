"""`--builder daemonless`: the builder that needs no daemon, by its flavor's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.stack import Stack

DAEMONLESS = "daemonless"


def daemonless_builder(stack: Stack, file_list_cache: str | None = None) -> BaseImageBuilder:
    """Return the stack's builder if it is daemonless, else one with default settings.

    Args:
        stack: the active stack.
        file_list_cache: the folder of file lists that machines share, if it is given.
    """
    from imagebuilders.daemonless_image_builder import (
        DaemonlessImageBuilder,
        DaemonlessImageBuilderConfig,
    )

    own = stack.image_builder
    config = own.config if isinstance(own, DaemonlessImageBuilder) else None
    config = config or DaemonlessImageBuilderConfig()
    if file_list_cache is not None:
        config = config.model_copy(update={"file_list_cache": Path(file_list_cache)})
    return DaemonlessImageBuilder(config)


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
            f"reads no file lists. Build with --builder {DAEMONLESS}."
        )
    return daemonless_builder(stack, file_list_cache)
