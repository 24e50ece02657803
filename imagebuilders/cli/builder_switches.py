"""Switches of a build that not every image builder has."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder


def builder_switches(builder: BaseImageBuilder, **wanted: bool) -> dict[str, bool]:
    """Return the keyword arguments of `build` for the switches that are on.

    Args:
        builder: the image builder that is to build.
        wanted: the switches by the names of those arguments.

    Raises:
        UsageError: the image builder does not know one.
    """
    switches = {name: True for name, is_on in wanted.items() if is_on}
    for name in switches:
        if not can_switch(builder, name):
            raise click.UsageError(
                f"--{name.replace('_', '-')}: the image builder {builder.name!r}, a "
                f"{type(builder).__name__}, does not know it."
            )
    return switches


def can_switch(builder: BaseImageBuilder, name: str) -> bool:
    """Tell whether an image builder knows a switch.

    Args:
        builder: the image builder.
        name: that of the argument of `build`.
    """
    return name in inspect.signature(builder.build).parameters
