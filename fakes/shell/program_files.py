"""The programs of images that a double made up: files that stand for what an emulation knows."""

from __future__ import annotations

from collections.abc import Iterable

PROGRAM = b"\x7fELF\x02\x01\x01 a program of the double\n"
"""What is in such a file; an image that has one has all other programs, too, if nobody asks."""

BUSYBOX_NAMES = ("busybox", "alpine")
"""What the last part of an image's name begins with whose programs are busybox's."""

_SYSTEM = frozenset(
    [
        *("addgroup", "adduser", "chgpasswd", "chpasswd", "chroot", "delgroup", "deluser"),
        *("groupadd", "groupdel", "groupmod", "nologin", "useradd", "userdel", "usermod"),
    ]
)


def is_busybox_name(image: str) -> bool:
    """Return whether the programs of an image are busybox's, as far as its name says it."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.startswith(BUSYBOX_NAMES) or "alpine" in name


def program_files(names: Iterable[str], *, is_busybox: bool) -> dict[str, bytes]:
    """Return files that stand for programs, by path without a leading slash."""
    if is_busybox:
        paths = {f"bin/{name}" for name in (*names, "busybox")}
    else:
        paths = {f"usr/sbin/{name}" if name in _SYSTEM else f"bin/{name}" for name in names}
        paths.add("usr/bin/env")
    return dict.fromkeys(sorted(paths), PROGRAM)
