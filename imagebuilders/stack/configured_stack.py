"""A stack that is made from settings, each component when it is first asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imagebuilders.components.component import StackComponent, StackComponentType
from imagebuilders.stack.stack import Stack, check_place

if TYPE_CHECKING:
    from imagebuilders.stack.configuration import StackConfiguration

# One for all stacks: making components is quick, and a stack that holds no lock can be copied.
_making = threading.RLock()


class ConfiguredStack(Stack):
    """A stack whose components are made when they are first asked for.

    Asking for a component may raise

    - `FlavorError`: its flavor is unknown or offered twice, its class cannot be imported, or no
      object of it can be made;
    - `ConfigurationError`: its settings are wrong.
    """

    def __init__(self, configuration: StackConfiguration) -> None:
        """Put a stack together from its settings."""
        self.name = configuration.name
        self.configuration = configuration

    def __getattr__(self, place: str) -> StackComponent | None:
        """Make a component; afterwards it is an attribute as in any stack."""
        try:
            kind = StackComponentType(place)
        except ValueError:
            raise AttributeError(f"a stack has no attribute {place!r}") from None
        with _making:
            if place not in vars(self):
                assert self.configuration is not None
                described = self.configuration.component(kind)
                made = None if described is None else described.make()
                if made is not None:
                    check_place(place, made)
                vars(self)[place] = made
            component: StackComponent | None = vars(self)[place]
            return component

    def __repr__(self) -> str:
        file = None if self.configuration is None else self.configuration.file
        return f"Stack(name={self.name!r}, file={None if file is None else str(file)!r})"
