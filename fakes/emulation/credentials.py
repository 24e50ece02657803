"""Who a process works for (credentials(7))."""

from __future__ import annotations

from typing import NamedTuple


class Credentials(NamedTuple):
    """Who a process works for."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()

    def is_in(self, gid: int) -> bool:
        """Tell whether a group is one of its."""
        return gid == self.gid or gid in self.groups
