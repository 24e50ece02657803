"""What a container's processes may not do, and how much they may have, as it was created."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ...shell.machines import Confinement
from ..versions import ByVersion, EngineVersion

HostConfig = dict[str, Any]

_GIVEN = frozenset({"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "MKNOD"})
"""Capabilities that containers have if nothing else is wanted, and that the emulation looks at."""
_ALL = "ALL"
_BLOCK, _KIB = 512, 1024
_LIMITS = {
    "as": ("v", _KIB),
    "core": ("c", _BLOCK),
    "cpu": ("t", 1),
    "data": ("d", _KIB),
    "fsize": ("f", _BLOCK),
    "memlock": ("l", _KIB),
    "nofile": ("n", 1),
    "nproc": ("u", 1),
    "rss": ("m", _KIB),
    "stack": ("s", _KIB),
}
"""The letters of limits in a shell, and its units in those of the system."""
_MOST_SHARES, _MOST_WEIGHT = 262_144, 10_000
_PERIOD = 100_000
"""The microseconds in which processors are shared out if nothing else is wanted."""


def confinement(host: HostConfig) -> Confinement:
    """Return what the processes of a container are confined to."""
    return Confinement(_dropped(host), dict(_limits(host.get("Ulimits") or [])))


def _dropped(host: HostConfig) -> frozenset[str]:
    added = _names(host.get("CapAdd") or [])
    dropped = _names(host.get("CapDrop") or [])
    if host.get("Privileged"):
        return frozenset()
    if _ALL in dropped:
        return frozenset() if _ALL in added else _GIVEN - added
    return _GIVEN & (dropped if _ALL in added else dropped - added)


def _names(given: Iterable[object]) -> frozenset[str]:
    return frozenset(str(name).upper().removeprefix("CAP_") for name in given)


def _limits(ulimits: Iterable[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    for limit in ulimits:
        letter, unit = _LIMITS.get(str(limit.get("Name")).lower(), ("", 1))
        if letter:
            yield letter, _shown(limit.get("Soft") or 0, unit)
            yield f"H{letter}", _shown(limit.get("Hard") or 0, unit)


def _shown(value: int, unit: int) -> str:
    return "unlimited" if value < 0 else str(value // unit)


def control_group(host: HostConfig, version: EngineVersion) -> dict[str, str]:
    """Return what the limits of a container are in its control group, by the names of files.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html; the runtime turns what engines
    are asked for into that.
    """
    found: dict[str, str] = {}
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    if memory > 0:
        found["memory.max"] = str(memory)
        found["memory.swap.max"] = "max" if swap < 0 else str((swap or 2 * memory) - memory)
    if reserved := host.get("MemoryReservation") or 0:
        found["memory.low"] = str(reserved)
    if shares := host.get("CpuShares") or 0:
        found["cpu.weight"] = str(_WEIGHT.of(version)(shares))
    period = host.get("CpuPeriod") or _PERIOD
    quota = host.get("CpuQuota") or (host.get("NanoCpus") or 0) * period // 10**9
    if quota > 0 or period != _PERIOD:
        found["cpu.max"] = f"{quota if quota > 0 else 'max'} {period}"
    if cpus := host.get("CpusetCpus"):
        found["cpuset.cpus"] = str(cpus)
    if (processes := host.get("PidsLimit") or 0) > 0:
        found["pids.max"] = str(processes)
    return found


def _linear_weight(shares: int) -> int:
    return 1 + (min(shares, _MOST_SHARES) - 2) * (_MOST_WEIGHT - 1) // (_MOST_SHARES - 2)


def _quadratic_weight(shares: int) -> int:
    """Return the weight on a curve that meets least, usual and most of both scales."""
    if shares <= 2:
        return 1
    if shares >= _MOST_SHARES:
        return _MOST_WEIGHT
    bits = math.log2(shares)
    return math.ceil(10 ** ((bits * bits + 125 * bits) / 612 - 7 / 34))


_WEIGHT = ByVersion(_linear_weight, {"28.5": _quadratic_weight})
"""Since runc 1.3.2 the usual share is the usual weight."""
