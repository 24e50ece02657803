"""Where what a container may have ends: the last value that is taken, the first that is not."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine

MIB, MS, NANO = 1024 * 1024, 1_000_000, 1_000_000_000
_LEAST_MEMORY = "Minimum memory limit allowed is 6MB"


def _refusal(document: dict[str, Any], version: str = "28.5") -> str:
    """Return what an engine says against a container; nothing when it makes it."""
    engine = FakeDockerEngine(version=version)
    engine.seed_image("base")
    client = FakeDockerClient(engine)
    try:
        address = f"{client.api.base_url}/containers/create"
        answer = client.api.post(address, json={"Image": "base", **document})
    finally:
        client.close()
    if answer.status_code == 201:
        return ""
    assert answer.status_code == 400
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    ("taken", "refused", "words"),
    [
        ({"Memory": 6 * MIB}, {"Memory": 6 * MIB - 1}, _LEAST_MEMORY),
        ({"Memory": 0}, {"Memory": 1}, _LEAST_MEMORY),
        (
            {"Memory": 8 * MIB, "MemorySwap": 8 * MIB},
            {"Memory": 8 * MIB, "MemorySwap": 8 * MIB - 1},
            "memoryswap limit should be larger than memory limit",
        ),
        ({"MemorySwap": -1}, {"MemorySwap": 1}, "always set the Memory limit"),
        ({"MemorySwappiness": 100}, {"MemorySwappiness": 101}, "Invalid value: 101, valid memory"),
        ({"MemorySwappiness": -1}, {"MemorySwappiness": -2}, "Invalid value: -2, valid memory"),
        ({"MemorySwappiness": 0}, {"MemorySwappiness": 500}, "swappiness range is 0-100"),
        (
            {"MemoryReservation": 6 * MIB},
            {"MemoryReservation": 6 * MIB - 1},
            "Minimum memory reservation allowed is 6MB",
        ),
        (
            {"Memory": 8 * MIB, "MemoryReservation": 8 * MIB},
            {"Memory": 8 * MIB, "MemoryReservation": 8 * MIB + 1},
            "can not be less than memory reservation limit",
        ),
        ({"OomScoreAdj": 1000}, {"OomScoreAdj": 1001}, "range for oom score adj is [-1000, 1000]"),
        ({"OomScoreAdj": -1000}, {"OomScoreAdj": -1001}, "range for oom score adj"),
        ({"NanoCpus": 8 * NANO}, {"NanoCpus": 8 * NANO + 1}, "range of CPUs is from 0.01 to 8.00"),
        ({"NanoCpus": 1}, {"NanoCpus": -1}, "range of CPUs"),
        ({"NanoCpus": NANO}, {"NanoCpus": NANO, "CpuPeriod": 1000}, "Nano CPUs and CPU Period"),
        ({"CpuQuota": 1000}, {"NanoCpus": NANO, "CpuQuota": 1000}, "Nano CPUs and CPU Quota"),
        ({"CpuPeriod": 1000}, {"CpuPeriod": 999}, "CPU cfs period can not be less than 1ms"),
        ({"CpuPeriod": 1_000_000}, {"CpuPeriod": 1_000_001}, "or larger than 1s"),
        ({"CpuQuota": 1000}, {"CpuQuota": 999}, "CPU cfs quota can not be less than 1ms"),
        ({"CpuQuota": -1}, {"CpuQuota": 1}, "CPU cfs quota"),
        ({"CpuShares": 0}, {"CpuShares": -1}, "invalid CPU shares (-1)"),
        ({"CpusetCpus": "0-7"}, {"CpusetCpus": "0-8"}, "requested 0-8, available: 0-7"),
        ({"CpusetCpus": "7,0-1"}, {"CpusetCpus": "8"}, "Requested CPUs are not available"),
        ({"CpusetCpus": "1-1"}, {"CpusetCpus": "2-1"}, "invalid format: 2-1"),
        ({"CpusetMems": "0"}, {"CpusetMems": "1"}, "memory nodes are not available - requested 1"),
        ({"CpusetMems": "0-0"}, {"CpusetMems": "x"}, "Invalid value x for cpuset mems"),
    ],
)
def test_limits(taken: dict[str, Any], refused: dict[str, Any], words: str) -> None:
    """Memory, processors and scores."""
    assert _refusal({"HostConfig": taken}) == ""
    assert words in _refusal({"HostConfig": refused})


@pytest.mark.parametrize("name", ["Interval", "Timeout", "StartPeriod", "StartInterval"])
def test_times_of_health_checks(name: str) -> None:
    """They are a millisecond or longer, or left out."""
    for time, words in [
        (0, ""),
        (MS, ""),
        (MS - 1, f"{name} in Healthcheck cannot be less than 1ms"),
        (1, f"{name} in Healthcheck cannot be less than 1ms"),
        (-1, f"{name} in Healthcheck cannot be less than 1ms"),
    ]:
        assert _refusal({"Healthcheck": {"Test": ["CMD", "x"], name: time}}) == words


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Healthcheck": {"Test": ["CMD", "x"], "Retries": 0}}, ""),
        ({"Healthcheck": {"Test": ["CMD", "x"], "Retries": -1}}, "Retries in Healthcheck cannot"),
        ({"WorkingDir": "/x"}, ""),
        ({"WorkingDir": "x"}, "the working directory 'x' is invalid"),
        ({"Env": ["a", "a=b", "a="]}, ""),
        ({"Env": ["a", ""]}, "invalid environment variable: "),
        ({"Env": ["=a"]}, "invalid environment variable: =a"),
    ],
)
def test_settings(document: dict[str, Any], words: str) -> None:
    """Of the container's own."""
    found = _refusal(document)
    assert found.startswith(words)
    assert bool(found) is bool(words)


def test_kernel_memory_of_older_engines() -> None:
    """Newer ones do not know it any more."""
    for size, words in [(6 * MIB, ""), (6 * MIB - 1, "Minimum kernel memory limit allowed is 6MB")]:
        assert _refusal({"HostConfig": {"KernelMemory": size}}, "20.10") == words
    assert _refusal({"HostConfig": {"KernelMemory": 1}}, "26.1") == ""
