"""What a walk comes to, and what is known of the whole search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....file_system import Status

TYPES = {
    "f": "file",
    "d": "dir",
    "l": "symlink",
    "p": "fifo",
    "c": "char",
    "b": "block",
    "s": "socket",
}
"""Kinds of files by their letters."""


@dataclass(frozen=True)
class Visit:
    """A file that the walk has come to.

    Attributes:
        path: its path.
        start: the path that the walk began at.
        depth: how many folders it is below that.
        status: what is known of it.
    """

    path: str
    start: str
    depth: int
    status: Status


Test = Callable[[Visit], bool]
"""A part of an expression: whether it holds for a visit; an action is done by it."""


class Search:
    """What an expression says about the walk, and what its actions leave.

    Attributes:
        lowest: the depth from which files are tested.
        highest: the depth below which it does not go.
        depth_first: whether a folder is tested after what is in it.
        acts: whether there is an action, so that nothing is printed by itself.
        prunes: whether it does not go into the folder that is tested.
        batches: commands that are run at the end, each with its paths.
        code: the exit code.
    """

    def __init__(self) -> None:
        self.lowest, self.highest = 0, 1 << 30
        self.depth_first = False
        self.acts = False
        self.prunes = False
        self.batches: list[tuple[list[str], list[str]]] = []
        self.code = 0
