"""What a removal of images has to do with others."""

from __future__ import annotations

from typing import Protocol

Records = list[dict[str, str]]
"""What was untagged and deleted, in order."""


class Users(Protocol):
    """The containers, which need images."""

    def of_image(self, image_id: str, *, running: bool = False) -> str:
        """Return the id of a container made from an image, empty without one."""
        ...

    def chains(self) -> set[str]:
        """Return the ids of the layer chains that containers stand on."""
        ...
