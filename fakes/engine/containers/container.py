"""A container and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Container:
    """One container.

    Attributes:
        id: 64 hexadecimal digits.
        image: the id of the image it was made from.
        running: whether it runs now.
    """

    id: str
    image: str
    running: bool = False
