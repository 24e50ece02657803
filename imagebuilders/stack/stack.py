"""A stack: the components that are used together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from imagebuilders.components.component import StackComponent
from imagebuilders.exceptions import ConfigurationError

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.base import BaseArtifactStore
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.stack.configuration import StackConfiguration


class Stack:
    """An image builder, an artifact store and, if images are pushed, a container registry."""

    def __init__(
        self,
        image_builder: BaseImageBuilder,
        artifact_store: BaseArtifactStore,
        container_registry: BaseContainerRegistry | None = None,
        name: str = "default",
        *,
        configuration: StackConfiguration | None = None,
    ) -> None:
        """Put components together.

        Args:
            image_builder: what builds images.
            artifact_store: where archives of build contexts go.
            container_registry: where images go; `None` when they are not pushed.
            name: what the user calls the stack.
            configuration: what the stack was made from, when it was read from settings.

        Raises:
            ConfigurationError: a component stands in the place of another kind.
        """
        check_place("image_builder", image_builder)
        check_place("artifact_store", artifact_store)
        if container_registry is not None:
            check_place("container_registry", container_registry)
        self.image_builder = image_builder
        self.artifact_store = artifact_store
        self.container_registry = container_registry
        self.name = name
        self.configuration = configuration

    @contextmanager
    def activate(self) -> Iterator[Stack]:
        """Make this the active stack for the `with` block.

        Blocks nest; the innermost counts. The activation belongs to the current
        `contextvars` context: other threads do not see it.
        """
        token = _activated.set(self)
        try:
            yield self
        finally:
            _activated.reset(token)

    def __repr__(self) -> str:
        return (
            f"Stack(name={self.name!r}, image_builder={self.image_builder!r}, "
            f"artifact_store={self.artifact_store!r}, "
            f"container_registry={self.container_registry!r})"
        )


_activated: ContextVar[Stack | None] = ContextVar("imagebuilders_stack", default=None)


def activated_stack() -> Stack | None:
    """Return the stack of the innermost `Stack.activate` block, if any."""
    return _activated.get()


_METHODS = {
    "image_builder": "build",
    "artifact_store": "publish",
    "container_registry": "push_image",
}
"""A method by which a component of each kind is known."""


def check_place(place: str, component: object) -> None:
    """Refuse a component of another kind; stand-ins of tests need not be components.

    Args:
        place: `image_builder`, `artifact_store` or `container_registry`.
        component: what is to stand there.

    Raises:
        ConfigurationError: it is a component of another kind.
    """
    if isinstance(component, type):
        raise ConfigurationError(
            f"The {place} of a stack must be a component, not the class {component.__name__}.",
            key=place,
        )
    method = _METHODS[place]
    if isinstance(component, StackComponent) and not hasattr(type(component), method):
        raise ConfigurationError(
            f"{type(component).__name__} cannot be the {place} of a stack: it has no method "
            f"{method}().",
            key=place,
        )
