"""What lies below `/dev` in every container (runc's default devices)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.oci.file_tree import File

if TYPE_CHECKING:
    from .open_files import Caller

DEVICES = {
    (1, 3): "null",
    (1, 5): "zero",
    (1, 7): "full",
    (1, 8): "random",
    (1, 9): "urandom",
    (5, 0): "tty",
}
"""Devices that can be opened, by their numbers."""

_FILES = {f"dev/{name}": File("char", 0o666, device=numbers) for numbers, name in DEVICES.items()}
_LINKS = {
    "dev/fd": File("symlink", 0o777, link="/proc/self/fd"),
    "dev/stdin": File("symlink", 0o777, link="/proc/self/fd/0"),
    "dev/stdout": File("symlink", 0o777, link="/proc/self/fd/1"),
    "dev/stderr": File("symlink", 0o777, link="/proc/self/fd/2"),
}
_FOLDERS = frozenset(("dev", "dev/pts", "dev/shm", "proc", "proc/self", "proc/self/fd", "sys"))


def device_file(process: Caller, key: str) -> File | None:
    """Return what the system itself has at a place; `None` for what it leaves to the tree."""
    if not key.startswith(("dev", "proc", "sys")):
        return None
    if key in _FOLDERS:
        return File("dir", 0o1777 if key == "dev/shm" else 0o755)
    if key.startswith("proc/self/fd/"):
        number = key[len("proc/self/fd/") :]
        if number.isdigit() and int(number) in process.descriptors:
            path = process.descriptors[int(number)].path
            if path.startswith("/dev/") and (device := _FILES.get(path[1:])):
                return device
            return File("file" if path else "fifo", 0o600)
    return _LINKS.get(key) or _FILES.get(key)
