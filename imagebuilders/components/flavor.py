"""Flavors: how a component's implementation introduces itself."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)

DOCS_URL = "https://imagebuilders.readthedocs.io/en/latest"


class Flavor(ABC):
    """Names an implementation of a component type, and its classes.

    A package offers a flavor through the entry point group `imagebuilders.flavors`.
    The class properties import their class when asked, so listing flavors is cheap.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The flavor's name, unique within its type."""

    @property
    @abstractmethod
    def type(self) -> StackComponentType:
        """Which component this is a flavor of."""

    @property
    @abstractmethod
    def config_class(self) -> builtins.type[StackComponentConfig]:
        """The class of its settings."""

    @property
    @abstractmethod
    def implementation_class(self) -> builtins.type[StackComponent]:
        """The class that does the work."""

    @property
    def docs_url(self) -> str | None:
        """A page that explains the flavor to its users."""
        return None

    @property
    def sdk_docs_url(self) -> str | None:
        """A page with the reference of its classes."""
        return None

    @property
    def logo_url(self) -> str | None:
        """A picture for dashboards."""
        return None

    def generate_default_docs_url(self) -> str:
        """Give the section on this flavor in the project's own documentation."""
        return f"{DOCS_URL}/stack.html#{self.name}-{self.type.value.replace('_', '-')}"

    def generate_default_sdk_docs_url(self) -> str:
        """Give the entry of this flavor's class in the project's own reference."""
        return f"{DOCS_URL}/reference.html#{type(self).__module__}.{type(self).__qualname__}"
