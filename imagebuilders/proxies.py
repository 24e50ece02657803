"""Which proxy a host is asked through, by the environment, as Go's programs read it.

`docker` uses Go's rules, which differ from those of Python's HTTP libraries: what listens on this
machine is never asked through a proxy, and `ALL_PROXY` does not count.
https://pkg.go.dev/golang.org/x/net/http/httpproxy
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import field
from urllib.parse import unquote_to_bytes, urlsplit

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy."""

    host: str
    port: int
    tls: bool = False
    """Whether the proxy itself is spoken to by TLS."""
    authorization: str | None = field(default=None, repr=False)
    """The value of `Proxy-Authorization`."""
    variable: str = ""
    """The environment variable that names it."""

    @property
    def url(self) -> str:
        """Its address, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def find_proxy(host: str, port: int, *, tls: bool, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a TCP connection to a server of HTTP; `None` for none.

    Args:
        host: the server's name or IP address.
        port: its port.
        tls: whether it is spoken to by TLS.
        environ: the environment to read.

    Raises:
        ConfigurationError: the variable holds something else than the address of an HTTP proxy.
    """
    variable, value = _setting(environ, "HTTPS_PROXY" if tls else "HTTP_PROXY")
    # In a CGI program, HTTP_PROXY is what a visitor's header `Proxy` says.
    if not value or (not tls and "REQUEST_METHOD" in environ):
        return None
    if _is_direct(host, port, _setting(environ, "NO_PROXY")[1]):
        return None
    return _parse(variable, value)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as its name says: `localhost` or a loopback address.

    Args:
        host: without a port; an IPv6 address with brackets or without.
    """
    address = _ip(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _setting(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    for variable in (name, name.lower()):
        if environ.get(variable):
            return variable, environ[variable]
    return name, ""


def _parse(variable: str, value: str) -> Proxy:
    def unusable(why: str) -> ConfigurationError:
        # The value is not shown: it may hold a password.
        return ConfigurationError(f"the proxy in {variable} cannot be used: {why}", file=variable)

    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port, host = parts.port, parts.hostname
    except ValueError:
        raise unusable("its address is malformed") from None
    if parts.scheme not in ("http", "https"):
        raise unusable(f"{parts.scheme}:// is not supported; an HTTP proxy is needed")
    if not host:
        raise unusable("its address has no host")
    if any(character.isspace() or not character.isprintable() for character in host):
        raise unusable("its host is malformed")
    authorization = None
    if parts.username is not None:
        pair = b":".join(map(_unquoted, (parts.username, parts.password or "")))
        authorization = f"Basic {base64.b64encode(pair).decode('ascii')}"
    secure = parts.scheme == "https"
    return Proxy(host, port or (443 if secure else 80), secure, authorization, variable)


def _unquoted(text: str) -> bytes:
    """Return the bytes that a part of a URL stands for; those of a password need not be UTF-8."""
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


def _is_direct(host: str, port: int, exceptions: str) -> bool:
    """Whether a host is asked directly: on this machine, or among the exceptions of NO_PROXY."""
    host = host.lower().rstrip(".")
    if is_loopback(host):
        return True
    address = _ip(host)
    return any(
        exception == "*" or _covers(exception, host, address, port)
        for exception in _entries(exceptions)
    )


def _entries(exceptions: str) -> Iterator[str]:
    for entry in exceptions.split(","):
        if entry := entry.strip().lower():
            yield entry


def _covers(
    exception: str,
    host: str,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
    port: int,
) -> bool:
    if "/" in exception:
        try:
            network = ipaddress.ip_network(exception, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    name, wanted_port = _split_port(exception)
    if wanted_port is not None and wanted_port != str(port):
        return False
    excepted = _ip(name)
    if excepted is not None:
        return excepted == address
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)  # subdomains only
    return host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, str | None]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest[1:] if rest.startswith(":") else None
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, None


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
