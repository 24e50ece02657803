"""The host's side of a container's configuration, completed as the engine does."""

from __future__ import annotations

from typing import Any

from ..versions import EngineVersion

HostConfig = dict[str, Any]

_DEFAULTS: HostConfig = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": None,
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [0, 0],
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "private",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "private",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 67108864,
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": None,
    "PidsLimit": None,
    "Ulimits": None,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
}
# Shown only when they were asked for.
_OPTIONAL = ("Annotations", "Init", "Mounts", "StorageOpt", "Sysctls", "Tmpfs")
_MASKED = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
)
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def completed(asked: HostConfig | None, version: EngineVersion) -> HostConfig:
    """What a container's document says under `HostConfig`.

    Args:
        asked: as the request has it; `None` when it has none.
        version: of the engine.
    """
    given = {key: value for key, value in (asked or {}).items() if value not in (None, "")}
    result = {**_DEFAULTS, **{key: given[key] for key in given if key in _DEFAULTS}}
    result |= {key: given[key] for key in _OPTIONAL if given.get(key)}
    result["Links"] = result["Links"] or None
    result["ShmSize"] = result["ShmSize"] or _DEFAULTS["ShmSize"]
    result["LogConfig"] = _log_config(given.get("LogConfig") or {})
    result["RestartPolicy"] = _restart_policy(given.get("RestartPolicy") or {}, version)
    result["MaskedPaths"], result["ReadonlyPaths"] = _paths(version)
    if result["Privileged"]:
        result["MaskedPaths"] = result["ReadonlyPaths"] = None
    if result["PortBindings"]:
        result["PortBindings"] = {
            port: [{"HostIp": "", "HostPort": "", **one} for one in bindings or []]
            for port, bindings in result["PortBindings"].items()
        }
    if result["Memory"] and not result["MemorySwap"]:
        result["MemorySwap"] = 2 * result["Memory"]
    if "host" in (result["PidMode"], result["IpcMode"]) or result["Privileged"]:
        result["SecurityOpt"] = [*(result["SecurityOpt"] or []), "label=disable"]
    if version >= "23.0":
        if result["NetworkMode"] == "default":
            result["NetworkMode"] = "bridge"
    else:
        result |= {"KernelMemory": 0, "KernelMemoryTCP": 0}
    # Without settings an old engine decides for a runtime only when the container starts.
    if asked is not None or version >= "23.0":
        result["Runtime"] = given.get("Runtime", "runc")
    return result


def _log_config(given: dict[str, Any]) -> dict[str, Any]:
    return {"Type": given.get("Type") or "json-file", "Config": given.get("Config") or {}}


def _restart_policy(given: dict[str, Any], version: EngineVersion) -> dict[str, Any]:
    default = "no" if version >= "23.0" else ""
    return {
        "Name": given.get("Name") or default,
        "MaximumRetryCount": given.get("MaximumRetryCount") or 0,
    }


def _paths(version: EngineVersion) -> tuple[list[str], list[str]]:
    """What of the kernel's files is hidden and what cannot be written."""
    masked: list[str] = list(_MASKED)
    if version >= "23.0":
        masked.append("/sys/devices/virtual/powercap")
    if version >= "28.0":
        masked.insert(2, "/proc/interrupts")
    return masked, list(_READONLY)
