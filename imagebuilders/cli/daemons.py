"""The daemons that the active stack builds with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.buildkit.engine_client import OpenDaemon


builder_option = click.option(
    "--builder", metavar="NAME", help="The buildx builder of this name, in place of the stack's."
)


@contextmanager
def open_daemons(named: str | None = None) -> Iterator[Sequence[OpenDaemon]]:
    """Lend the daemons of the active stack's image builder for a `with` block.

    Args:
        named: the name of a buildx builder, whose daemons are lent in their place.

    Raises:
        click.UsageError: the builder has none.
        BuildKitError: none answers.
    """
    from imagebuilders.daemon_image_builder import DaemonImageBuilder

    builder = _builder(named)
    if not isinstance(builder, DaemonImageBuilder):
        raise click.UsageError(
            f"The active stack's image builder, {type(builder).__name__}, has no BuildKit daemon. "
            "Make a stack with the flavor 'local' or 'buildkit' the active one."
        )
    with output.log_warnings(output.warning_message), builder.daemons() as daemons:
        yield daemons


def _builder(named: str | None) -> BaseImageBuilder:
    if named:
        from imagebuilders.buildkit_image_builder import BuildKitImageBuilder

        return BuildKitImageBuilder(builder=named)
    from imagebuilders.stack import Client

    return Client().active_stack.image_builder


def heading(daemon: OpenDaemon, daemons: Sequence[OpenDaemon]) -> None:
    """Name a daemon before what it tells, where there are several."""
    if len(daemons) > 1:
        output.result(f"{'' if daemon is daemons[0] else chr(10)}{printable(daemon.name)}:")
