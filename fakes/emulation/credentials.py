"""Who a process works for (credentials(7))."""

from __future__ import annotations

from typing import NamedTuple


class Credentials(NamedTuple):
    """Who a process works for.

    Attributes:
        uid: the user.
        gid: its first group.
        groups: all of its groups.
        lacks: capabilities that root is not given here, as in `CHOWN` (capabilities(7)).
    """

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    lacks: frozenset[str] = frozenset()

    def can(self, capability: str) -> bool:
        """Tell whether it is root and has a capability."""
        return not self.uid and capability not in self.lacks

    def is_in(self, gid: int) -> bool:
        """Tell whether a group is one of its."""
        return gid == self.gid or gid in self.groups
