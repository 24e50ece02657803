"""The folders that a runtime mounts into each container: devices, and what the kernel shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


# Folders of the kernel that scripts go to, not all that there are.
_KERNEL = {
    "proc": (
        "1",
        "fs",
        "irq",
        "sys",
        "sys/fs",
        "sys/kernel",
        "sys/net",
        "sys/vm",
        "sysvipc",
        "tty",
    ),
    "sys": (
        *("block", "bus", "class", "class/net", "dev", "devices", "firmware", "fs", "fs/cgroup"),
        *("kernel", "module", "power"),
    ),
}
_CONTROL_GROUP = {
    "cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc",
    "cgroup.type": "domain",
    "cpu.max": "max 100000",
    "cpu.weight": "100",
    "cpuset.cpus": "",
    "memory.high": "max",
    "memory.low": "0",
    "memory.max": "max",
    "memory.min": "0",
    "memory.swap.max": "max",
    "pids.max": "max",
}
"""The files of a control group that tell of limits, and what they say where there are none."""


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


def system_folders(limits: Mapping[str, str] | None = None) -> dict[str, MemoryFiles]:
    """Return them by their places, without a slash at the beginning.

    Args:
        limits: what files of the control group say, by their names.
    """
    devices: Tree = {name: File("char", 0o666, device=number) for name, number in _DEVICES.items()}
    devices |= {name: File("symlink", 0o777, link=target) for name, target in _LINKS.items()}
    devices |= {name: File("dir", 0o755) for name in ("mqueue", "pts")}
    devices["shm"] = File("dir", 0o1777)
    return {
        "dev": MemoryFiles(File("dir", 0o755), devices),
        "dev/shm": MemoryFiles(),
        "proc": MemoryFiles(File("dir", 0o555), _kernel_folders("proc")),
        "sys": MemoryFiles(File("dir", 0o555), _kernel_folders("sys") | _control_group(limits)),
    }


def _kernel_folders(name: str) -> Tree:
    return {path: File("dir", 0o555) for path in _KERNEL[name]}


def _control_group(limits: Mapping[str, str] | None) -> Tree:
    return {
        f"fs/cgroup/{name}": File("file", 0o644, data=f"{text}\n".encode())
        for name, text in {**_CONTROL_GROUP, **(limits or {})}.items()
    }
