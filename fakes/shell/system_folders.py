"""The folders that a runtime mounts into each container: devices, and what the kernel shows."""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.oci.file_tree import File, Tree

from .places import MemoryFiles

_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_LINKS = {
    "core": "/proc/kcore",
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}


def common_hosts(*, is_long: bool = False) -> list[tuple[str, str]]:
    """Return the addresses and names of /etc/hosts that every container has.

    Args:
        is_long: as engines wrote two of the addresses until 26.0.
    """
    end = "0" if is_long else ""
    return [
        ("127.0.0.1", "localhost"),
        ("::1", "localhost ip6-localhost ip6-loopback"),
        (f"fe00::{end}", "ip6-localnet"),
        (f"ff00::{end}", "ip6-mcastprefix"),
        ("ff02::1", "ip6-allnodes"),
        ("ff02::2", "ip6-allrouters"),
    ]


def hosts_file(lines: Iterable[tuple[str, str]], now: int) -> MemoryFiles:
    """Return /etc/hosts with addresses and names, of a time in seconds since the epoch."""
    text = "".join(f"{address}\t{names}\n" for address, names in lines)
    return memory_file(text, now)


def memory_file(text: str, now: int) -> MemoryFiles:
    """Return a file that is mounted alone."""
    return MemoryFiles(File("file", 0o644, 0, 0, now, text.encode()))


def system_folders() -> dict[str, MemoryFiles]:
    """Return them by their places, without a slash at the beginning."""
    devices: Tree = {name: File("char", 0o666, device=number) for name, number in _DEVICES.items()}
    devices |= {name: File("symlink", 0o777, link=target) for name, target in _LINKS.items()}
    devices |= {name: File("dir", 0o755) for name in ("mqueue", "pts")}
    devices["shm"] = File("dir", 0o1777)
    return {
        "dev": MemoryFiles(File("dir", 0o755), devices),
        "dev/shm": MemoryFiles(),
        "proc": MemoryFiles(File("dir", 0o555)),
        "sys": MemoryFiles(File("dir", 0o555)),
    }
