"""The stack: components, their flavors, and which of them are active."""

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import Flavor
from imagebuilders.stack.client import Client
from imagebuilders.stack.stack import Stack

__all__ = [
    "Client",
    "Flavor",
    "Stack",
    "StackComponent",
    "StackComponentConfig",
    "StackComponentType",
]
