"""How containers are connected to networks: joining, leaving and what they show of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from .. import messages
from ..errors import ApiError
from ..networks.addresses import address_of, joined
from ..networks.store import PREDEFINED, Network, NetworkStore
from ..versions import ADDRESSES_TOLD, EngineVersion
from .container import Container
from .hardware_addresses import chosen, chosen_later

Settings = dict[str, Any]

_SHARES = (
    "container sharing network namespace with another container or host cannot be connected to "
    "any other network"
)
_PRIVATE = (
    "container cannot be connected to multiple networks with one of the networks in private "
    "(none) mode"
)


_NO_SUBNET = (
    "user specified IP address is supported only when connecting to networks with user "
    "configured subnets"
)
_HARDWARE_ADDRESS = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")


def shown(networks: NetworkStore, container: Container, name: str) -> dict[str, Any]:
    """What a container shows of its connection to a network."""
    settings = container.networks.get(name) or {}
    network = networks.get(name)
    member = network.members.get(container.id) if network else None
    seen = network if member else None
    gateway = seen.gateway if seen else ""
    if seen and seen.internal and networks.state.version >= "23.0":
        gateway = ""
    answer: dict[str, Any] = {
        "IPAMConfig": settings.get("IPAMConfig"),
        "Links": settings.get("Links"),
        "Aliases": settings.get("Aliases"),
        "NetworkID": settings.get("NetworkID") or "",
        "EndpointID": member.endpoint if member else "",
        "Gateway": gateway,
        "IPAddress": member.address if member else "",
        "IPPrefixLen": seen.prefix_length if seen else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": member.hardware_address if member else settings.get("MacAddress") or "",
        "DriverOpts": settings.get("DriverOpts"),
    }
    if networks.state.version >= "23.0":
        answer["DNSNames"] = settings.get("DNSNames")
    if networks.state.version >= "28.0":
        answer["GwPriority"] = settings.get("GwPriority") or 0
    return answer


def listed(networks: NetworkStore, container: Container) -> dict[str, Any]:
    """What a list of containers shows of one's connections: not what it was asked for."""
    hidden = (
        "Aliases",
        "Links",
        "DriverOpts",
        *(["DNSNames"] if networks.state.version >= "23.0" else []),
    )
    return {
        name: {**shown(networks, container, name), **dict.fromkeys(hidden)}
        for name in container.networks
    }


def endpoint_of(networks: NetworkStore, container: Container) -> str:
    """The id of a container's side of the first of its networks; empty without one."""
    for name in container.networks:
        network = networks.get(name)
        if network is not None and (member := network.members.get(container.id)):
            return member.endpoint
    return ""


def _name_in(networks: NetworkStore, container: Container, network: Network) -> None:
    """Give a container its names in a network that users made."""
    if network.name in PREDEFINED:
        return
    settings = container.networks.setdefault(network.name, {})
    aliases = list(settings.get("Aliases") or [])
    short = container.id[:12]
    if networks.state.version < "23.0":
        settings["Aliases"] = [*aliases, *([short] if short not in aliases else [])]
        return
    names = [container.name, *aliases, short, container.config.hostname]
    settings["DNSNames"] = list(dict.fromkeys(name for name in names if name))


def join_all(networks: NetworkStore, container: Container) -> None:
    """Let a container that starts into its networks.

    Raises:
        ApiError: 404 when one of them is not there.
    """
    found: list[tuple[Network, Settings]] = []
    for name, settings in container.networks.items():
        network = networks.get(name) if name != "default" else None
        if network is None:
            raise ApiError(404, messages.MISSING_NETWORK(networks.state.version, name))
        found.append((network, settings))
    # What was asked for by an id is known by its name from now on.
    container.networks = {network.name: settings for network, settings in found}
    try:
        for network, settings in found:
            _join(networks, container, network, settings)
    except ApiError:
        leave_all(networks, container)
        raise


def _join(
    networks: NetworkStore, container: Container, network: Network, settings: Settings
) -> None:
    mode = str(container.host_config.get("NetworkMode") or "default")
    hardware_address = chosen(
        settings,
        container.config.mac_address,
        first=network.name == ("bridge" if mode == "default" else mode),
        version=networks.state.version,
    )
    wanted = _wanted(settings)
    networks.join(network, container.id, container.name, wanted, hardware_address)
    settings["NetworkID"] = network.id
    _name_in(networks, container, network)


def rename(networks: NetworkStore, container: Container, old: str) -> None:
    """Let the networks of a container know its new name."""
    for network in networks.all():
        if member := network.members.get(container.id):
            member.name = container.name
    for settings in container.networks.values():
        if names := settings.get("DNSNames"):
            settings["DNSNames"] = [container.name if name == old else name for name in names]


def leave_all(networks: NetworkStore, container: Container) -> None:
    """Let a container that ended out of its networks."""
    for network in networks.all():
        networks.leave(network, container.id)


def _wanted(settings: Settings) -> str:
    return str((settings.get("IPAMConfig") or {}).get("IPv4Address") or "")


