"""Networks and volumes: enough for tools that make them before they start a container."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fakes.engine import go_text
from fakes.engine.errors import ApiError

_PREDEFINED = ("bridge", "host", "none")


@dataclass
class Network:
    """A network; nothing travels over it."""

    id: str
    name: str
    driver: str
    created: int
    number: int
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    internal: bool = False
    attachable: bool = False
    ipam: dict[str, Any] | None = None
    members: dict[str, int] = field(default_factory=dict)

    @property
    def has_addresses(self) -> bool:
        """Whether its members get addresses."""
        return self.driver not in ("host", "null")

    @property
    def gateway(self) -> str:
        """The address of the engine's side."""
        return f"172.{self.number}.0.1" if self.has_addresses else ""

    def to_json(self, containers: dict[str, Any]) -> dict[str, Any]:
        """The API's document."""
        config = [{"Subnet": f"172.{self.number}.0.0/16", "Gateway": self.gateway}]
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": go_text.rfc3339(self.created),
            "Scope": "local",
            "Driver": self.driver,
            "EnableIPv6": False,
            "IPAM": self.ipam
            or {
                "Driver": "default",
                "Options": None,
                "Config": config if self.has_addresses else [],
            },
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            "Containers": containers,
            "Options": self.options,
            "Labels": self.labels,
        }


class NetworkStore:
    """The networks of an engine."""

    def __init__(self, new_id: Callable[[], str], clock: Callable[[], int]) -> None:
        self._new_id = new_id
        self._clock = clock
        self._lock = threading.RLock()
        self._networks: dict[str, Network] = {}
        self._next_number = 17
        for name, driver in (("bridge", "bridge"), ("host", "host"), ("none", "null")):
            self._add(name, driver)

    def _add(self, name: str, driver: str) -> Network:
        network = Network(self._new_id(), name, driver, self._clock(), self._next_number)
        if network.has_addresses:
            self._next_number += 1
        self._networks[network.id] = network
        return network

    def all(self) -> list[Network]:
        """Every network."""
        with self._lock:
            return list(self._networks.values())

    def get(self, name: str) -> Network | None:
        """A network by name, id or the beginning of its id."""
        name = "bridge" if name == "default" else name
        with self._lock:
            for network in self._networks.values():
                if name in (network.name, network.id):
                    return network
            starting = [n for key, n in self._networks.items() if name and key.startswith(name)]
            return starting[0] if len(starting) == 1 else None

    def find(self, name: str) -> Network:
        """As `get`.

        Raises:
            ApiError: 404 when there is none.
        """
        network = self.get(name)
        if network is None:
            raise ApiError(404, f"network {name} not found")
        return network

    def create(self, request: dict[str, Any]) -> Network:
        """Make a network.

        Raises:
            ApiError: 409 when the name is taken and duplicates are not wanted.
        """
        name = str(request.get("Name") or "")
        with self._lock:
            if self.get(name) is not None:
                raise ApiError(409, f"network with name {name} already exists")
            network = self._add(name, str(request.get("Driver") or "bridge"))
            network.labels = dict(request.get("Labels") or {})
            network.options = dict(request.get("Options") or {})
            network.internal = bool(request.get("Internal"))
            network.attachable = bool(request.get("Attachable"))
            ipam = request.get("IPAM") or {}
            if ipam.get("Config"):
                network.ipam = {"Driver": "default", "Options": None, "Config": ipam["Config"]}
            return network

    def remove(self, network: Network, users: int) -> None:
        """Take a network away.

        Raises:
            ApiError: 403 when it is predefined or in use.
        """
        if network.name in _PREDEFINED:
            raise ApiError(403, f"{network.name} is a pre-defined network and cannot be removed")
        if users:
            raise ApiError(
                403,
                f"error while removing network: network {network.name} id {network.id} has "
                "active endpoints",
            )
        with self._lock:
            self._networks.pop(network.id, None)

    def address(self, name: str, member: str) -> str:
        """The address of a container in a network."""
        with self._lock:
            network = self.get(name)
            if network is None or not network.has_addresses:
                return ""
            number = network.members.setdefault(member, len(network.members) + 2)
            return f"172.{network.number}.{number // 256}.{number % 256}"

    def mac(self, address: str) -> str:
        """The hardware address that goes with an address."""
        if not address:
            return ""
        return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))


@dataclass
class Volume:
    """A volume; it holds nothing."""

    name: str
    driver: str
    created: int
    labels: dict[str, str] | None
    options: dict[str, str] | None

    def to_json(self) -> dict[str, Any]:
        """The API's document."""
        return {
            "CreatedAt": go_text.rfc3339(self.created // 1_000_000_000 * 1_000_000_000),
            "Driver": self.driver,
            "Labels": self.labels,
            "Mountpoint": f"/var/lib/docker/volumes/{self.name}/_data",
            "Name": self.name,
            "Options": self.options,
            "Scope": "local",
        }


class VolumeStore:
    """The volumes of an engine."""

    def __init__(self, new_id: Callable[[], str], clock: Callable[[], int]) -> None:
        self._new_id = new_id
        self._clock = clock
        self._lock = threading.RLock()
        self._volumes: dict[str, Volume] = {}

    def all(self) -> list[Volume]:
        """Every volume, by name."""
        with self._lock:
            return [self._volumes[name] for name in sorted(self._volumes)]

    def create(self, request: dict[str, Any]) -> Volume:
        """Make a volume; one of that name stays as it is."""
        name = str(request.get("Name") or "") or self._new_id()
        with self._lock:
            if name not in self._volumes:
                self._volumes[name] = Volume(
                    name,
                    str(request.get("Driver") or "local"),
                    self._clock(),
                    request.get("Labels") or None,
                    request.get("DriverOpts") or None,
                )
            return self._volumes[name]

    def find(self, name: str) -> Volume:
        """A volume by name.

        Raises:
            ApiError: 404 when there is none.
        """
        with self._lock:
            if name not in self._volumes:
                raise ApiError(404, f"get {name}: no such volume")
            return self._volumes[name]

    def remove(self, volume: Volume) -> None:
        """Take a volume away."""
        with self._lock:
            self._volumes.pop(volume.name, None)
