"""What an engine checks of a container before it makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import messages
from ..errors import ApiError
from ..images.config import RunConfig
from ..images.store import Image
from ..versions import EngineVersion
from .container import Container
from .merge import signal_number

_LEAST_MEMORY = 6 * 1024 * 1024
_LEAST_HEALTH_TIME = 1_000_000
_POLICIES = ("always", "unless-stopped", "on-failure", "no", "")


def check_config(config: RunConfig, version: EngineVersion) -> None:
    """Refuse a configuration that cannot be.

    Raises:
        ApiError: 400.
    """
    if config.working_dir and not config.working_dir.startswith("/"):
        raise ApiError(
            400,
            f"the working directory '{config.working_dir}' is invalid, it needs to be an "
            "absolute path",
        )
    for pair in config.env or []:
        if not pair or pair.startswith("="):
            raise ApiError(400, f"invalid environment variable: {pair}")
    if config.stop_signal and signal_number(config.stop_signal) is None:
        raise ApiError(400, messages.BAD_SIGNAL(version, config.stop_signal))
    _check_health(config.healthcheck or {})


def _check_health(health: dict[str, Any]) -> None:
    for name in ("Interval", "Timeout", "StartPeriod", "StartInterval"):
        if 0 != (health.get(name) or 0) < _LEAST_HEALTH_TIME:
            raise ApiError(400, f"{name} in Healthcheck cannot be less than 1ms")
    if (health.get("Retries") or 0) < 0:
        raise ApiError(400, "Retries in Healthcheck cannot be negative")


def check_host(
    host: dict[str, Any],
    config: RunConfig,
    version: EngineVersion,
    find: Callable[[str], Container],
) -> None:
    """Refuse settings of the host that cannot be.

    Raises:
        ApiError: 400.
    """
    policy = host.get("RestartPolicy") or {}
    _check_policy(policy, version)
    if host.get("AutoRemove") and policy.get("Name") not in (None, "", "no"):
        raise ApiError(400, "can't create 'AutoRemove' container with restart policy")
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    if 0 < memory < _LEAST_MEMORY:
        raise ApiError(400, "Minimum memory limit allowed is 6MB")
    if 0 < swap < memory:
        raise ApiError(
            400, "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if (host.get("ShmSize") or 0) < 0:
        raise ApiError(400, "SHM size can not be less than 0")
    _check_ports(host.get("PortBindings") or {})
    for line in host.get("ExtraHosts") or []:
        if ":" not in line:
            raise ApiError(400, f'bad format for add-host: "{line}"')
    if host.get("UTSMode") == "host" and config.hostname:
        raise ApiError(400, "conflicting options: hostname and the UTS mode")
    _check_spaces(host, version)
    if (host.get("Runtime") or "runc") not in ("runc", "io.containerd.runc.v2"):
        raise ApiError(400, messages.BAD_RUNTIME(version, str(host["Runtime"])))
    for link in host.get("Links") or []:
        name = str(link).partition(":")[0]
        try:
            find(name)
        except ApiError as error:
            raise ApiError(400, f"could not get container for {name}: {error.message}") from error


def _check_policy(policy: dict[str, Any], version: EngineVersion) -> None:
    name, count = policy.get("Name") or "", policy.get("MaximumRetryCount") or 0
    if name not in _POLICIES:
        raise ApiError(400, messages.BAD_POLICY(version, name))
    if count and name != "on-failure":
        raise ApiError(400, messages.POLICY_WITHOUT_COUNT(version, name))
    if count < 0:
        raise ApiError(400, messages.NEGATIVE_COUNT(version))


def _check_ports(bindings: dict[str, Any]) -> None:
    for port, wanted in bindings.items():
        numbers = [port.partition("/")[0], *(one.get("HostPort") or "0" for one in wanted or [])]
        for number in numbers:
            if not all(part.isdigit() for part in number.split("-", 1)):
                raise ApiError(400, f'invalid port specification: "{number}"')


def _check_spaces(host: dict[str, Any], version: EngineVersion) -> None:
    """The name spaces; older engines miss a mode that is none when the container starts."""
    if version < "23.0":
        return
    known = {
        "PidMode": ("", "host"),
        "IpcMode": ("", "none", "private", "shareable", "host"),
        "UTSMode": ("", "host"),
    }
    for name, modes in known.items():
        mode = host.get(name) or ""
        shared = name != "UTSMode" and mode.startswith("container:")
        if mode not in modes and not shared:
            raise ApiError(400, f"invalid {name.removesuffix('Mode').upper()} mode: {mode}")


def warnings(host: dict[str, Any]) -> list[str]:
    """What an engine doubts of settings that it takes."""
    if host.get("NetworkMode") == "host" and host.get("PortBindings"):
        return ["Published ports are discarded when using host network mode"]
    return []


def check_platform(
    image: Image, name: str, wanted: tuple[str, str, str], version: EngineVersion
) -> None:
    """Refuse an image that is for another platform.

    Raises:
        ApiError: 404.
    """
    document = image.parsed
    own = (document.get("os") or "linux", document.get("architecture") or "", "")
    if own[:2] != wanted[:2]:
        shown, asked = ("/".join(part for part in one if part) for one in (own, wanted))
        raise ApiError(404, messages.OTHER_PLATFORM(version, name, shown, asked))
