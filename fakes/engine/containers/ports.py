"""Published ports: numbers of the host, behind which nobody listens."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from ..errors import ApiError
from .container import Container

_FIRST_PORT = 32768
_ANYWHERE = "0.0.0.0"  # noqa: S104  (shown, not listened on)


class PortStore:
    """The host's ports that containers have."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = _FIRST_PORT

    def publish(self, container: Container, others: Iterable[Container]) -> None:
        """Give a container the ports it asks for; only what it exposes is published.

        Raises:
            ApiError: 500 when another container has one.
        """
        taken = {
            (binding["HostPort"], port.partition("/")[2]): binding["HostIp"]
            for other in others
            if other is not container
            for port, bindings in other.ports.items()
            for binding in bindings
        }
        exposed = list(container.config.exposed_ports or {})
        bindings: dict[str, Any] = dict(container.host_config.get("PortBindings") or {})
        if container.host_config.get("PublishAllPorts"):
            for port in exposed:
                bindings.setdefault(port, [{"HostPort": ""}])
        ports: dict[str, list[dict[str, str]]] = {}
        with self._lock:
            for port in exposed:
                if port in bindings:
                    asked = bindings[port] or [{}]
                    ports[port] = [self._binding(container, port, one, taken) for one in asked]
        container.ports = ports

    def _binding(
        self,
        container: Container,
        port: str,
        asked: dict[str, str],
        taken: dict[tuple[str, str], str],
    ) -> dict[str, str]:
        address, protocol = asked.get("HostIp") or _ANYWHERE, port.partition("/")[2]
        number = asked.get("HostPort") or ""
        if not number or number == "0":
            number = str(self._next)
            self._next += 1
        holder = taken.get((number, protocol))
        if holder is not None and (holder == address or _ANYWHERE in (holder, address)):
            raise ApiError(
                500,
                "driver failed programming external connectivity on endpoint "
                f"{container.name} ({container.id}): Bind for {address}:{number} failed: "
                "port is already allocated",
            )
        return {"HostIp": address, "HostPort": number}


def port_map(container: Container) -> dict[str, Any]:
    """The published ports, and the exposed ones that are not, while it runs."""
    if not container.running:
        return {}
    exposed = dict.fromkeys(sorted(container.config.exposed_ports or {}))
    return {**exposed, **container.ports}


def port_lines(container: Container) -> list[dict[str, Any]]:
    """The ports as a list shows them."""
    lines: list[dict[str, Any]] = []
    for port, bindings in port_map(container).items():
        number, _, protocol = port.partition("/")
        if not bindings:
            lines.append({"PrivatePort": int(number), "Type": protocol})
        lines.extend(
            {
                "IP": binding["HostIp"],
                "PrivatePort": int(number),
                "PublicPort": int(binding["HostPort"]),
                "Type": protocol,
            }
            for binding in bindings or []
        )
    return lines
