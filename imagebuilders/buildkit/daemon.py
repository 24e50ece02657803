"""Connections to BuildKit daemons: by socket, TCP, TLS, ssh, in a container or a pod."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.daemon_address import ALPN, DIAL, parse_daemon_address
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.connections.address import AddressError, hide_password
from imagebuilders.connections.candidates import (
    CERTIFICATES_VARIABLE,
    CONTEXT_VARIABLE,
    HOST_VARIABLE,
    TLS_VERIFY_VARIABLE,
)
from imagebuilders.connections.container_exec import run_in_container
from imagebuilders.connections.dial import Endpoint, dial
from imagebuilders.connections.nonblocking import NonBlockingStream, non_blocking
from imagebuilders.connections.upgrade import upgrade_connection
from imagebuilders.exceptions import BuildKitError, ConfigurationError, EngineError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.connections.tls import TLSFiles

DEFAULT_ADDRESS = "unix:///run/buildkit/buildkitd.sock"
"""Where `buildkitd` listens when nothing else is said."""

CONNECT_SECONDS = 10.0
"""So long each step of connecting may take, and the daemon to say its first word."""

_OF_ENGINE = (HOST_VARIABLE, CONTEXT_VARIABLE, TLS_VERIFY_VARIABLE, CERTIFICATES_VARIABLE)


@dataclass(frozen=True)
class Daemon:
    """A BuildKit daemon that a connection can be opened to.

    Attributes:
        name: what errors call it, and what it is told from others by.
        dial: opens a byte stream to it; takes the seconds that each step may take.
        platforms: what it is meant to build, as in `linux/arm64`; anything by default.
        addresses: the spellings of its address by which Docker's settings may know it.
    """

    name: str
    dial: Callable[[float], NonBlockingStream] = field(repr=False)
    platforms: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def daemon_at(text: str, *, tls: TLSFiles | None = None, platforms: tuple[str, ...] = ()) -> Daemon:
    """Return the daemon at an address.

    Args:
        text: the address; see `parse_daemon_address`.
        tls: the files for TLS over TCP; without any, TLS is not spoken.
        platforms: what it is meant to build; anything by default.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    try:
        address = parse_daemon_address(text, tls)
    except AddressError as error:
        raise ConfigurationError(
            f"The address {hide_password(text)!r} cannot be used: {error}."
        ) from error
    endpoint = address.endpoint
    if endpoint is None:
        opened = _in_container(address.container, address.context)
    else:
        opened = _to(endpoint)
    return Daemon(address.text, opened, platforms, (address.text,))


def endpoint_daemon(name: str, endpoint: Endpoint, platforms: tuple[str, ...] = ()) -> Daemon:
    """Return the daemon at an endpoint.

    Args:
        name: what it is called.
        endpoint: what a connection is opened to.
        platforms: what it is meant to build; anything by default.
    """
    return Daemon(name, _to(endpoint), platforms)


def _to(endpoint: Endpoint) -> Callable[[float], NonBlockingStream]:
    return lambda seconds: non_blocking(dial(endpoint, timeout=seconds))


def _in_container(container: str, engine: str) -> Callable[[float], NonBlockingStream]:
    def opened(seconds: float) -> NonBlockingStream:
        endpoint = find_engine_endpoint(engine, seconds)
        return run_in_container(endpoint, container, DIAL, timeout=seconds)

    return opened


def container_daemon(container: str, engine: str, platforms: tuple[str, ...] = ()) -> Daemon:
    """Return the daemon in a container.

    Args:
        container: the container's name.
        engine: the Docker context or the address of its engine; the one that is found if empty.
        platforms: what it is meant to build; anything by default.
    """
    return Daemon(f"docker-container://{container}", _in_container(container, engine), platforms)


def engine_daemon(engine: str, platforms: tuple[str, ...] = ()) -> Daemon:
    """Return the BuildKit inside an engine.

    Args:
        engine: the Docker context or the address of the engine; the one that is found if empty.
        platforms: what it is meant to build; anything by default.
    """

    def opened(seconds: float) -> NonBlockingStream:
        endpoint = find_engine_endpoint(engine, seconds)
        return upgrade_connection(
            dial(endpoint, timeout=seconds),
            endpoint.forwarded(f"{endpoint.base_path}/grpc"),
            endpoint.headers(),
            timeout=seconds,
        )

    return Daemon(f"Docker Engine {engine or 'default'}", opened, platforms)


