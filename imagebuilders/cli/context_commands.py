"""`imagebuilders context`."""

from __future__ import annotations

import click


@click.group()
def context() -> None:
    """Look at what goes into a build."""
