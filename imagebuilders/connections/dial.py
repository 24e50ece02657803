"""Opening a connection to the daemon at an address."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import field

from imagebuilders.connections.address import Address, Scheme
from imagebuilders.connections.command import CommandSocket
from imagebuilders.connections.http1 import send_request
from imagebuilders.connections.streams import SocketStream
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.proxies import Proxy


@dataclass(frozen=True)
class Endpoint:
    """A daemon's address, and what it takes to reach it."""

    address: Address
    tls: TLSFiles | None = None
    """The files for TLS over TCP; without any, TLS is only spoken where the address asks for it."""
    proxy: Proxy | None = None
    command: Sequence[str] = ()
    """For ssh and other commands, what to run."""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What is sent with each request beside what HTTP needs."""
    alpn: tuple[str, ...] = ()
    """The protocols that TLS offers by their names, if any."""

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.address.scheme is Scheme.TCP and (self.address.tls or self.tls is not None)

    @property
    def host_header(self) -> str:
        """The value of `Host` in requests."""
        address = self.address
        if address.scheme is not Scheme.TCP:
            return "localhost"
        host = f"[{address.host}]" if ":" in address.host else address.host
        return f"{host}:{address.port}"

    @property
    def base_path(self) -> str:
        """What stands before every path of the API."""
        return self.address.path if self.address.scheme is Scheme.TCP else ""

    def forwarded(self, path: str) -> str:
        """Return what a request names: the path, or the whole URL for a proxy that forwards it."""
        return path if self._forwarding_proxy is None else f"http://{self.host_header}{path}"

    def headers(self) -> dict[str, str]:
        """Return the headers that every request needs."""
        headers = {**self.extra_headers, "Host": self.host_header}
        proxy = self._forwarding_proxy
        if proxy is not None and proxy.authorization is not None:
            headers["Proxy-Authorization"] = proxy.authorization
        return headers

    @property
    def _forwarding_proxy(self) -> Proxy | None:
        """The proxy that is sent the requests themselves, since they are not encrypted."""
        return None if self.is_secure else self.proxy


class ProxyError(ConnectionError):
    """A proxy cannot be reached, or did not let a connection through."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def open_stream(endpoint: Endpoint, *, timeout: float | None = None) -> SocketStream:
    """Open a byte stream to a daemon.

    Args:
        endpoint: where it is.
        timeout: seconds that each step of connecting may take.

    Raises:
        OSError: no connection could be made.
        ConfigurationError: a TLS file is missing or cannot be used.
    """
    return SocketStream(dial(endpoint, timeout=timeout))


def dial(endpoint: Endpoint, *, timeout: float | None = None) -> socket.socket:
    """Open a connection to a daemon, as a socket.

    Args:
        endpoint: where it is.
        timeout: seconds that each step of connecting may take.

    Raises:
        OSError: no connection could be made.
        ConfigurationError: a TLS file is missing or cannot be used.
    """
    if endpoint.address.scheme is Scheme.UNIX:
        return _dial_unix(endpoint.address.path, timeout)
    if endpoint.address.scheme in (Scheme.SSH, Scheme.COMMAND):
        return CommandSocket(endpoint.command)
    return _dial_tcp(endpoint, timeout)


def _dial_unix(path: str, timeout: float | None) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.settimeout(timeout)
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    return connected


def _dial_tcp(endpoint: Endpoint, timeout: float | None) -> socket.socket:
    address, proxy = endpoint.address, endpoint.proxy
    assert address.port is not None  # every TCP address has one
    # The files first: one that is missing is no reason to connect.
    context = (endpoint.tls or TLSFiles()).client_context() if endpoint.is_secure else None
    if context is not None and endpoint.alpn:
        context.set_alpn_protocols(list(endpoint.alpn))
    if proxy is not None:
        connected = _dial_proxy(proxy, timeout)
    else:
        connected = socket.create_connection((address.host, address.port), timeout)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A build may be silent for hours; a peer that has vanished is noticed all the same.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if context is not None:
            if proxy is not None:
                _open_tunnel(connected, endpoint, proxy, timeout)
            name = endpoint.tls.server_name if endpoint.tls else None
            connected = context.wrap_socket(connected, server_hostname=name or address.host)
    except BaseException:
        connected.close()
        raise
    return connected


def _dial_proxy(proxy: Proxy, timeout: float | None) -> socket.socket:
    """Open a connection to a proxy.

    Raises:
        ProxyError: no connection could be made; it would be taken for the daemon's otherwise.
    """
    try:
        connected = socket.create_connection((proxy.host, proxy.port), timeout)
        if not proxy.tls:
            return connected
        try:
            return TLSFiles().client_context().wrap_socket(connected, server_hostname=proxy.host)
        except BaseException:
            connected.close()
            raise
    except (OSError, UnicodeError) as error:
        if isinstance(error, TimeoutError):
            reason = "no answer in time"
        else:
            reason = getattr(error, "strerror", None) or str(error)
        source = f" of {proxy.variable}" if proxy.variable else ""
        raise ProxyError(
            f"the proxy {proxy.url}{source} cannot be reached: {reason.lower()}"
        ) from error


def _open_tunnel(
    connected: socket.socket, endpoint: Endpoint, proxy: Proxy, timeout: float | None
) -> None:
    """Have a proxy connect to the server, by the HTTP method CONNECT."""
    headers = {"Host": endpoint.host_header}
    if proxy.authorization is not None:
        headers["Proxy-Authorization"] = proxy.authorization
    answer = send_request(
        SocketStream(connected),
        "CONNECT",
        endpoint.host_header,
        headers=headers,
        send_timeout=timeout,
        idle_timeout=timeout,
    )
    if answer.status != 200:
        raise ProxyError(f"the proxy {proxy.url} answered with HTTP status {answer.status}")
