"""Changes to /etc/passwd, /etc/group and their shadows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...accounts import GROUP, GSHADOW, PASSWD, SHADOW

if TYPE_CHECKING:
    from ...process import Process


class Database:
    """The lines of one file, by the name in their first field.

    Args:
        process: who changes it.
        path: the file.
    """

    def __init__(self, process: Process, path: str) -> None:
        self._process = process
        self.path = path
        files = process.system.files
        self.exists = files.exists(process, path)
        data = files.read_file(process, path) if self.exists else b""
        self._before = data
        self.lines = [line.split(":") for line in data.decode("latin-1").splitlines() if line]

    def find(self, name: str) -> list[str] | None:
        """Return the fields of a line."""
        return next((line for line in self.lines if line[0] == name), None)

    def numbers(self, column: int = 2) -> set[int]:
        """Return all numbers that are taken."""
        return {
            int(line[column])
            for line in self.lines
            if len(line) > column and line[column].isdigit()
        }

    def add(self, *fields: str) -> None:
        """Add a line."""
        self.lines.append(list(fields))

    def remove(self, name: str) -> None:
        """Take a line away."""
        self.lines = [line for line in self.lines if line[0] != name]

    def save(self, *, backup: bool = True, only_if_there: bool = True) -> None:
        """Write the file, and what it was to the one with a dash behind its name."""
        if not self.exists and only_if_there:
            return
        files = self._process.system.files
        data = "".join(":".join(line) + "\n" for line in self.lines).encode("latin-1")
        if data == self._before:
            return
        if self.exists:
            status = files.status(self._process, self.path)
            if backup:
                self._copy_to(f"{self.path}-", self._before, status.mode)
                files.set_time(
                    self._process, f"{self.path}-", status.mtime + status.nanoseconds / 1e9
                )
            new = f"{self.path}+"
            files.write_file(self._process, new, data)
            files.set_owner(self._process, new, status.uid, status.gid)
            files.set_mode(self._process, new, status.mode)
            files.rename(self._process, new, self.path)
        else:
            files.write_file(self._process, self.path, data)

    def _copy_to(self, path: str, data: bytes, mode: int) -> None:
        files = self._process.system.files
        status = files.status(self._process, self.path)
        if files.exists(self._process, path, follow=False):
            files.remove_file(self._process, path)
        files.write_file(self._process, path, data)
        files.set_owner(self._process, path, status.uid, status.gid)
        files.set_mode(self._process, path, mode)


class Databases:
    """All four files."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.users = Database(process, PASSWD)
        self.groups = Database(process, GROUP)
        self.shadows = Database(process, SHADOW)
        self.group_shadows = Database(process, GSHADOW)

    @property
    def today(self) -> str:
        """The day, as shadow(5) counts them."""
        return str(int(self._process.system.now() // 86_400))

    def add_group(self, name: str, gid: int, members: str = "") -> None:
        """Add a group, and its shadow."""
        self.groups.add(name, "x", str(gid), members)
        self.group_shadows.add(name, "!", "", members)

    def add_member(self, group: str, user: str) -> bool:
        """Let an account be a member of a group; whether it was not."""
        changed = False
        for database in (self.groups, self.group_shadows):
            line = database.find(group)
            if line is None:
                continue
            members = [one for one in line[3].split(",") if one]
            if user not in members:
                members.append(user)
                line[3] = ",".join(members)
                changed = True
        return changed

    def drop_member(self, group: str, user: str) -> bool:
        """Let an account be no member any more; whether it was one."""
        changed = False
        for database in (self.groups, self.group_shadows):
            line = database.find(group)
            if line is not None and user in line[3].split(","):
                line[3] = ",".join(one for one in line[3].split(",") if one and one != user)
                changed = True
        return changed

    def rename_member(self, old: str, new: str | None) -> None:
        """Rename an account in all groups, or take it out of them."""
        for database in (self.groups, self.group_shadows):
            for line in database.lines:
                if len(line) < 4:
                    continue
                members = line[3].split(",")
                if old in members:
                    line[3] = ",".join(
                        one
                        for one in (new if member == old else member for member in members)
                        if one
                    )

    def save(self, *, backup: bool = True) -> None:
        """Write what has changed."""
        for database in (self.users, self.shadows, self.groups, self.group_shadows):
            database.save(backup=backup)


def free_number(taken: set[int], first: int, last: int, *, downwards: bool = False) -> int | None:
    """Return a number that is not taken."""
    numbers = range(last, first - 1, -1) if downwards else range(first, last + 1)
    return next((number for number in numbers if number not in taken), None)


def next_number(taken: set[int], first: int, last: int, *, downwards: bool = False) -> int | None:
    """Return the number after the ones that are taken, as shadow's tools choose it."""
    inside = [number for number in taken if first <= number <= last]
    if not inside:
        return last if downwards else first
    candidate = min(inside) - 1 if downwards else max(inside) + 1
    if first <= candidate <= last:
        return candidate
    return free_number(taken, first, last, downwards=downwards)
