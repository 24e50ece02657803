"""The stack: components, their flavors, and which of them are active."""

from imagebuilders.stack.client import Client
from imagebuilders.stack.component import StackComponent, StackComponentConfig, StackComponentType
from imagebuilders.stack.flavor import Flavor
from imagebuilders.stack.stack import Stack

__all__ = [
    "Client",
    "Flavor",
    "Stack",
    "StackComponent",
    "StackComponentConfig",
    "StackComponentType",
]
