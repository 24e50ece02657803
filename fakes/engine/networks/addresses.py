"""Subnets of networks and the addresses in them, and why an engine refuses some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Any

from ..errors import ApiError

Config = Mapping[str, Any]


@dataclass
class Addresses:
    """The subnet of a network and what is taken of it.

    Attributes:
        subnet: all of its addresses.
        gateway: the engine's side.
        given: the part of it from which members get theirs.
        taken: addresses that nobody gets any more.
    """

    subnet: IPv4Network
    gateway: IPv4Address
    given: IPv4Network
    taken: set[IPv4Address] = field(default_factory=set)

    def take(self, wanted: str = "") -> str:
        """An address for a member: the lowest that is free, or the one that is wanted.

        Raises:
            ApiError: 403 when nothing is free.
        """
        never = {self.gateway, self.subnet.network_address, self.subnet.broadcast_address}
        choices: Iterable[IPv4Address] = [IPv4Address(wanted)] if wanted else self.given
        for address in choices:
            if address not in self.taken and address not in never:
                self.taken.add(address)
                return str(address)
        if wanted:
            raise ApiError(403, "Address already in use")
        raise ApiError(403, "no available IPv4 addresses on this network's address pools")

    def usage(self) -> tuple[int, int]:
        """How many addresses nobody gets any more, and how many are left to be given."""
        ends = {self.subnet.network_address, self.subnet.broadcast_address}
        used = self.taken | ends | {self.gateway}
        return len(used), self.given.num_addresses - sum(one in self.given for one in used)

    def free(self, address: str) -> None:
        """Give an address back."""
        if address:
            self.taken.discard(IPv4Address(address))


POOLS = [
    *(IPv4Network(f"172.{number}.0.0/16") for number in range(17, 32)),
    *IPv4Network("192.168.0.0/16").subnets(new_prefix=20),
]
"""The subnets that an engine chooses from."""


def automatic(subnet: IPv4Network) -> Addresses:
    """The addresses of a network that nobody chose a subnet for."""
    return Addresses(subnet, subnet[1], subnet)


def chosen(config: Config) -> Addresses:
    """The addresses that a checked request asks for."""
    subnet = IPv4Network(config["Subnet"], strict=False)
    gateway = IPv4Address(config["Gateway"]) if config.get("Gateway") else subnet[1]
    given = subnet_of(config.get("IPRange") or "")
    if given is None or not given.subnet_of(subnet):
        given = subnet
    return Addresses(subnet, gateway, given, {IPv4Address(a) for a in _others(config).values()})


def _others(config: Config) -> dict[str, str]:
    """The addresses that are kept for somebody else, by name."""
    others: dict[str, str] = config.get("AuxiliaryAddresses") or {}
    return others


def is_new_kind(config: Config) -> bool:
    """Whether a subnet is one of IPv6, of which nobody gets an address here."""
    return ":" in (config.get("Subnet") or "")


def joined(errors: list[str]) -> str:
    """Several reasons as newer engines show them together."""
    return errors[0] if len(errors) == 1 else "\n".join(f"* {error}" for error in errors)


def subnet_of(text: str) -> IPv4Network | None:
    """A subnet in the form with a slash, `None` when it is none."""
    try:
        return IPv4Network(text, strict=False) if "/" in text else None
    except (AddressValueError, NetmaskValueError, ValueError):
        return None


def address_of(text: str) -> IPv4Address | None:
    """An address, `None` when it is none."""
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def check_old(config: Config, network: str) -> None:
    """Refuse what engines before 25.0 refuse of a subnet, one thing at a time.

    Raises:
        ApiError: in their words.
    """
    text, gateway = config.get("Subnet") or "", config.get("Gateway") or ""
    if gateway and address_of(gateway) is None:
        raise ApiError(500, f"invalid gateway address {gateway} in Ipam configuration")
    subnet = subnet_of(text)
    if subnet is None:
        raise ApiError(500, f"Invalid subnet {text} : invalid CIDR address: {text}")
    given = config.get("IPRange") or ""
    if given and subnet_of(given) is None:
        raise ApiError(
            500,
            f'failed to parse pool request for address space "LocalDefault" pool "{text}" '
            f'subpool "{given}": Invalid Address SubPool',
        )
    if gateway and IPv4Address(gateway) not in subnet:
        raise ApiError(
            500, f"failed to allocate gateway ({gateway}): Requested address is out of range"
        )
    for name, other in _others(config).items():
        address = address_of(other)
        if address is None:
            what = f"non parsable secondary ip address ({name}:{other})"
            raise ApiError(500, f"{what} passed for network {network}")
        if address not in subnet:
            what = f"auxiliary address: ({name}:{other})"
            raise ApiError(403, f"{what} must belong to the master pool: {text}")


def check_new(config: Config) -> list[str]:
    """What engines since 25.0 have against a subnet."""
    text = config.get("Subnet") or ""
    subnet = subnet_of(text)
    if subnet is None:
        return [f"invalid subnet {text}: invalid CIDR block notation"]
    errors = []
    if text != str(subnet):
        errors.append(f"invalid subnet {text}: it should be {subnet}")
    if given := config.get("IPRange"):
        errors += [f"invalid ip-range {given}: {e}" for e in _wrong_range(given, subnet)]
    named = [("gateway", config.get("Gateway") or "")] if config.get("Gateway") else []
    named += [(f"auxiliary address {name}", other) for name, other in _others(config).items()]
    for what, other in named:
        shown = f"{what} {other}" if what == "gateway" else what
        address = address_of(other)
        if address is None:
            errors.append(f"invalid {shown}: invalid address")
        elif address not in subnet:
            errors.append(f"invalid {shown}: parent subnet {subnet} doesn't contain this address")
    return errors


def check_newest(config: Config) -> list[str]:
    """What engines since 29.0 have against a subnet, all of whose parts could be read."""
    if config.get("Subnet"):
        return check_new(config)
    named = [f"gateway {config['Gateway']}"] if config.get("Gateway") else []
    named += [f"auxiliary address {name}" for name in _others(config)]
    missing = "parent subnet invalid Prefix doesn't contain"
    errors = [f"invalid {what}: {missing} this address" for what in named]
    if given := config.get("IPRange"):
        errors.insert(0, f"invalid ip-range {given}: {missing} ip-range")
    return errors


def _wrong_range(given: str, subnet: IPv4Network) -> list[str]:
    part = subnet_of(given)
    if part is None:
        return ["invalid CIDR block notation"]
    errors = []
    if part.prefixlen < subnet.prefixlen:
        errors.append(f"CIDR block is bigger than its parent subnet {subnet}")
    elif not part.subnet_of(subnet):
        errors.append(f"parent subnet {subnet} doesn't contain ip-range")
    if given != str(part):
        errors.append(f"it should be {part}")
    return errors


def hardware_address(address: str) -> str:
    """The hardware address that goes with an address."""
    if not address:
        return ""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))
