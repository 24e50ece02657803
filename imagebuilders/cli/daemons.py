"""The daemons that the active stack builds with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.completion import builders
from imagebuilders.cli.named_builder import BUILDERS, named_builder
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.buildkit.engine_client import OpenDaemon


builder_option = click.option("--builder", metavar="NAME", help=BUILDERS, shell_complete=builders)


@contextmanager
def open_daemons(named: str | None = None) -> Iterator[Sequence[OpenDaemon]]:
    """Lend the daemons of the active stack's image builder for a `with` block.

    Args:
        named: the name of another builder, whose daemons are lent in their place.

    Raises:
        click.UsageError: the builder has none.
        BuildKitError: none answers.
    """
    from imagebuilders.daemon_image_builder import DaemonImageBuilder
    from imagebuilders.stack import Client

    builder = named_builder(Client().active_stack, named)
    if not isinstance(builder, DaemonImageBuilder):
        raise click.UsageError(
            f"The image builder {builder.name!r}, a {type(builder).__name__}, has no BuildKit "
            "daemon. Name one that has, as in --builder local or --builder buildkit."
        )
    with output.log_warnings(output.warning_message), builder.daemons() as daemons:
        yield daemons


def heading(daemon: OpenDaemon, daemons: Sequence[OpenDaemon]) -> None:
    """Name a daemon before what it tells, where there are several."""
    if len(daemons) > 1:
        output.result(f"{'' if daemon is daemons[0] else chr(10)}{printable(daemon.name)}:")
