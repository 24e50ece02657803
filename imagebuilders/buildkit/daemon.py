"""Connections to a BuildKit daemon that listens by itself (`buildkitd`)."""

from __future__ import annotations

import re
from dataclasses import replace

from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import ProtocolError, TransportError
from imagebuilders.connections.address import Address, AddressError, Scheme, parse_address
from imagebuilders.connections.dial import Endpoint, dial
from imagebuilders.connections.nonblocking import non_blocking
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.exceptions import BuildKitError, ConfigurationError

DEFAULT_ADDRESS = "unix:///run/buildkit/buildkitd.sock"
"""Where `buildkitd` listens when nothing else is said."""

CONNECT_SECONDS = 10.0
"""So long each step of connecting may take, and the daemon to say its first word."""

ALPN = ("h2",)

_COMPLETE = re.compile(r"(?i:unix)://.+|(?i:tcp|https?)://[^/]+:\d+/*")


def connect(
    address: str = DEFAULT_ADDRESS,
    *,
    tls: TLSFiles | None = None,
    timeout: float = CONNECT_SECONDS,
) -> ControlClient:
    """Return a client of the BuildKit daemon at an address. It is to be closed.

    Args:
        address: `unix:///path`, or `tcp://host:port`.
        tls: the files for TLS over TCP; without any, TLS is not spoken.
        timeout: seconds that each step of connecting may take, and the daemon to answer.

    Raises:
        BuildKitError: nothing listens there, or it is not a BuildKit daemon.
        ConfigurationError: the address or a TLS file cannot be used.
    """
    endpoint = Endpoint(_parse(address, tls=tls is not None), tls)
    try:
        return open_control(endpoint, timeout)
    except (OSError, TransportError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        advice = "See whether buildkitd is running and listens there."
        if isinstance(error, ProtocolError):
            advice = f"{advice} With a Docker Engine, LocalImageBuilder builds."
        raise BuildKitError(
            f"No BuildKit daemon answers at {address}: {reason}. {advice}"
        ) from error


def open_control(endpoint: Endpoint, timeout: float) -> ControlClient:
    """Return a client of the daemon at an endpoint, by prior knowledge of HTTP/2.

    Args:
        endpoint: where it is; over TLS it is asked for HTTP/2 by ALPN.
        timeout: seconds that each step of connecting may take, and its first word.

    Raises:
        OSError: no connection could be made.
        TransportError: it does not speak HTTP/2.
        ConfigurationError: a TLS file cannot be used.
    """
    connected = dial(replace(endpoint, alpn=ALPN), timeout=timeout)
    channel = Channel(non_blocking(connected), name="buildkit")
    try:
        channel.wait_ready(timeout)
    except BaseException:
        channel.close()
        raise
    return ControlClient(channel)


def _parse(text: str, *, tls: bool) -> Address:
    try:
        address = parse_address(text, tls=tls)
        if address.scheme is Scheme.SSH:
            raise AddressError("ssh:// is not supported; use unix:// or tcp://")
        # Docker's usual socket and ports, and paths behind a host, are not those of buildkitd.
        if not _COMPLETE.fullmatch(text.strip()):
            raise AddressError("write it as unix:///path or tcp://host:port")
    except AddressError as error:
        raise ConfigurationError(f"The address {text!r} cannot be used: {error}.") from error
    return address
