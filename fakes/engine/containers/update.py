"""Limits and restart policies that are given to containers afterwards."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..versions import EngineVersion
from .checks import check_policy
from .container import Container
from .resources import check_resources


def update(container: Container, asked: dict[str, Any], version: EngineVersion) -> None:
    """Change what a container may use, and when it is started again.

    Args:
        container: which.
        asked: limits by their names, and `RestartPolicy`; what is 0 or empty stays as it is.
        version: of the engine.

    Raises:
        ApiError: 400 when a value cannot be, 409 when it contradicts what the container has.
    """
    policy = asked.get("RestartPolicy") or {}
    check_policy(policy, version)
    check_resources(asked, version, update=True)
    host = container.host_config
    refused = f"Cannot update container {container.id}: "
    if host.get("AutoRemove") and policy.get("Name") not in (None, "", "no"):
        raise ApiError(
            409,
            f"{refused}Restart policy cannot be updated because AutoRemove is enabled for the "
            "container",
        )
    memory, swap = asked.get("Memory") or 0, asked.get("MemorySwap") or 0
    if memory and not swap and memory > (host.get("MemorySwap") or 0) >= 0:
        raise ApiError(
            409,
            f"{refused}Memory limit should be smaller than already set memoryswap limit, update "
            "the memoryswap at the same time",
        )
    host |= {name: value for name, value in asked.items() if value and name in host}
    if policy.get("Name"):
        host["RestartPolicy"] = {"MaximumRetryCount": 0, **policy}
