"""Which registries a double reaches, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.proxies import is_loopback

from .reference import HUB

_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
_NOT_LISTENING = "registry.test"


class ListeningRegistry(Protocol):
    """A registry that says where it listens, as `fakes.FakeRegistry`."""

    @property
    def address(self) -> str:
        """Host and port."""
        ...


Place = str | ListeningRegistry
"""Where a registry is: `HOST:PORT`, with or without `http://`, or a registry that listens."""


class OutOfReachError(ImageBuilderError):
    """A registry is at a host that the double was not given, and must not ask for."""


class RegistryNetwork:
    """The registries behind hosts.

    Loopback addresses are always reached. Any other host is one that was given, or stays out of
    reach unless the network is allowed.

    Args:
        registries: where those are that names lead to by their hosts, as in `ghcr.io`.
        allowed: other hosts are asked over the network.
        hub_is_real: so is the public hub.
        double: what the double is called where it refuses.

    Raises:
        TypeError: a host is no text, or a registry is neither an address nor listens.
        ValueError: a host is empty, or an address has a path.
    """

    def __init__(
        self,
        registries: Mapping[str, Place] | None = None,
        *,
        allowed: bool = False,
        hub_is_real: bool = False,
        double: str = "fake engine",
    ) -> None:
        self._places = {
            _checked_host(host): _checked_place(host, place)
            for host, place in (registries or {}).items()
        }
        self._allowed = allowed
        self.hub_is_real = hub_is_real
        self._double = double

    def has(self, domain: str) -> bool:
        """Return whether a registry was given for a host."""
        return _known_as(domain) in self._places

    def address(self, domain: str) -> str:
        """Return where the registry of a host is.

        Raises:
            OutOfReachError: it was not given and the network is not allowed, or it does not listen.
        """
        known = _known_as(domain)
        place = self._places.get(known)
        if place is not None:
            return self._address_of(known, place)
        if is_loopback(domain.rsplit(":", 1)[0]) or self._allowed:
            return domain
        if known == HUB and self.hub_is_real:
            return domain
        raise OutOfReachError(
            f"{self._double}: {known} is out of its reach; give it a registry by "
            f"registries={{{known!r}: fake_registry}}, or allow the network by network=True"
        )

    def _address_of(self, host: str, place: Place) -> str:
        """Return where it is now: it may have begun to listen after it was given.

        Raises:
            OutOfReachError: it does not listen.
        """
        if isinstance(place, str):
            return place
        if place.address == _NOT_LISTENING:
            raise OutOfReachError(
                f"{self._double}: the registry that was given for {host} does not listen: start "
                "it, as in `with FakeRegistry() as registry`"
            )
        return place.address


def _known_as(domain: str) -> str:
    return HUB if domain in _HUB_HOSTS else domain


def _checked_host(host: object) -> str:
    if not isinstance(host, str):
        raise TypeError(f"registries: a host is a str as in 'ghcr.io', not {host!r}")
    if not host or "/" in host:
        raise ValueError(f"registries: a host as in 'ghcr.io' or 'registry.example:5000': {host!r}")
    return _known_as(host)


def _checked_place(host: str, place: Place) -> Place:
    if isinstance(place, str):
        text = place if "://" in place else f"//{place}"
        parts = urlsplit(text)
        if not parts.netloc or parts.path.strip("/"):
            raise ValueError(f"registries: {host!r}: {place!r} is no address as '127.0.0.1:5000'")
        return parts.netloc
    if not hasattr(place, "address"):
        raise TypeError(
            f"registries: {host!r}: a FakeRegistry or an address as '127.0.0.1:5000', "
            f"not {place!r} ({type(place).__name__})"
        )
    return place
