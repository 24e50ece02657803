"""Networks: enough for tools that make them before they start a container."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ... import go_text
from .. import messages
from ..errors import ApiError
from ..state import EngineState
from ..versions import ADDRESSES_TOLD, EngineVersion
from .addresses import (
    POOLS,
    Addresses,
    automatic,
    check_new,
    check_newest,
    check_old,
    chosen,
    hardware_address,
    is_new_kind,
    joined,
)

PREDEFINED = ("bridge", "host", "none")
"""The networks that are there from the beginning."""

_DRIVERS = frozenset({"bridge", "host", "null", "macvlan", "ipvlan"})
_BRIDGE = "com.docker.network.bridge"
_DEFAULT_OPTIONS = {
    f"{_BRIDGE}.default_bridge": "true",
    f"{_BRIDGE}.enable_icc": "true",
    f"{_BRIDGE}.enable_ip_masquerade": "true",
    f"{_BRIDGE}.host_binding_ipv4": "0.0.0.0",  # noqa: S104  (told, not listened on)
    f"{_BRIDGE}.name": "docker0",
    "com.docker.network.driver.mtu": "1500",
}
_BOOLEANS = (f"{_BRIDGE}.enable_icc", f"{_BRIDGE}.enable_ip_masquerade")


class AmbiguousNetworkError(ApiError):
    """Several networks are meant.

    Attributes:
        reversed_message: the same where a network is inspected.
    """

    def __init__(self, name: str, matches: str) -> None:
        super().__init__(400, f"network {name} is ambiguous ({matches})")
        self.reversed_message = f"{matches}: network {name} is ambiguous"


@dataclass
class Member:
    """A running container in a network.

    Attributes:
        endpoint: the id of its end of the connection.
        name: the container's.
        address: empty where the network has none.
        chosen: the hardware address that somebody chose for it; empty for none.
    """

    endpoint: str
    name: str
    address: str
    chosen: str = ""

    @property
    def hardware_address(self) -> str:
        """The hardware address, empty without an address."""
        return (self.address and self.chosen) or hardware_address(self.address)


@dataclass
class Network:
    """A network; nothing travels over it."""

    id: str
    name: str
    driver: str
    created: int
    addresses: Addresses | None = None
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    internal: bool = False
    attachable: bool = False
    ipv6: bool = False
    ipam_driver: str = "default"
    ipam_options: dict[str, str] | None = None
    ipam_config: list[dict[str, Any]] | None = None
    chosen_subnet: bool = False
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """The address of the engine's side."""
        return str(self.addresses.gateway) if self.addresses else ""

    @property
    def prefix_length(self) -> int:
        """How many bits of an address are the subnet's."""
        return self.addresses.subnet.prefixlen if self.addresses else 0

    def to_json(
        self, version: EngineVersion, *, members: bool, usage: bool = False
    ) -> dict[str, Any]:
        """The API's document, as a version of the engine writes it.

        Args:
            version: which.
            members: tell the containers in it.
            usage: tell how many addresses are in use.
        """
        of_members = {key: self._line(m) for key, m in self.members.items() if members}
        left_out = not members and version.has(ADDRESSES_TOLD)
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": go_text.rfc3339(self.created),
            "Scope": "local",
            "Driver": self.driver,
            **({"EnableIPv4": True} if version >= "28.0" else {}),
            "EnableIPv6": self.ipv6,
            "IPAM": {
                "Driver": self.ipam_driver,
                "Options": self.ipam_options,
                "Config": self.ipam_config,
            },
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            **({} if left_out else {"Containers": of_members}),
            "Options": self.options,
            "Labels": self.labels,
            **({"Status": {"IPAM": self._usage()}} if usage else {}),
        }

    def _usage(self) -> dict[str, Any]:
        if self.addresses is None:
            return {}
        in_use, free = self.addresses.usage()
        numbers = {"IPsInUse": in_use, "DynamicIPsAvailable": free}
        return {"Subnets": {str(self.addresses.subnet): numbers}}

    def _line(self, member: Member) -> dict[str, str]:
        address = f"{member.address}/{self.prefix_length}" if member.address else ""
        return {
            "Name": member.name,
            "EndpointID": member.endpoint,
            "MacAddress": member.hardware_address,
            "IPv4Address": address,
            "IPv6Address": "",
        }


def _tell_gateway(config: list[dict[str, Any]], addresses: Addresses) -> None:
    """Say in a network's configuration which gateway the engine chose."""
    for line in config:
        if line.get("Subnet") == str(addresses.subnet):
            line.setdefault("Gateway", str(addresses.gateway))


