"""The option by which a double is asked to evaluate commands; nothing is imported before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .machines import Machines

_KINDS = ("shell",)


def programs_for(machines: Machines | None, image: str) -> Mapping[str, bytes]:
    """Return the programs that a made-up image of some name has; none where nothing is run."""
    return {} if machines is None else machines.programs(image)


def machines_for(execute: str | None) -> Machines | None:
    """Return what evaluates commands; `None` where nothing is.

    Raises:
        ValueError: there is no such way to execute.
    """
    if execute is None:
        return None
    if execute not in _KINDS:
        raise ValueError(f"no way to execute {execute!r}; known: {', '.join(_KINDS)}")
    from .emulated_machine import EmulatedMachines

    return EmulatedMachines()
