"""Subnets of networks and the addresses in them, and why an engine refuses some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from fakes.engine.errors import ApiError

Config = Mapping[str, str]


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
    given = IPv4Network(config["IPRange"], strict=False) if config.get("IPRange") else subnet
    auxiliary: object = config.get("AuxiliaryAddresses") or {}
    names = auxiliary if isinstance(auxiliary, dict) else {}
    return Addresses(subnet, gateway, given, {IPv4Address(str(a)) for a in names.values()})


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


def check_old(config: Config) -> None:
    """Refuse what engines before 25.0 refuse of a subnet, one thing at a time.

    Raises:
        ApiError: 500, in their words.
    """
    text, gateway = config.get("Subnet") or "", config.get("Gateway") or ""
    if gateway and address_of(gateway) is None:
        raise ApiError(500, f"invalid gateway address {gateway} in Ipam configuration")
    subnet = subnet_of(text)
    if subnet is None:
        raise ApiError(500, f"Invalid subnet {text} : invalid CIDR address: {text}")
    if gateway and IPv4Address(gateway) not in subnet:
        raise ApiError(
            500, f"failed to allocate gateway ({gateway}): Requested address is out of range"
        )


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
        part = subnet_of(given)
        if part is None:
            errors.append(f"invalid ip-range {given}: invalid CIDR block notation")
        elif not part.subnet_of(subnet):
            errors.append(
                f"invalid ip-range {given}: parent subnet {subnet} doesn't contain ip-range"
            )
    if gateway := config.get("Gateway"):
        address = address_of(gateway)
        if address is None:
            errors.append(f"invalid gateway {gateway}: invalid address")
        elif address not in subnet:
            errors.append(
                f"invalid gateway {gateway}: parent subnet {subnet} doesn't contain this address"
            )
    return errors


def hardware_address(address: str) -> str:
    """The hardware address that goes with an address."""
    if not address:
        return ""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))
