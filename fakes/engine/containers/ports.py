"""Published ports: numbers of the host, which containers hold while they run."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from .. import messages
from ..errors import ApiError
from ..versions import BINDINGS_PUBLISH, EngineVersion
from .container import Container
from .host_ports import Answers, HostPort

_FIRST_PORT = 32768
HIGHEST_PORT = 0xFFFF
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_UNKNOWN = "0"
"""The protocol of a port whose name says none that an engine knows."""
_ANYWHERE = "0.0.0.0"  # noqa: S104  (shown, not listened on)

Taken = dict[tuple[str, str], str]


class PortStore:
    """The host's ports that containers have.

    Args:
        version: of the engine.
    """

    def __init__(self, version: EngineVersion) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._next = _FIRST_PORT
        self._held: dict[str, list[HostPort]] = {}

    def publish(self, container: Container, others: Iterable[Container], endpoint: str) -> None:
        """Give a container the ports it asks for; older engines publish what it exposes alone.

        Args:
            container: which.
            others: the containers that may have them already.
            endpoint: how an error names the container's side of its network.

        Raises:
            ApiError: 500 when another container, or another program, has one.
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
            self._held[container.id] = []
            try:
                for port in self._published(exposed, bindings):
                    if port in bindings:
                        name, asked = _read(port), bindings[port] or [{}]
                        ports[name] = [self._binding(container, name, one, taken) for one in asked]
            except _NotFreeError as error:
                self._give_back(container)
                refusal = messages.NO_PORT(self._version, endpoint, str(error))
                raise ApiError(500, refusal) from error
        container.ports = ports

    def _published(self, exposed: list[str], bindings: dict[str, Any]) -> list[str]:
        """The ports of a container; to newer engines a binding makes one of its own."""
        if not self._version.has(BINDINGS_PUBLISH):
            return exposed
        return [*exposed, *(port for port in bindings if port not in exposed)]

    def serve(self, container: Container, answers: Answers) -> None:
        """Let a function answer at every published port of a container."""
        with self._lock:
            for port in self._held.get(container.id, []):
                port.serve(answers)

    def release(self, container: Container) -> None:
        """Give the ports of a container that ended back."""
        with self._lock:
            self._give_back(container)

    def _give_back(self, container: Container) -> None:
        for port in self._held.pop(container.id, []):
            port.close()

    def _binding(
        self, container: Container, port: str, asked: dict[str, str], taken: Taken
    ) -> dict[str, str]:
        address, protocol = asked.get("HostIp") or _ANYWHERE, port.partition("/")[2]
        if protocol == _UNKNOWN:
            raise _NotFreeError(messages.UNKNOWN_PROTOCOL(self._version))
        candidates = list(_numbers(asked.get("HostPort") or ""))
        reason = ""
        for number in candidates:
            holder = taken.get((str(number), protocol)) if number else None
            if holder is not None and (holder == address or _ANYWHERE in (holder, address)):
                reason = f"Bind for {address}:{number} failed: {_TAKEN}"
                continue
            try:
                held = HostPort(address, number, protocol)
            except OSError as error:
                reason = self._reason(error, port, address, number)
                continue
            self._held[container.id].append(held)
            if not held.number:
                # It could not be held, but it has a number all the same.
                held.number, self._next = self._next, self._next + 1
            return {"HostIp": address, "HostPort": str(held.number)}
        raise _NotFreeError("all ports are allocated" if len(candidates) > 1 else reason)

    def _reason(self, error: OSError, port: str, address: str, number: int) -> str:
        if error.errno == errno.EADDRINUSE:
            return f"Bind for {address}:{number} failed: {_TAKEN}"
        where, protocol = f"{address}:{number}", port.partition("/")[2]
        return messages.NO_ADDRESS(self._version, where, protocol, port)


class _NotFreeError(Exception):
    """A port is not to be had; the text says why."""


_TAKEN = "port is already allocated"


def _numbers(text: str) -> Iterator[int]:
    """The ports that a binding allows, 0 for any."""
    first, _, last = text.partition("-")
    yield from range(int(first or 0), int(last or first or 0) + 1)


def _read(text: str) -> str:
    """A port by the name that an engine gives it: what it cannot read is 0."""
    number, _, rest = text.partition("/")
    protocol = rest.partition("/")[0].lower() or "tcp"
    known = bool(number) and protocol in _PROTOCOLS
    port = int(number) if number.isdigit() and int(number) <= HIGHEST_PORT else 0
    return f"{port}/{protocol if known else _UNKNOWN}"


def port_map(container: Container) -> dict[str, Any]:
    """The published ports, and the exposed ones that are not, while it runs."""
    if not container.running:
        return {}
    exposed = dict.fromkeys(sorted(map(_read, container.config.exposed_ports or {})))
    return {**exposed, **container.ports}


def port_lines(container: Container, version: EngineVersion) -> list[dict[str, Any]]:
    """The ports as a version's list shows them."""
    nowhere = {"IP": ""} if version.has(BINDINGS_PUBLISH) else {}
    lines: list[dict[str, Any]] = []
    for port, bindings in port_map(container).items():
        number, _, protocol = port.partition("/")
        if not bindings:
            lines.append({**nowhere, "PrivatePort": int(number), "Type": protocol})
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
