"""The registries that images are pushed to: the stack's, else those that their names begin with."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.stack import Stack


def registries_of(
    stack: Stack, names: Iterable[str], opened: ExitStack, *, asked_by: str
) -> dict[str, BaseContainerRegistry]:
    """Return the registry of each name; each is asked whether the name belongs to it.

    Args:
        stack: the active stack.
        names: the images' names.
        opened: closes the registries.
        asked_by: the flag or command that pushes, for messages.

    Raises:
        UsageError: a name names no registry, and the stack has none.
        ImageNameError: a name is malformed, or does not belong to the stack's registry.
    """
    registries: dict[str, BaseContainerRegistry] = {}
    for name in names:
        registries[name] = _registry(stack, name, asked_by)
        opened.callback(registries[name].close)
        registries[name].check_image_name(name)
    return registries


def _registry(stack: Stack, name: str, asked_by: str) -> BaseContainerRegistry:
    if stack.container_registry is not None:
        return stack.container_registry
    from imagebuilders.container_registries.pushing import named_registry

    named = named_registry(name)
    if named is not None:
        return named
    raise click.UsageError(
        f"{asked_by}: the stack {stack.name!r} has no container registry to push to, and {name!r} "
        "names none. "
        f"Name one, as in localhost:5000/{name}, or give one in imagebuilders.toml, "
        'as in [container_registry] uri = "localhost:5000", or in the environment, as in '
        "IMAGEBUILDERS_CONTAINER_REGISTRY__URI=localhost:5000."
    )
