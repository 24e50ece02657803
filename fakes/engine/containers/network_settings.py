"""What a container's document says of its networks and ports."""

from __future__ import annotations

from typing import Any

from ..networks.store import NetworkStore
from .connections import shown
from .container import Container
from .ports import port_map


def network_settings(networks: NetworkStore, container: Container) -> dict[str, Any]:
    """What a container's document says under `NetworkSettings`."""
    shown_networks = {name: shown(networks, container, name) for name in container.networks}
    bridge = shown_networks.get("bridge", {})
    has_sandbox = container.started is not None or container.joined
    if networks.state.version >= "28.0":
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
        "Networks": shown_networks,
    }
