"""Limits of memory and processors that an engine refuses."""

from __future__ import annotations

import re
from typing import Any

from .. import messages
from ..errors import ApiError
from ..versions import EngineVersion

CPUS = 8
"""The processors of the machine that the engine double seems to run on."""

_LEAST_MEMORY = 6 * 1024 * 1024
_CPU_SET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_HIGHEST_IN_SET = 8192
_NANO = 1_000_000_000

HostConfig = dict[str, Any]


def check_request(host: HostConfig, version: EngineVersion) -> None:
    """Refuse what an engine refuses while it reads a request.

    Raises:
        ApiError: 400, older engines 500.
    """
    isolation = host.get("Isolation") or ""
    if isolation.lower() not in ("", "default"):
        status = 400 if version >= "28.0" else 500
        raise ApiError(status, messages.BAD_ISOLATION(version, isolation))
    for name, what in (("IOMaximumIOps", "IOPs"), ("IOMaximumBandwidth", "bandwidth")):
        if host.get(name):
            status = 400 if version >= "28.0" else 500
            raise ApiError(status, messages.BAD_QUALITY(version, what))
    if version >= "28.0" and (shares := host.get("CpuShares") or 0) < 0:
        raise ApiError(400, f"invalid CPU shares ({shares}): value must be a positive integer")


def check_resources(host: HostConfig, version: EngineVersion, *, update: bool = False) -> None:
    """Refuse limits that cannot be.

    Args:
        host: the limits by their names.
        version: of the engine.
        update: they are given to a container that has limits already.

    Raises:
        ApiError: 400.
    """
    _check_memory(host, version, update=update)
    _check_processors(host, version)
    _check_sets(host)
    score = host.get("OomScoreAdj") or 0
    if not -1000 <= score <= 1000:
        raise ApiError(400, f"Invalid value {score}, range for oom score adj is [-1000, 1000]")


def _check_memory(host: HostConfig, version: EngineVersion, *, update: bool) -> None:
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    if memory and memory < _LEAST_MEMORY:
        raise ApiError(400, "Minimum memory limit allowed is 6MB")
    if memory > 0 and 0 < swap < memory:
        raise ApiError(
            400, "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if not memory and swap > 0 and not update:
        raise ApiError(
            400, "You should always set the Memory limit when using Memoryswap limit, see usage"
        )
    swappiness = host.get("MemorySwappiness")
    if swappiness is not None and swappiness != -1 and not 0 <= swappiness <= 100:
        raise ApiError(400, f"Invalid value: {swappiness}, valid memory swappiness range is 0-100")
    reservation = host.get("MemoryReservation") or 0
    if reservation and reservation < _LEAST_MEMORY:
        raise ApiError(400, "Minimum memory reservation allowed is 6MB")
    if 0 < memory < reservation:
        raise ApiError(
            400, "Minimum memory limit can not be less than memory reservation limit, see usage"
        )
    if version < "23.0" and 0 < (host.get("KernelMemory") or 0) < _LEAST_MEMORY:
        raise ApiError(400, "Minimum kernel memory limit allowed is 6MB")


def _check_processors(host: HostConfig, version: EngineVersion) -> None:
    nano, period = host.get("NanoCpus") or 0, host.get("CpuPeriod") or 0
    quota = host.get("CpuQuota") or 0
    for other, name in ((period, "Period"), (quota, "Quota")):
        if nano and other:
            raise ApiError(400, f"Conflicting options: Nano CPUs and CPU {name} cannot both be set")
    if nano and not 0 <= nano <= CPUS * _NANO:
        raise ApiError(400, messages.BAD_CPU_COUNT(version, f"{CPUS:.2f}", CPUS))
    if period and not 1_000 <= period <= 1_000_000:
        raise ApiError(
            400,
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        )
    if 0 < quota < 1_000:
        raise ApiError(400, "CPU cfs quota can not be less than 1ms (i.e. 1000)")


def _check_sets(host: HostConfig) -> None:
    for name, short, what, count in (
        ("CpusetCpus", "cpus", "CPUs", CPUS),
        ("CpusetMems", "mems", "memory nodes", 1),
    ):
        text = host.get(name) or ""
        if not text:
            continue
        wanted = _numbers(text)
        if wanted is None:
            raise ApiError(400, f"Invalid value {text} for cpuset {short}: invalid format: {text}")
        if max(wanted) > _HIGHEST_IN_SET:
            raise ApiError(
                400,
                f"Invalid value {text} for cpuset {short}: "
                f"value of out range, maximum is {_HIGHEST_IN_SET}",
            )
        if any(number >= count for number in wanted):
            available = f"0-{count - 1}" if count > 1 else "0"
            raise ApiError(
                400,
                f"Requested {what} are not available - requested {text}, available: {available}",
            )


def _numbers(text: str) -> list[int] | None:
    """The ends of the ranges of a list of numbers; `None` when it is none."""
    if not _CPU_SET.fullmatch(text):
        return None
    ends: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if last and int(last) < int(first):
            return None
        ends += [int(first), int(last or first)]
    return ends
