"""What an engine refuses only when a container starts: what is left to its runtime."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from ...go_text import quote
from .. import messages
from ..errors import ApiError
from ..versions import EngineVersion
from .container import Container
from .log_drivers import log_refusal
from .users import user_refusal

_LIMITS = frozenset(
    [
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
# The settings of the kernel that a container has of its own; with a dot those that begin so.
_SETTINGS = (
    *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall"),
    *("kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "fs.mqueue.", "net."),
    *("kernel.domainname", "kernel.hostname"),
)
_LONGEST_HOSTNAME = 64
_MEMORY_OPTIONS = frozenset(
    [
        "async",
        "atime",
        "bind",
        "dev",
        "diratime",
        "dirsync",
        "exec",
        "iversion",
        "loud",
        "mand",
        "nodev",
        "nodiratime",
        "noexec",
        "noiversion",
        "nomand",
        "norelatime",
        "nostrictatime",
        "nosuid",
        "private",
        "rbind",
        "relatime",
        "remount",
        "ro",
        "rprivate",
        "rshared",
        "rslave",
        "runbindable",
        "rw",
        "shared",
        "silent",
        "slave",
        "strictatime",
        "suid",
        "sync",
        "unbindable",
        "noatime",
        "defaults",
    ]
)
_MEMORY_VALUES = frozenset({"mode", "uid", "gid", "size", "nr_inodes", "nr_blocks", "mpol"})
_KNOWN_DEVICES = frozenset(
    f"/dev/{name}"
    for name in [
        "console",
        "full",
        "fuse",
        "kmsg",
        "kvm",
        "mem",
        "net/tun",
        "null",
        "ptmx",
        "random",
        "shm",
        "snd",
        "tty",
        "urandom",
        "zero",
        "dri",
        "vda",
        "sda",
        "loop0",
        "ttyS0",
        "ttyUSB0",
    ]
)


def check_start(container: Container, version: EngineVersion) -> None:
    """Refuse to start what the kernel would not take.

    Raises:
        ApiError: 500.
    """
    host = container.host_config
    if refusal := user_refusal(container, container.config.user):
        raise ApiError(500, refusal)
    _check_options_of_memory(host, version)
    _check_devices(host)
    _check_servers(host, version)
    if reason := log_refusal(host.get("LogConfig") or {}):
        raise ApiError(500, messages.NO_LOG(version, reason))
    if version < "28.0" and (host.get("CpuShares") or 0) < 0:
        raise ApiError(500, "shares: invalid argument")
    if reason := _refusal(container):
        raise ApiError(500, messages.NO_TASK(version, reason))


def _refusal(container: Container) -> str:
    """What the runtime says of a container; empty when it takes it."""
    host = container.host_config
    shares_network = host.get("NetworkMode") == "host"
    for name in host.get("Sysctls") or {}:
        if not any(name == one or (one[-1] == "." and name.startswith(one)) for one in _SETTINGS):
            return f"sysctl {quote(name)} is not in a separate kernel namespace"
        if shares_network and name.startswith("net."):
            return f"sysctl {quote(name)} not allowed in host network namespace"
    for limit in host.get("Ulimits") or []:
        if str(limit.get("Name")).lower() not in _LIMITS:
            return f"wrong rlimit value: RLIMIT_{str(limit.get('Name')).upper()}"
    if len(container.config.hostname) > _LONGEST_HOSTNAME:
        return (
            "unable to start container process: error during container init: sethostname: "
            "invalid argument"
        )
    return ""


def _check_options_of_memory(host: dict[str, Any], version: EngineVersion) -> None:
    for text in (host.get("Tmpfs") or {}).values():
        for option in filter(None, str(text).split(",")):
            name, found, _ = option.partition("=")
            if option not in _MEMORY_OPTIONS and not (found and name in _MEMORY_VALUES):
                shown = f'["{option}"]' if version < "23.0" else f'"{option}"'
                raise ApiError(500, f"invalid tmpfs option {shown}")


def _check_devices(host: dict[str, Any]) -> None:
    for device in host.get("Devices") or []:
        path = str(device.get("PathOnHost") or "")
        if path not in _KNOWN_DEVICES:
            raise ApiError(
                500,
                f'error gathering device information while adding custom device "{path}": '
                "no such file or directory",
            )
    for rule in host.get("DeviceCgroupRules") or []:
        if not _is_device_rule(str(rule)):
            raise ApiError(500, f"invalid device cgroup rule format: '{rule}'")
    for wanted in host.get("DeviceRequests") or []:
        driver = quote(str(wanted.get("Driver") or ""))
        groups = " ".join(f"[{' '.join(group)}]" for group in wanted.get("Capabilities") or [])
        raise ApiError(
            500, f"could not select device driver {driver} with capabilities: [{groups}]"
        )


def _is_device_rule(rule: str) -> bool:
    words = rule.split(" ")
    if len(words) != 3 or words[0] not in ("a", "b", "c") or not words[2]:
        return False
    numbers = words[1].split(":")
    return (
        len(numbers) == 2
        and all(number == "*" or number.isdigit() for number in numbers)
        and set(words[2]) <= set("rwm")
    )


def _check_servers(host: dict[str, Any], version: EngineVersion) -> None:
    for address in host.get("Dns") or []:
        if version >= "23.0" and not _is_address(str(address)):
            raise ApiError(
                500,
                f"bad nameserver address {address}: ParseAddr({quote(str(address))}): "
                "unable to parse IP",
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
