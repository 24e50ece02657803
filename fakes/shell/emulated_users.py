"""Whom an emulated command works for."""

from __future__ import annotations

from collections.abc import Sequence

from ..emulation.accounts import Accounts
from ..emulation.credentials import Credentials
from .emulated_text import latin


def _group(accounts: Accounts, name: str) -> int:
    group = accounts.group(int(name) if name.isdigit() else latin(name))
    if group is not None:
        return group.gid
    return int(name) if name.isdigit() else 0


def credentials_of(accounts: Accounts, user: str, groups: Sequence[str]) -> Credentials:
    """Return whom a command works for, as runc looks users up.

    Args:
        accounts: those of the files.
        user: a name or a number, perhaps with `:` and a group; empty for root.
        groups: further groups, by names or numbers.
    """
    name, _, group = user.partition(":")
    wanted: int | str = int(name) if name.isdigit() else latin(name) or 0
    account = accounts.user(wanted)
    if account is None:
        uid = wanted if isinstance(wanted, int) else 0
        found = Credentials(uid, 0, (0,))
    else:
        found = accounts.credentials(account)
    if group:
        gid = _group(accounts, group)
        found = Credentials(found.uid, gid, (gid,))
    more = tuple(_group(accounts, name) for name in groups)
    return found._replace(groups=tuple(dict.fromkeys((*found.groups, *more))))
