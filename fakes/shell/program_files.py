"""The programs of images that a double made up: files that stand for what an emulation knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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

_DEBIAN_SETTINGS: Mapping[str, bytes] = {
    "etc/debian_version": b"12.12\n",
    "etc/default/useradd": b"SHELL=/bin/sh\n",
    "etc/login.defs": b"UMASK\t\t022\nUID_MIN\t\t1000\nUID_MAX\t\t60000\n",
    "etc/os-release": b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n'
    b'VERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n',
    "etc/skel/.bash_logout": b"# What bash does at the end of a login.\n",
    "etc/skel/.bashrc": b"# What bash does when it is used by hand.\n",
    "etc/skel/.profile": b"# What a shell does at a login.\n",
}
"""What scripts look at in Debian, and what its tools for accounts copy and heed."""


def is_busybox_name(image: str) -> bool:
    """Return whether the programs of an image are busybox's, as far as its name says it."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.startswith(BUSYBOX_NAMES) or "alpine" in name


def program_files(names: Iterable[str], *, is_busybox: bool) -> dict[str, bytes]:
    """Return files that stand for programs, and their settings, by path without leading slash."""
    if is_busybox:
        paths = {f"bin/{name}" for name in (*names, "busybox")}
    else:
        paths = {f"usr/sbin/{name}" if name in _SYSTEM else f"bin/{name}" for name in names}
        paths.add("usr/bin/env")
    settings = {} if is_busybox else _DEBIAN_SETTINGS
    return {**dict.fromkeys(sorted(paths), PROGRAM), **settings}
