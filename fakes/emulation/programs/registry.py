"""Which programs are known, each with those who wrote them: busybox, or GNU and Debian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..process import Process

Main = Callable[["Process"], int]
"""Does the work of a program; its exit code."""


@dataclass
class Programs:
    """The programs of one system.

    Attributes:
        is_busybox: whether busybox's are meant, not GNU's.
        known: by their names.
        run_other: does the work of a program that nobody here knows; `None` where it was not done.
    """

    is_busybox: bool
    known: dict[str, Main] = field(default_factory=dict)
    run_other: Callable[[Process], int | None] = lambda _process: None

    def find(self, name: str) -> Main | None:
        """Return a program by its name."""
        return self.known.get(name)
