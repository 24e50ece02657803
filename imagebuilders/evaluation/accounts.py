"""Who `--chown` and USER name: `app:staff`, `1000:1000`, `:staff`.

Names are looked up in the files of the tree that is written into. One that is not there is no
error for BuildKit: the user is root then, the group the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from imagebuilders.exceptions import EvaluationError
from imagebuilders.lazy_dataclass import dataclass

MAX_FILE_BYTES = 10 * 1024**2
"""The most bytes of `/etc/passwd` and `/etc/group` that are read."""

UNCHANGED = 2**32 - 1
"""The number that stands for -1, by which the system leaves an owner as it is."""

_NUMBER = re.compile(r"[+-]?[0-9]+\Z")


@dataclass(frozen=True)
class Owner:
    """An owner as it is written: a number or a name each.

    Attributes:
        user: who.
        group: the group; `None` if nothing was said of it.
    """

    user: int | str
    group: int | str | None = None

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Read `USER`, `USER:GROUP` or `:GROUP`."""
        user, colon, group = text.partition(":")
        return cls(_parsed(user), _parsed(group) if colon else None)

    @property
    def has_names(self) -> bool:
        """Whether something has to be looked up."""
        return isinstance(self.user, str) or isinstance(self.group, str)

    def resolve(self, read: Callable[[str], bytes | None] | None) -> tuple[int, int]:
        """Return the numbers of user and group.

        Args:
            read: returns what is in a file of the tree, `None` if there is no such file. `None`
                if there is no tree yet in which names could be looked up.

        Raises:
            EvaluationError: a name has to be looked up, and there is no tree; from `read`.
        """
        if self.has_names and read is None:
            raise EvaluationError("invalid user index: -1")
        uid = gid = 0
        if isinstance(self.user, int):
            uid = gid = self.user
        elif read is not None:
            found = _find(read("etc/passwd"), self.user, 4)
            if found:
                uid, gid = _atoi(found[2]), _atoi(found[3])
        if isinstance(self.group, int):
            gid = self.group
        elif self.group is not None and read is not None:
            found = _find(read("etc/group"), self.group, 3)
            if found:
                gid = _atoi(found[2])
        return uid & UNCHANGED, gid & UNCHANGED


def _parsed(text: str) -> int | str:
    """Return a number that Go's `strconv.ParseInt` takes for 32 bits, else the name."""
    if text in ("", "root"):
        return 0
    if _NUMBER.match(text) and len(text) < 20 and -(2**31) <= int(text) < 2**31:
        return int(text) & UNCHANGED
    return text


def _find(content: bytes | None, name: str, fields: int) -> list[str] | None:
    """Return the fields of the first line that begins with a name."""
    for parts in _lines(content or b""):
        if parts[0] == name:
            return parts + [""] * (fields - len(parts))
    return None


def _lines(content: bytes) -> Iterator[list[str]]:
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        text = line.strip()
        if text:
            yield text.split(":")


def _atoi(text: str) -> int:
    """Return a number as Go's `strconv.Atoi` reads it; 0 for what is none."""
    return int(text) if _NUMBER.match(text) and len(text) < 20 else 0
