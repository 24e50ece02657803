"""The accounts and groups that a system's files name (passwd(5), group(5), shadow(5))."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .credentials import Credentials

if TYPE_CHECKING:
    from .process import Process

PASSWD, GROUP, SHADOW, GSHADOW = "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"


@dataclass(frozen=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    comment: str = ""
    home: str = "/"
    shell: str = ""


@dataclass(frozen=True)
class Group:
    """A line of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accounts:
    """All accounts and groups."""

    users: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = field(default=())

    @classmethod
    def read(cls, process: Process) -> Accounts:
        """Read them, as far as they can be read."""
        return cls(tuple(_users(_lines(process, PASSWD))), tuple(_groups(_lines(process, GROUP))))

    def user(self, who: int | str) -> Account | None:
        """Return the account of a name or number."""
        for account in self.users:
            if who == (account.uid if isinstance(who, int) else account.name):
                return account
        return None

    def group(self, which: int | str) -> Group | None:
        """Return the group of a name or number."""
        for group in self.groups:
            if which == (group.gid if isinstance(which, int) else group.name):
                return group
        return None

    def user_name(self, uid: int, default: str | None = None) -> str:
        """Return the name of a number, or the number itself."""
        account = self.user(uid)
        return account.name if account is not None else str(uid) if default is None else default

    def group_name(self, gid: int, default: str | None = None) -> str:
        """Return the name of a number, or the number itself."""
        group = self.group(gid)
        return group.name if group is not None else str(gid) if default is None else default

    def groups_of(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the groups that an account is a member of."""
        return tuple(group.gid for group in self.groups if name in group.members)

    def credentials(self, account: Account) -> Credentials:
        """Return what a login of an account works with."""
        further = self.groups_of(account.name)
        return Credentials(account.uid, account.gid, tuple(dict.fromkeys((account.gid, *further))))


def _lines(process: Process, path: str) -> list[list[str]]:
    """Read a file's lines as fields, with the rights of the system itself."""
    try:
        node = process.system.files.node(_root_of(process), path)
    except OSError:
        return []
    text = node.content().decode("latin-1")
    return [line.split(":") for line in text.splitlines() if line]


def _root_of(process: Process) -> Process:
    if not process.credentials.uid:
        return process
    from copy import copy

    root = copy(process)
    root.credentials = Credentials()
    return root


def _users(lines: list[list[str]]) -> list[Account]:
    return [
        Account(one[0], int(one[2]), int(one[3]), one[4], one[5] or "/", one[6])
        for one in (line + [""] * (7 - len(line)) for line in lines)
        if one[2].isdigit() and one[3].isdigit()
    ]


def _groups(lines: list[list[str]]) -> list[Group]:
    return [
        Group(one[0], int(one[2]), tuple(name for name in one[3].split(",") if name))
        for one in (line + [""] * (4 - len(line)) for line in lines)
        if one[2].isdigit()
    ]