def connect(networks: NetworkStore, container: Container, name: str, settings: Settings) -> None:
    """Connect a container to one more network.

    Raises:
        ApiError: when it cannot be.
    """
    version = networks.state.version
    network = networks.get(name)
    if network is None and container.running:
        raise ApiError(404, f"network {name} not found")
    _check_kinds(networks, container, network.name if network else name)
    if network is None:
        # Nobody looks for the network of a container that does not run.
        container.networks[name] = settings
        return
    _check_address(networks, network, settings)
    if not container.running:
        container.networks[network.name] = settings
        _name_in(networks, container, network)
        return
    networks.join(
        network, container.id, container.name, _wanted(settings), chosen_later(settings, version)
    )
    container.networks[network.name] = {**settings, "NetworkID": network.id}
    _name_in(networks, container, network)


def _check_kinds(networks: NetworkStore, container: Container, name: str) -> None:
    version = networks.state.version
    mode = str(container.host_config.get("NetworkMode") or "default")
    if mode == "host" or mode.startswith("container:"):
        if name == "host" and mode == "host":
            return
        raise ApiError(400, _SHARES)
    if name == "host":
        raise ApiError(400, messages.HOST_CONNECTED(version))
    others = [other for other in container.networks if other != name]
    if (name == "none" and others) or "none" in others:
        raise ApiError(400, _PRIVATE)


def _check_address(networks: NetworkStore, network: Network, settings: Settings) -> None:
    wanted = _wanted(settings)
    if not wanted or network.addresses is None:
        return
    address = address_of(wanted)
    errors = []
    version = networks.state.version
    if network.chosen_subnet or version.has(ADDRESSES_TOLD):
        if address is None:
            errors.append(messages.BAD_ADDRESS(version, wanted))
            if version < "23.0":
                raise ApiError(500, f"{errors[0]})")
        if address is None or address not in network.addresses.subnet:
            errors.append(messages.NOT_IN_SUBNET(version, wanted))
            if version < "23.0":
                reason = "It does not belong to any of this network's subnets"
                raise ApiError(500, f"Invalid address {wanted}: {reason}")
    else:
        errors.append(_NO_SUBNET)
    if errors:
        if version < "23.0":
            raise ApiError(400, errors[0])
        raise ApiError(400, f"invalid endpoint settings:\n{joined(errors)}")


def check_endpoints(networks: NetworkStore, wanted: Mapping[str, Settings]) -> None:
    """Refuse connections that a container cannot begin with.

    Raises:
        ApiError: 400.
    """
    version = networks.state.version
    if version < "23.0" and len(wanted) > 1:
        raise ApiError(
            400,
            f"Container cannot be connected to network endpoints: {', '.join(sorted(wanted))}",
        )
    for name, settings in wanted.items():
        errors = _address_errors(settings, version)
        network = networks.get(name)
        if version < "23.0":
            # An older engine looks at the rest when the container starts.
            for error in errors[:1]:
                raise ApiError(400, error)
        elif network is not None:
            _check_endpoint(network, settings, errors, version)


def _address_errors(settings: Settings, version: EngineVersion) -> list[str]:
    config = settings.get("IPAMConfig") or {}
    errors = []
    for field, kind, kind_of_address in (
        ("IPv4Address", "IPv4", IPv4Address),
        ("IPv6Address", "IPv6", IPv6Address),
    ):
        if (text := config.get(field)) and not _is_address(text, kind_of_address):
            errors.append(f"invalid {kind} address: {text}")
    if version >= "23.0":
        errors += [
            f"invalid link-local IP address: {text}"
            for text in config.get("LinkLocalIPs") or []
            if not _is_address(text, ip_address)
        ]
    return errors


def _is_address(text: str, kind: Callable[[str], object]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _check_endpoint(
    network: Network, settings: Settings, errors: list[str], version: EngineVersion
) -> None:
    refused = f"invalid config for network {network.name}: "
    hardware = settings.get("MacAddress") or ""
    if hardware and not _HARDWARE_ADDRESS.fullmatch(hardware):
        raise ApiError(400, f"{refused}invalid MAC address {hardware}")
    config = settings.get("IPAMConfig") or {}
    wants_one = bool(config.get("IPv4Address") or config.get("IPv6Address"))
    if network.name in PREDEFINED:
        if settings.get("Aliases"):
            errors = [messages.NO_ALIAS(version), *errors]
        if wants_one:
            errors = [messages.NO_CHOSEN_ADDRESS(version), *errors]
    if wants_one and not (network.chosen_subnet or version.has(ADDRESSES_TOLD)):
        errors = [*errors, _NO_SUBNET]
    elif (wanted := _wanted(settings)) and network.addresses is not None:
        address = address_of(wanted)
        if address is not None and address not in network.addresses.subnet:
            errors = [*errors, messages.NOT_IN_SUBNET(version, wanted)]
    if errors:
        raise ApiError(400, f"{refused}invalid endpoint settings:\n{joined(errors)}")


def disconnect(networks: NetworkStore, container: Container, name: str) -> None:
    """Take a container out of a network.

    Raises:
        ApiError: when it is not in it, or there is no such network.
    """
    network = networks.get(name)
    if network is None and container.running:
        raise ApiError(404, f"network {name} not found")
    known = network.name if network else name
    if known == "host" and container.host_config.get("NetworkMode") == "host":
        raise ApiError(400, messages.HOST_DISCONNECTED(networks.state.version))
    if container.networks.pop(known, None) is None:
        article = "" if container.running else "the "
        raise ApiError(
            500, f"container {container.id} is not connected to {article}network {known}"
        )
    if network is None:
        return
    networks.leave(network, container.id)
    if networks.state.version < "28.0":
        # Older engines say it once for the endpoint and once for the container.
        networks.note("disconnect", network, container.id)
