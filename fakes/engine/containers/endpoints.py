"""How containers are connected to networks, as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakes.engine.containers.container import Container
from fakes.engine.containers.ports import port_map

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_BUILT_IN = frozenset({"bridge", "host", "none"})


def endpoint(engine: FakeDockerEngine, container: Container, name: str) -> dict[str, Any]:
    """How a container is connected to a network."""
    settings = container.networks.get(name) or {}
    network = engine.networks.get(name)
    ran = container.started is not None or container.joined
    connected = container.running and network is not None
    address = engine.networks.address(name, container.id) if connected else ""
    shown = {
        "IPAMConfig": settings.get("IPAMConfig"),
        "Links": settings.get("Links"),
        "Aliases": settings.get("Aliases"),
        "NetworkID": network.id if network and ran else "",
        "EndpointID": container.id if connected else "",
        "Gateway": network.gateway if connected and network else "",
        "IPAddress": address,
        "IPPrefixLen": 16 if address else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": engine.networks.mac(address) if connected else "",
        "DriverOpts": settings.get("DriverOpts"),
    }
    # Networks that somebody made have names for their members.
    named = ran and name not in _BUILT_IN
    if engine.version.modern:
        aliases = [alias for alias in settings.get("Aliases") or [] if alias != container.name]
        names = [container.name, *aliases, container.id[:12]]
        shown["DNSNames"] = list(dict.fromkeys(names)) if named else None
    elif named:
        shown["Aliases"] = [*(settings.get("Aliases") or []), container.id[:12]]
    if engine.version.container_words.newest:
        shown["GwPriority"] = settings.get("GwPriority") or 0
    return shown


def endpoints(engine: FakeDockerEngine, container: Container) -> dict[str, Any]:
    """Every connection of a container."""
    return {name: endpoint(engine, container, name) for name in container.networks}


def listed_endpoints(engine: FakeDockerEngine, container: Container) -> dict[str, Any]:
    """Every connection as a list shows it, without what only the container itself is told."""
    hidden = {"Aliases", "Links", "DriverOpts", "DNSNames"}
    return {
        name: {key: None if key in hidden else value for key, value in shown.items()}
        for name, shown in endpoints(engine, container).items()
    }


def network_settings(engine: FakeDockerEngine, container: Container) -> dict[str, Any]:
    """What a container's document says under `NetworkSettings`."""
    networks = endpoints(engine, container)
    bridge = networks.get("bridge", {})
    has_sandbox = container.started is not None or container.joined
    if engine.version.container_words.newest:
        has_sandbox = container.running
    return {
        "Bridge": "",
        "SandboxID": container.id if has_sandbox else "",
        "SandboxKey": f"/var/run/docker/netns/{container.id[:12]}" if has_sandbox else "",
        "Ports": port_map(container),
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "EndpointID": bridge.get("EndpointID", ""),
        "Gateway": bridge.get("Gateway", ""),
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": bridge.get("IPAddress", ""),
        "IPPrefixLen": bridge.get("IPPrefixLen", 0),
        "IPv6Gateway": "",
        "MacAddress": bridge.get("MacAddress", ""),
        "Networks": networks,
    }
