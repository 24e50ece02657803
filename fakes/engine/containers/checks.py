"""What an engine checks of a container before it makes it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from imagebuilders.oci.platform import Platform

from ...images.config import RunConfig
from ...images.image import Image
from .. import messages
from ..errors import ApiError
from ..versions import CONTAINERD, EngineVersion
from .container import Container
from .links import check_links
from .log_drivers import check_log_driver
from .merge import signal_number
from .ports import HIGHEST_PORT
from .resources import check_request, check_resources
from .security import check_capabilities, check_cgroup_mode, check_options

_LONGEST_NAME = 64
_LEAST_HEALTH_TIME = 1_000_000
_OLD_LINKS = (
    "Links on the default bridge network are deprecated and will be removed in a future release. "
    "Use a custom network instead."
)
_OLD_MEMORY = (
    "Specifying a kernel memory limit is deprecated and will be removed in a future release."
)
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
    if len(config.hostname) > _LONGEST_NAME and version >= "29.0":
        shown = f'hostname "{config.hostname}" is too long (maximum {_LONGEST_NAME} bytes)'
        raise ApiError(400, shown)
    for pair in config.env or []:
        if not pair or pair.startswith("="):
            raise ApiError(400, f"invalid environment variable: {pair}")
    if config.stop_signal and not _may_be_a_signal(config.stop_signal):
        raise ApiError(400, messages.BAD_SIGNAL(version, config.stop_signal))
    _check_health(config.healthcheck or {})


def _may_be_a_signal(text: str) -> bool:
    """Any number but zero; whether there is such a signal shows when it is sent."""
    if text.removeprefix("-").isdigit():
        return int(text) != 0
    return signal_number(text) is not None


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
    _check_network_mode(host, config, version)
    check_request(host, version)
    policy = host.get("RestartPolicy") or {}
    check_policy(policy, version)
    if host.get("AutoRemove") and policy.get("Name") not in (None, "", "no"):
        raise ApiError(400, "can't create 'AutoRemove' container with restart policy")
    check_resources(host, version)
    if (host.get("ShmSize") or 0) < 0:
        raise ApiError(400, "SHM size can not be less than 0")
    _check_ports(host.get("PortBindings") or {}, version)
    for line in host.get("ExtraHosts") or []:
        _check_extra_host(str(line))
    if version >= "23.0" and "" in (host.get("Annotations") or {}):
        raise ApiError(
            400, "invalid Annotations: the empty string is not permitted as an annotation key"
        )
    check_capabilities(host)
    check_cgroup_mode(host)
    _check_spaces(host, version, find)
    if (host.get("Runtime") or "runc") not in ("runc", "io.containerd.runc.v2"):
        raise ApiError(400, messages.BAD_RUNTIME(version, str(host["Runtime"])))
    check_log_driver(host.get("LogConfig") or {}, version)
    check_options(host, version)
    _check_storage(host, version)
    check_links(host, find)


def check_policy(policy: dict[str, Any], version: EngineVersion) -> None:
    """Refuse a restart policy that cannot be.

    Raises:
        ApiError: 400.
    """
    name, count = policy.get("Name") or "", policy.get("MaximumRetryCount") or 0
    if name not in _POLICIES:
        raise ApiError(400, messages.BAD_POLICY(version, name))
    if count and name != "on-failure" and (name or version >= "23.0"):
        raise ApiError(400, messages.POLICY_WITHOUT_COUNT(version, name))
    if count < 0:
        raise ApiError(400, messages.NEGATIVE_COUNT(version))


def _check_ports(bindings: dict[str, Any], version: EngineVersion) -> None:
    for port, wanted in bindings.items():
        inside = port.partition("/")[0]
        # A range stands for the host's ports alone.
        refused = [inside] if inside and ("-" in inside or not _is_port(inside)) else []
        hosts = (one.get("HostPort") or "0" for one in wanted or [])
        if inside.isdigit() and not int(inside) and version >= "29.0":
            refused = [port]
        for number in [*refused, *(each for each in hosts if not _is_port(each))]:
            raise ApiError(400, f'invalid port specification: "{number}"')


def _is_port(text: str) -> bool:
    """Whether a text is a port, or a range of ports."""
    ends = text.split("-", 1)
    if not all(end.isdigit() and int(end) <= HIGHEST_PORT for end in ends):
        return False
    return int(ends[0]) <= int(ends[-1])


def _check_network_mode(host: dict[str, Any], config: RunConfig, version: EngineVersion) -> None:
    """Refuse what contradicts the network of another container, or that of the host."""
    mode = host.get("NetworkMode") or ""
    shares = mode.startswith("container:")
    if mode == "container" or (shares and not mode.partition(":")[2].partition(":")[0]):
        raise ApiError(400, messages.BAD_NETWORK_MODE(version))
    published = bool(host.get("PortBindings") or host.get("PublishAllPorts"))
    links = "can't be used with links. This would result in undefined behavior"
    for wrong, reason in (
        (shares and config.hostname, "hostname and the network mode"),
        (shares and host.get("Links"), f"container type network {links}"),
        (shares and host.get("Dns"), "dns and the network mode"),
        (shares and host.get("ExtraHosts"), "custom host-to-IP mapping and the network mode"),
        (shares and published, "port publishing and the container type network mode"),
        (shares and config.exposed_ports, "port exposing and the container type network mode"),
        (host.get("UTSMode") == "host" and config.hostname, "hostname and the UTS mode"),
        (mode == "host" and host.get("Links"), f"host type networking {links}"),
    ):
        if wrong:
            raise ApiError(400, f"conflicting options: {reason}")


def _check_extra_host(line: str) -> None:
    name, found, address = line.partition(":")
    if not found or not name:
        raise ApiError(400, f'bad format for add-host: "{line}"')
    if address == "host-gateway":
        return
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise ApiError(400, f'invalid IP address in add-host: "{address}"') from error


def _check_storage(host: dict[str, Any], version: EngineVersion) -> None:
    if version.image_store == CONTAINERD:
        return  # which has no options, and does not look at them
    for name in host.get("StorageOpt") or {}:
        if name.lower() != "size":
            raise ApiError(500, f"Unknown option {name}")
        raise ApiError(
            500,
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
        )


def _check_spaces(
    host: dict[str, Any], version: EngineVersion, find: Callable[[str], Container]
) -> None:
    """The name spaces; older engines miss a mode that is none when the container starts."""
    for name in ("PidMode", "IpcMode"):
        _, shares, other = str(host.get(name) or "").partition("container:")
        if shares and other:
            try:
                find(other)
            except ApiError as error:
                raise ApiError(400, error.message) from error
    if version < "23.0":
        return
    known = {
        "PidMode": ("", "host"),
        "IpcMode": ("", "none", "private", "shareable", "host", "container:"),
        "UTSMode": ("", "host"),
    }
    for name, modes in known.items():
        mode = host.get(name) or ""
        shared = name != "UTSMode" and mode.startswith("container:") and mode != "container:"
        if mode not in modes and not shared:
            raise ApiError(400, f"invalid {name.removesuffix('Mode').upper()} mode: {mode}")


def warnings(host: dict[str, Any], version: EngineVersion) -> list[str]:
    """What an engine doubts of settings that it takes."""
    kinds = {mount.get("Type") for mount in host.get("Mounts") or []}
    of_memory = version < "23.0" and (host.get("KernelMemory") or 0) > 0
    of_images = "28.0" <= version < "29.0" and "image" in kinds
    of_ports = host.get("NetworkMode") == "host" and host.get("PortBindings")
    is_bridged = (host.get("NetworkMode") or "default") in ("default", "bridge")
    of_links = version >= "29.0" and is_bridged and host.get("Links")
    return [
        text
        for text, applies in (
            (_OLD_MEMORY, of_memory),
            ("Published ports are discarded when using host network mode", of_ports),
            (_OLD_LINKS, of_links),
            ("Image mount is an experimental feature", of_images),
        )
        if applies
    ]


def check_platform(image: Image, name: str, wanted: Platform, version: EngineVersion) -> None:
    """Refuse an image that is for another platform.

    Raises:
        ApiError: 404.
    """
    document = image.parsed
    own = Platform(document.get("os") or "linux", document.get("architecture") or "")
    if (own.os, own.architecture) != (wanted.os, wanted.architecture):
        if version.image_store == CONTAINERD:
            raise ApiError(404, messages.NO_SUCH_PLATFORM.format(name, str(wanted)))
        raise ApiError(404, messages.OTHER_PLATFORM(version, name, str(own), str(wanted)))
