"""Settings of daemons: addresses, one or several, and platforms."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from imagebuilders.buildkit.daemon_address import parse_daemon_address
from imagebuilders.connections.address import AddressError, hide_password
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.platform import Platform


def _split(value: object) -> object:
    """Take one address, or several with commas between them, for a list."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _check_all(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for address in listed(value):
        _check(address)
    return value


def _check(address: str) -> None:
    try:
        parse_daemon_address(address)
    except AddressError as error:
        raise ValueError(f"{hide_password(address)!r} cannot be used: {error}") from error


# The type `str` is there for environment variables, which would have to be JSON otherwise.
Addresses: TypeAlias = Annotated[
    str | tuple[str, ...], BeforeValidator(_split), AfterValidator(_check_all)
]
"""One address, or several: a list, or with commas between them."""


def _check_platform(value: str) -> str:
    try:
        Platform.parse(value)
    except ImageFormatError as error:
        raise ValueError(str(error)) from error
    return value


PlatformName: TypeAlias = Annotated[str, AfterValidator(_check_platform)]
"""A platform, as in `linux/arm64`."""


def listed(addresses: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses, each by itself."""
    return (addresses,) if isinstance(addresses, str) else addresses
