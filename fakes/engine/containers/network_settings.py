"""What a container's document says of its networks and ports."""

from __future__ import annotations

from typing import Any

from ..networks.store import NetworkStore
from ..versions import ADDRESSES_OF_NETWORKS_ALONE
from .connections import shown
from .container import Container
from .ports import port_map

_NEVER_SAID = {
    "Bridge",
    "HairpinMode",
    "LinkLocalIPv6Address",
    "LinkLocalIPv6PrefixLen",
    "SecondaryIPAddresses",
    "SecondaryIPv6Addresses",
}
_OF_BRIDGE = {
    "EndpointID",
    "Gateway",
    "GlobalIPv6Address",
    "GlobalIPv6PrefixLen",
    "IPAddress",
    "IPPrefixLen",
    "IPv6Gateway",
    "MacAddress",
}


def network_settings(
    networks: NetworkStore, container: Container, api: str | None = None
) -> dict[str, Any]:
    """What a container's document says under `NetworkSettings`.

    Args:
        networks: of the engine.
        container: whose.
        api: the version of the API that was asked for; the newest without one.
    """
    names = () if container.is_unplugged else container.networks
    shown_networks = {name: shown(networks, container, name) for name in names}
    bridge = shown_networks.get("bridge", {})
    has_sandbox = container.started is not None or container.joined
    if networks.state.version >= "28.0":
        has_sandbox = container.running
    version = networks.state.version
    settings = {
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
        "Networks": shown_networks,
    }
    left_out: set[str] = set()
    if version.has(ADDRESSES_OF_NETWORKS_ALONE):
        left_out |= _NEVER_SAID
        if version.speaks(api, "1.52") or "bridge" not in shown_networks:
            left_out |= _OF_BRIDGE
    return {name: value for name, value in settings.items() if name not in left_out}
