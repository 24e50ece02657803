"""All programs, by the names that they have in an image."""

from __future__ import annotations

from ..process import Main, Programs
from ..shell.dialect import BASH, BUSYBOX, DASH
from ..shell.main import shell_main


def make_programs(*, is_busybox: bool) -> Programs:
    """Return the programs of busybox, or those of Debian."""
    from .accounts import known as accounts
    from .archives import known as archives
    from .files import known as files
    from .machine import known as machine
    from .text import known as text

    found: dict[str, Main] = {}
    for part in (files, text, machine, accounts, archives):
        found.update(part.programs(is_busybox=is_busybox))
    if is_busybox:
        shell = shell_main(BUSYBOX)
        found.update(dict.fromkeys(("sh", "ash", "busybox"), shell))
    else:
        found["sh"] = found["dash"] = shell_main(DASH)
        found["bash"] = found["rbash"] = shell_main(BASH)
    return Programs(is_busybox, found)
