"""Capabilities and options of security that an engine refuses."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..versions import ByVersion, EngineVersion

_CAPABILITIES = frozenset(
    f"CAP_{name}"
    for name in [
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "PERFMON",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
    ]
)
_ALONE = frozenset({"no-new-privileges", "disable"})
_WITH_VALUE = frozenset({"label", "apparmor", "seccomp"})
_BOOLEAN = ByVersion(
    frozenset({"no-new-privileges"}), {"28.0": frozenset({"no-new-privileges", "writable-cgroups"})}
)


def check_capabilities(host: dict[str, Any]) -> None:
    """Refuse capabilities that the kernel does not have.

    Raises:
        ApiError: 400.
    """
    for field in ("CapAdd", "CapDrop"):
        for given in host.get(field) or []:
            name = str(given).upper()
            if name == "ALL":
                continue
            name = name if name.startswith("CAP_") else f"CAP_{name}"
            if name not in _CAPABILITIES:
                raise ApiError(400, f'invalid {field}: unknown capability: "{name}"')


def check_cgroup_mode(host: dict[str, Any]) -> None:
    """Refuse a name space of cgroups that is neither of the two.

    Raises:
        ApiError: 400.
    """
    mode = host.get("CgroupnsMode") or ""
    if mode not in ("", "private", "host"):
        raise ApiError(400, f"invalid cgroup namespace mode: {mode}")


def check_options(host: dict[str, Any], version: EngineVersion) -> None:
    """Refuse options of security that nobody knows.

    Raises:
        ApiError: 500.
    """
    for option in host.get("SecurityOpt") or []:
        if option in _ALONE:
            continue
        separator = "=" if "=" in option else ":"
        name, found, value = str(option).partition(separator)
        if not found:
            raise ApiError(500, f'invalid --security-opt 1: "{option}"')
        is_boolean = value.lower() in ("1", "t", "true", "0", "f", "false")
        if name not in _WITH_VALUE and not (name in _BOOLEAN.of(version) and is_boolean):
            raise ApiError(500, f'invalid --security-opt 2: "{option}"')