def find_engine_endpoint(
    engine: str, seconds: float, environ: Mapping[str, str] | None = None
) -> Endpoint:
    """Return where an engine is, once it has answered.

    Args:
        engine: a Docker context, or an address; the engine that is found if empty or `default`.
        seconds: so long it may take to answer.
        environ: the environment to read; the process's own by default.

    Raises:
        EngineNotFoundError: it does not answer.
        ConfigurationError: Docker's settings cannot be read.
    """
    from imagebuilders.connections.discovery import find_engine

    given = dict(os.environ if environ is None else environ)
    if engine == "default":
        given.pop(CONTEXT_VARIABLE, None)
    elif engine:
        given = {name: value for name, value in given.items() if name not in _OF_ENGINE}
        given[HOST_VARIABLE if "://" in engine else CONTEXT_VARIABLE] = engine
    found = find_engine(environ=given, ping_timeout=seconds)
    if found.connection is not None:
        found.connection.close()
    return found.endpoint


# --- connecting --------------------------------------------------------------


def connect(
    address: str = DEFAULT_ADDRESS,
    *,
    tls: TLSFiles | None = None,
    timeout: float = CONNECT_SECONDS,
) -> ControlClient:
    """Return a client of the BuildKit daemon at an address. It is to be closed.

    Args:
        address: `unix:///path`, `tcp://host:port`, `ssh://user@host`, `docker-container://name`,
            or `kube-pod://pod?namespace=…`.
        tls: the files for TLS over TCP; without any, TLS is not spoken.
        timeout: seconds that each step of connecting may take, and the daemon to answer.

    Raises:
        BuildKitError: nothing listens there, or it is not a BuildKit daemon.
        ConfigurationError: the address or a TLS file cannot be used.
    """
    daemon = daemon_at(address, tls=tls)
    try:
        return open_daemon(daemon, timeout)
    except (OSError, EngineError) as error:
        raise BuildKitError(
            f"No BuildKit daemon answers at {daemon.name}: {failure_reason(error)}. "
            f"{advice_on(error)}"
        ) from error


def open_daemon(daemon: Daemon, timeout: float) -> ControlClient:
    """Return a client of a daemon, once it has spoken HTTP/2.

    Args:
        daemon: the daemon.
        timeout: seconds that connecting may take, and its first word.

    Raises:
        OSError: no connection could be made.
        EngineError: the engine that leads to it does not answer.
        TransportError: it does not speak HTTP/2.
        ConfigurationError: a TLS file cannot be used.
    """
    end = time.monotonic() + timeout
    channel = Channel(daemon.dial(timeout), name="buildkit")
    try:
        channel.wait_ready(max(0.0, end - time.monotonic()))
    except BaseException:
        channel.close()
        raise
    return ControlClient(channel)


def open_control(endpoint: Endpoint, timeout: float) -> ControlClient:
    """Return a client of the daemon at an endpoint; see `open_daemon`.

    Args:
        endpoint: where it is.
        timeout: seconds that connecting may take, and its first word.

    Raises:
        OSError, TransportError, ConfigurationError: as in `open_daemon`.
    """
    daemon = endpoint_daemon(str(endpoint.address), replace(endpoint, alpn=ALPN))
    return open_daemon(daemon, timeout)


def advice_on(error: BaseException) -> str:
    """Return what to do about a daemon that cannot be reached."""
    advice = "See whether buildkitd is running and listens there."
    if isinstance(error, ProtocolError):
        return f"{advice} With a Docker Engine, LocalImageBuilder builds."
    return advice


def failure_reason(error: BaseException) -> str:
    """Return why a daemon cannot be reached, in a few words and without a full stop."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {cause.verify_message.rstrip('.').lower()}"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        words = cause.reason.lower().replace("_", " ")
        if "alert" in words:  # the other side's word on what was sent
            return f"it refused the connection: {words.partition('alert ')[2]}"
        return f"no TLS connection could be made: {words}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).rstrip(".")
    return str(error).rstrip(".")
