"""The ranges of numbers that an account may map (subuid(5), subgid(5))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...process import Process

_PATHS = ("/etc/subuid", "/etc/subgid")
_COUNT = 65_536


def add_subordinate_ids(process: Process, name: str) -> None:
    """Give an account ranges of its own."""
    for path, before in _databases(process):
        lines = [
            line.split(":")
            for line in before.decode("latin-1").splitlines()
            if line.count(":") == 2
        ]
        if any(line[0] == name for line in lines):
            continue
        start = max((int(line[1]) + int(line[2]) for line in lines), default=100_000)
        status = process.system.files.status(process, path)
        backup = _back_up(process, path, before)
        process.system.files.set_time(process, backup, status.mtime + status.nanoseconds / 1e9)
        line = f"{name}:{start}:{_COUNT}\n".encode("latin-1")
        process.system.files.write_file(process, path, before + line)


def drop_subordinate_ids(process: Process, name: str) -> None:
    """Take the ranges of an account away."""
    for path, before in _databases(process):
        kept = b"".join(
            line
            for line in before.splitlines(keepends=True)
            if line.split(b":")[0] != name.encode("latin-1")
        )
        if kept != before:
            _back_up(process, path, before)
            process.system.files.write_file(process, path, kept)


def _databases(process: Process) -> Iterator[tuple[str, bytes]]:
    files = process.system.files
    for path in _PATHS:
        if files.kind(process, path) == "file":
            yield path, files.read_file(process, path)


def _back_up(process: Process, path: str, data: bytes) -> str:
    """Keep what a file was, and return where."""
    files, backup = process.system.files, path + "-"
    status = files.status(process, path)
    if files.exists(process, backup, follow=False):
        files.remove_file(process, backup)
    files.write_file(process, backup, data)
    files.set_mode(process, backup, status.mode)
    return backup
