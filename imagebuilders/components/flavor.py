"""Flavors: how a component's implementation introduces itself."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.overridable import overridable_property

if TYPE_CHECKING:
    from typing_extensions import Self

DOCS_URL = "https://imagebuilders.readthedocs.io/en/latest"

_EXAMPLES = {
    "name": 'name = "kite"',
    "type": "type = StackComponentType.IMAGE_BUILDER",
    "config_class": "config_class = KiteConfig",
    "implementation_class": "implementation_class = KiteImageBuilder",
}


class Flavor(ABC):
    """Names an implementation of a component type, and its classes.

    Each name is a class attribute or a property, as the subclass likes:

        class KiteFlavor(BaseImageBuilderFlavor):
            name = "kite"
            config_class = KiteConfig

            @overridable_property
            def implementation_class(self) -> type[KiteImageBuilder]:
                from kite.builder import KiteImageBuilder  # only when it is used

                return KiteImageBuilder

    A package offers a flavor through the entry point group `imagebuilders.flavors`. Listing
    flavors stays cheap when a property imports the class that does the work.
    """

    def __new__(cls) -> Self:
        """Make the flavor.

        Raises:
            TypeError: the class is abstract; the text lists the names it does not state.
        """
        missing = sorted(cls.__abstractmethods__)
        if missing:
            example = _EXAMPLES.get(missing[0])
            raise TypeError(
                f"{cls.__name__} is abstract, for it does not state {' and '.join(missing)}: add "
                "each as a class attribute or a property"
                + (f", as in {example}" if example else "")
            )
        return super().__new__(cls)

    @overridable_property
    @abstractmethod
    def name(self) -> str:
        """The flavor's name, unique within its type."""

    @overridable_property
    @abstractmethod
    def type(self) -> StackComponentType:
        """Which component this is a flavor of."""

    @overridable_property
    @abstractmethod
    def config_class(self) -> builtins.type[StackComponentConfig]:
        """The class of its settings."""

    @overridable_property
    @abstractmethod
    def implementation_class(self) -> builtins.type[StackComponent]:
        """The class that does the work."""

    @overridable_property
    def docs_url(self) -> str | None:
        """A page that explains the flavor to its users."""
        return None

    @overridable_property
    def sdk_docs_url(self) -> str | None:
        """A page with the reference of its classes."""
        return None

    @overridable_property
    def logo_url(self) -> str | None:
        """A picture for dashboards."""
        return None

    def generate_default_docs_url(self) -> str:
        """Return the section on this flavor in the project's own documentation."""
        return f"{DOCS_URL}/stack.html#{self.name}-{self.type.value.replace('_', '-')}"

    def generate_default_sdk_docs_url(self) -> str:
        """Return the entry of this flavor's class in the project's own reference."""
        return f"{DOCS_URL}/reference-building.html#imagebuilders.{type(self).__qualname__}"


class BuiltInFlavor(Flavor):
    """Base of the flavors of this package, which its own documentation explains."""

    @overridable_property
    def docs_url(self) -> str | None:
        """The flavor's section in the documentation."""
        return self.generate_default_docs_url()

    @overridable_property
    def sdk_docs_url(self) -> str | None:
        """The entry of the flavor's class in the reference."""
        return self.generate_default_sdk_docs_url()
