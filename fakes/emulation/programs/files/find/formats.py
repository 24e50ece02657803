"""The formats of `-printf`."""

from __future__ import annotations

import posixpath
import re
import stat as modes
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ....endings import BoundReachedError
from .visit import TYPES, Visit

if TYPE_CHECKING:
    from ....accounts import Accounts
    from ....process import Process

_LETTERS = {kind: letter for letter, kind in TYPES.items()}
_DIRECTIVE = re.compile(r"%([-0#+ ]*)(\d*)(?:\.\d+)?([AT].|[a-zA-Z%])")
_WIDEST = 1_000_000


class Format:
    """Shows visits as one format says.

    Args:
        process: the process of the program.
        accounts: whose names are shown.
        pattern: the format.
    """

    def __init__(self, process: Process, accounts: Accounts, pattern: str) -> None:
        self._process = process
        self._accounts = accounts
        self._pattern = pattern

    def text(self, visit: Visit) -> str:
        """Return the text.

        Raises:
            BoundReachedError: a field is too wide.
        """
        return _DIRECTIVE.sub(lambda match: self._field(match, visit), self._pattern)

    def _field(self, match: re.Match[str], visit: Visit) -> str:
        status, letter = visit.status, match[3]
        below = visit.path[len(visit.start) :].lstrip("/")
        moment = datetime.fromtimestamp(status.mtime, timezone.utc)
        if letter[0] in "AT" and len(letter) == 2:
            text = (
                str(status.mtime) + ".0000000000"
                if letter[1] == "@"
                else moment.strftime("%" + letter[1])
            )
        else:
            link = (
                self._process.system.files.read_link(self._process, visit.path)
                if letter == "l" and status.kind == "symlink"
                else ""
            )
            text = {
                "%": "%",
                "p": visit.path,
                "P": below,
                "f": posixpath.basename(visit.path.rstrip("/")) or visit.path,
                "h": posixpath.dirname(visit.path) or ("/" if visit.path.startswith("/") else "."),
                "H": visit.start,
                "s": str(status.size),
                "m": f"{status.mode:o}",
                "M": modes.filemode(status.full_mode),
                "u": self._accounts.user_name(status.uid),
                "g": self._accounts.group_name(status.gid),
                "U": str(status.uid),
                "G": str(status.gid),
                "y": _LETTERS[status.kind],
                "d": str(visit.depth),
                "n": str(status.links),
                "i": str(status.inode),
                "l": link,
                "t": moment.strftime("%a %b %e %H:%M:%S.")
                + f"{status.nanoseconds:09d}0 {moment.year}",
                "k": str(-(-status.size // 1024)),
                "b": str(-(-status.size // 512)),
            }.get(letter, "%" + letter)
        width = int(match[2] or 0)
        if width > _WIDEST:
            raise BoundReachedError(f"a field of {_WIDEST} letters")
        return text.ljust(width) if "-" in match[1] else text.rjust(width)