class NetworkStore:
    """The networks of an engine."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self._lock = threading.RLock()
        self._networks: dict[str, Network] = {}
        for name, driver in (("bridge", "bridge"), ("host", "host"), ("none", "null")):
            self._add_predefined(name, driver)

    def _add_predefined(self, name: str, driver: str) -> None:
        state = self.state
        network = Network(state.new_id(), name, driver, state.clock())
        network.ipam_config = None if state.version >= "23.0" else []
        if driver == "bridge":
            network.options = dict(_DEFAULT_OPTIONS)
            network.addresses = self._automatic()
            network.ipam_config = [{"Subnet": str(network.addresses.subnet)}]
            if state.version >= "23.0":
                # Older engines know it only once they have been started again.
                network.ipam_config[0]["Gateway"] = network.gateway
        self._networks[network.id] = network

    def _automatic(self) -> Addresses:
        for subnet in POOLS:
            addresses = automatic(subnet)
            if not self._overlapping(addresses):
                return addresses
        version = self.state.version
        raise ApiError(400 if version >= "28.0" else 404, messages.NO_POOL(version))

    def _overlapping(self, addresses: Addresses) -> bool:
        return any(
            other.addresses is not None and other.addresses.subnet.overlaps(addresses.subnet)
            for other in self._networks.values()
        )

    # --- finding --------------------------------------------------------------

    def all(self) -> list[Network]:
        """Every network."""
        with self._lock:
            return list(self._networks.values())

    def get(self, name: str) -> Network | None:
        """As `find`, `None` when there is none; `default` is the one containers get."""
        try:
            return self.find("bridge" if name == "default" else name)
        except ApiError:
            return None

    def find(self, name: str) -> Network:
        """A network by name, id or the beginning of its id.

        Raises:
            ApiError: 404 when there is none, 400 when there are several.
        """
        with self._lock:
            if name in self._networks:
                return self._networks[name]
            named = [network for network in self._networks.values() if network.name == name]
            starting = [n for key, n in self._networks.items() if name and key.startswith(name)]
        for found, basis in ((named, "name"), (starting, "ID prefix")):
            if len(found) == 1:
                return found[0]
            if found:
                raise AmbiguousNetworkError(name, f"{len(found)} matches found based on {basis}")
        raise ApiError(404, f"network {name} not found")

    # --- making and removing --------------------------------------------------

    def create(self, request: Mapping[str, Any]) -> tuple[Network, str]:
        """Make a network; it and a warning, empty without one.

        Raises:
            ApiError: when it cannot be made as asked for.
        """
        name, driver = str(request.get("Name") or ""), str(request.get("Driver") or "bridge")
        with self._lock:
            warning = self._check_name(name, duplicate=bool(request.get("CheckDuplicate")))
            ipam: Mapping[str, Any] = request.get("IPAM") or {}
            options = dict(request.get("Options") or {})
            self._check_driver(driver, str(ipam.get("Driver") or "default"))
            self._check_scope(str(request.get("Scope") or "local"))
            config = [dict(line) for line in ipam.get("Config") or []]
            if self.state.version.has(ADDRESSES_TOLD) and not request.get("EnableIPv6"):
                config = [line for line in config if not is_new_kind(line)]
            chosen_subnet = any(not is_new_kind(line) for line in config)
            addresses = self._addresses(name, config)
            if addresses is not None and self.state.version.has(ADDRESSES_TOLD):
                _tell_gateway(config, addresses)
            self._check_options(options)
            network = Network(
                self.state.new_id(),
                name,
                driver,
                self.state.clock(),
                addresses,
                dict(request.get("Labels") or {}),
                options,
                internal=bool(request.get("Internal")),
                attachable=bool(request.get("Attachable")),
                ipv6=bool(request.get("EnableIPv6")),
                ipam_driver=str(ipam.get("Driver") or "default"),
                ipam_options=ipam.get("Options"),
                ipam_config=config,
                chosen_subnet=chosen_subnet,
            )
            self._networks[network.id] = network
        self.note("create", network)
        return network, warning

    def _check_name(self, name: str, *, duplicate: bool) -> str:
        version = self.state.version
        if name in (*PREDEFINED, "default"):
            raise ApiError(403, f"operation is not permitted on predefined {name} network ")
        taken = next((n for n in self._networks.values() if n.name == name), None)
        if taken is not None and (duplicate or version >= "23.0"):
            raise ApiError(409, f"network with name {name} already exists")
        if not name.strip():
            reason = "name is empty" if version >= "28.0" else name
            raise ApiError(version.bad_request(), f"invalid name: {reason}")
        return f"Network with name {name} (id : {taken.id}) already exists" if taken else ""

    def _check_driver(self, driver: str, ipam_driver: str) -> None:
        if driver == "overlay":
            raise ApiError(403 if self.state.version >= "23.0" else 500, messages.NO_MANAGER)
        for kind, known in ((driver, _DRIVERS), (ipam_driver, {"default", "null"})):
            if kind not in known:
                raise ApiError(404, f'plugin "{kind}" not found')
        if driver in ("host", "null"):
            raise ApiError(403, f'only one instance of "{driver}" network is allowed')

    def _check_scope(self, scope: str) -> None:
        version = self.state.version
        if scope == "swarm" or (scope != "local" and version < "23.0"):
            raise ApiError(403 if version >= "23.0" else 500, messages.NO_MANAGER)

    def _check_options(self, options: Mapping[str, str]) -> None:
        for name in _BOOLEANS:
            value = options.get(name, "true")
            if value not in go_text.BOOLEANS:
                raise ApiError(
                    self.state.version.bad_request(),
                    f"failed to parse {name} value: {value} "
                    f"(strconv.ParseBool: parsing {go_text.quote(value)}: invalid syntax)",
                )

    def _addresses(self, name: str, config: list[dict[str, Any]]) -> Addresses:
        """The addresses of a new network; a subnet that is chosen for it is added to `config`."""
        version = self.state.version
        lines = [line for line in config if not is_new_kind(line)]
        if version.has(ADDRESSES_TOLD):
            if errors := [error for line in lines for error in check_newest(line)]:
                raise ApiError(400, f"invalid network config:\n{joined(errors)}")
            lines = [line for line in lines if line.get("Subnet")]
        elif version >= "23.0":
            if errors := [error for line in lines for error in check_new(line)]:
                raise ApiError(400, f"invalid network config:\n{joined(errors)}")
        else:
            for line in lines:
                check_old(line, name)
        if len(lines) > 1:
            raise ApiError(403, "bridge driver doesn't support multiple subnets")
        if not lines:
            addresses = self._automatic()
            line = {"Subnet": str(addresses.subnet), "Gateway": str(addresses.gateway)}
            config.insert(len(config) if version >= "23.0" else 0, line)
            return addresses
        addresses = chosen(lines[0])
        if self._overlapping(addresses):
            what = "invalid pool request: " if version >= "28.0" else ""
            raise ApiError(403, f"{what}Pool overlaps with other one on this address space")
        return addresses

    def remove(self, network: Network) -> None:
        """Take a network away.

        Raises:
            ApiError: 403 when it is predefined or in use.
        """
        if network.name in PREDEFINED:
            raise ApiError(403, f"{network.name} is a pre-defined network and cannot be removed")
        with self._lock:
            if network.members:
                using = messages.NETWORK_IN_USE(
                    self.state.version,
                    network.name,
                    network.id,
                    messages.members({m.name: m.endpoint for m in network.members.values()}),
                )
                raise ApiError(403, f"error while removing network: {using}")
            self._networks.pop(network.id, None)
        self.note("destroy", network)

    # --- members --------------------------------------------------------------

    def join(
        self,
        network: Network,
        container: str,
        name: str,
        wanted: str = "",
        hardware_address: str = "",
    ) -> None:
        """Let a running container in.

        Args:
            network: which.
            container: the container's id.
            name: its name.
            wanted: the address it is to have; any when left out.
            hardware_address: the one that was chosen for it.

        Raises:
            ApiError: 403 when it is in already, or no address is left.
        """
        with self._lock:
            if container in network.members:
                raise ApiError(
                    403, f"endpoint with name {name} already exists in network {network.name}"
                )
            address = network.addresses.take(wanted) if network.addresses else ""
            network.members[container] = Member(
                self.state.new_id(), name, address, hardware_address
            )
        self.note("connect", network, container)

    def leave(self, network: Network, container: str) -> None:
        """Let a container out, if it is in."""
        with self._lock:
            member = network.members.pop(container, None)
            if member is None:
                return
            if network.addresses:
                network.addresses.free(member.address)
        self.note("disconnect", network, container)

    def note(self, action: str, network: Network, container: str = "") -> None:
        """Say in the events that something happened to a network."""
        attributes = {"container": container} if container else {}
        self.state.events.add(
            "network",
            action,
            network.id,
            {**attributes, "name": network.name, "type": network.driver},
        )
