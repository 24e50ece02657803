"""`ls`."""

from __future__ import annotations

import stat as modes
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ...accounts import Accounts
from ..options import Options

if TYPE_CHECKING:
    from ...file_system import Status
    from ...process import Process

_HALF_A_YEAR = 15_778_476


def ls(process: Process) -> int:
    """List folders and files."""
    return _Listing(process).run()


_LINE = 80


class _Listing:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._options = Options(
            process,
            "aAlrtSRdF1hinsCcpLHgoGkQUuXxmNbBvwT"
            if not self._busybox
            else "1aAlCdeFHhiLnpqrRsStTuUvwxXcgo",
            "all:a almost-all:A reverse:r recursive:R directory:d human-readable:h color=? "
            "full-time classify=?:F inode:i size:s numeric-uid-gid:n no-group:G "
            "group-directories-first dereference:L quote-name:Q time-style= sort= time= format= "
            "literal:N width=:w",
            code=1 if self._busybox else 2,
        )
        self._accounts = Accounts.read(process)
        self._status = 0

    def _has(self, letter: str) -> bool:
        return letter in self._options

    @property
    def _is_long(self) -> bool:
        return any(one in self._options for one in ("l", "n", "g", "o", "full-time"))

    def run(self) -> int:
        files = self._process.system.files
        operands = self._options.operands or ["."]
        plain: list[str] = []
        folders: list[str] = []
        for operand in operands:
            try:
                follows = (
                    not self._is_long or operand.endswith("/") or self._has("L") or self._has("H")
                )
                kind = files.status(self._process, operand, follow=False).kind
                if kind == "symlink" and follows and not self._has("d"):
                    try:
                        kind = files.status(self._process, operand).kind
                    except OSError:
                        if self._has("L"):
                            raise
            except OSError as error:
                if self._busybox:
                    self._process.complain(f"{operand}: {error.strerror}")
                else:
                    self._process.complain(f"cannot access '{operand}': {error.strerror}")
                self._status = 1 if self._busybox else 2
                continue
            if kind == "dir" and not self._has("d"):
                folders.append(operand)
            else:
                plain.append(operand)
        plain = self._sorted(plain, "")
        self._rows([(name, name) for name in plain], shows_total=False)
        folders = self._sorted(folders, "")
        needs_title = len(operands) > 1 or self._has("R")
        is_first = not plain
        for folder in folders:
            is_first = self._folder(folder, needs_title=needs_title, is_first=is_first)
        return self._status

    def _folder(self, folder: str, *, needs_title: bool, is_first: bool) -> bool:
        try:
            names = self._process.system.files.names(self._process, folder)
        except OSError as error:
            if self._busybox:
                self._process.complain(f"can't open '{folder}': {error.strerror}")
            else:
                self._process.complain(f"cannot open directory '{folder}': {error.strerror}")
            self._status = 1 if self._busybox else 2
            return is_first
        if not is_first:
            self._process.print("\n")
        if needs_title:
            self._process.print(f"{folder}:\n")
        if self._has("a"):
            names = [".", "..", *names]
        elif not self._has("A"):
            names = [name for name in names if not name.startswith(".")]
        names = self._sorted(names, folder)
        prefix = folder if folder.endswith("/") else f"{folder}/"
        self._rows([(name, prefix + name) for name in names], shows_total=True)
        if self._has("R"):
            for name in names:
                if name in (".", ".."):
                    continue
                if (
                    self._process.system.files.kind(self._process, prefix + name, follow=False)
                    == "dir"
                ):
                    self._folder(prefix + name, needs_title=True, is_first=False)
        return False

    def _status_of(self, path: str) -> Status | None:
        files = self._process.system.files
        try:
            return files.status(self._process, path, follow=self._has("L"))
        except OSError:
            try:
                return files.status(self._process, path, follow=False)
            except OSError:
                return None

    def _sorted(self, names: list[str], folder: str) -> list[str]:
        if self._has("U") or self._has("f"):
            return names
        prefix = folder + "/" if folder and not folder.endswith("/") else folder
        found = sorted(names)
        by = self._options.last("tSXv") or {"time": "t", "size": "S"}.get(
            self._options.value("sort") or "", ""
        )
        if by in ("t", "S"):

            def key(name: str) -> tuple[int, int]:
                status = self._status_of(prefix + name)
                if status is None:
                    return (0, 0)
                return (-status.size, 0) if by == "S" else (-status.mtime, -status.nanoseconds)

            found.sort(key=key)
        if by == "X":
            found.sort(key=lambda name: name.rpartition(".")[2] if "." in name else "")
        if self._has("group-directories-first"):
            found.sort(
                key=lambda name: (
                    self._process.system.files.kind(self._process, prefix + name) != "dir"
                )
            )
        if self._has("r"):
            found.reverse()
        return found

    def _rows(self, names: list[tuple[str, str]], *, shows_total: bool) -> None:
        rows: list[list[str]] = []
        blocks = 0
        for name, path in names:
            status = self._status_of(path)
            if status is None:
                continue
            size_blocks = 0 if status.kind == "symlink" else (status.size + 4095) // 4096 * 4
            if status.kind in ("char", "block", "fifo"):
                size_blocks = 0
            blocks += size_blocks
            cells = []
            if self._has("i"):
                cells.append(str(status.inode))
            if self._has("s"):
                cells.append(str(size_blocks))
            if self._is_long:
                cells += self._long(status)
            cells.append(self._shown(name, path, status))
            rows.append(cells)
        if shows_total and (self._is_long or self._has("s")):
            self._process.print(f"total {blocks}\n")
        if not self._is_long:
            if self._options.last("mx1C") == "m" and not self._busybox and rows:
                self._process.print(_with_commas([" ".join(row) for row in rows]))
                return
            for row in rows:
                self._process.print(" ".join(row) + "\n")
            return
        widths = (
            [max((len(row[place]) for row in rows), default=0) for place in range(len(rows[0]) - 1)]
            if rows
            else []
        )
        for row in rows:
            self._process.print(self._line(row, widths) + "\n")

    def _line(self, row: list[str], widths: list[int]) -> str:
        cells = []
        offset = int(self._has("i")) + int(self._has("s"))
        for place, cell in enumerate(row[:-1]):
            column = place - offset
            if self._busybox:
                wide = {0: 10, 1: 4, 2: 8, 3: 8, 4: 9}.get(column, 0)
                left = column in (0, 2, 3, 5)
                cells.append(cell.ljust(wide) if left else cell.rjust(wide))
            else:
                left = column in (0,) or (
                    column > 1 and not cell.isdigit() and column < len(row) - offset - 3
                )
                cells.append(cell.ljust(widths[place]) if left else cell.rjust(widths[place]))
        return " ".join([*cells, row[-1]])

    def _long(self, status: Status) -> list[str]:
        numeric = self._has("n")
        owner = str(status.uid) if numeric else self._accounts.user_name(status.uid)
        group = str(status.gid) if numeric else self._accounts.group_name(status.gid)
        size = str(status.size)
        if status.kind in ("char", "block"):
            size = f"{status.device[0]}, {status.device[1]}"
        elif self._has("h"):
            size = human(status.size)
        cells = [modes.filemode(status.full_mode), str(status.links)]
        if not self._has("g"):
            cells.append(owner)
        if not self._has("o") and not self._has("G"):
            cells.append(group)
        return [*cells, size, self._time(status)]

    def _time(self, status: Status) -> str:
        moment = datetime.fromtimestamp(status.mtime, timezone.utc)
        if self._has("full-time") or self._options.value("time-style") == "full-iso":
            return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{status.nanoseconds:09d} +0000"
        if (self._options.value("time-style") or "").startswith("+"):
            return moment.strftime((self._options.value("time-style") or "")[1:])
        if self._options.value("time-style") == "long-iso":
            return moment.strftime("%Y-%m-%d %H:%M")
        now = self._process.system.now()
        day = f"{moment.strftime('%b')} {moment.day:2d}"
        if now - _HALF_A_YEAR < status.mtime <= now + 60:
            return f"{day} {moment.strftime('%H:%M')}"
        return f"{day}  {moment.year}"

    def _shown(self, name: str, path: str, status: Status) -> str:
        text = name
        if self._has("Q"):
            text = f'"{name}"'
        if self._is_long and status.kind == "symlink":
            target = self._process.system.files.read_link(self._process, path)
            return f"{text} -> {target}"
        if self._has("F") or self._has("p"):
            mark = {"dir": "/"}.get(status.kind, "")
            if self._has("F"):
                mark = mark or {"symlink": "@", "fifo": "|"}.get(
                    status.kind, "*" if status.kind == "file" and status.mode & 0o111 else ""
                )
            text += mark
        return text


def human(size: int) -> str:
    """Return a size as `-h` shows it."""
    value = float(size)
    for unit in ("", "K", "M", "G", "T"):
        if value < 1024 or unit == "T":
            if not unit:
                return str(size)
            return (
                f"{-(-value * 10 // 1) / 10:.1f}{unit}"
                if value < 10
                else f"{-(-value // 1):.0f}{unit}"
            )
        value /= 1024
    return str(size)


def _with_commas(names: list[str]) -> str:
    """Return names in lines of 80 letters, as `-m` has them."""
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) + 2 >= _LINE:
            lines.append("")
        lines[-1] += f"{name}, "
    return "\n".join(line.rstrip() for line in lines)[:-1] + "\n"
