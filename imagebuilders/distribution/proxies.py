"""Proxies from the environment, by the rules of Go's `net/http`, which Docker's programs follow.

https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from imagebuilders.exceptions import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the URL of the proxy by which to ask; `None` when the host is asked directly.

    A host on a loopback address is always asked directly.

    Args:
        url: what is asked for.
        environ: the environment.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used. The value is not
            shown, for it may have a password.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    variable, value = _first(environ, f"{parts.scheme.upper()}_PROXY")
    if not value or is_loopback(host) or _is_excluded(host, port, _first(environ, "NO_PROXY")[1]):
        return None
    # A program that a web server started may have the header `Proxy` of a request in HTTP_PROXY.
    if variable == "HTTP_PROXY" and environ.get("REQUEST_METHOD"):
        return None
    return _checked(value if "://" in value else f"http://{value}", variable)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as its name says: `localhost` or a loopback address.

    Args:
        host: without a port; an IPv6 address with brackets or without.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _first(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    for variable in (name, name.lower()):
        if environ.get(variable):
            return variable, environ[variable]
    return name, ""


def _checked(url: str, variable: str) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
        parts = None
    if not usable or parts is None:
        raise ConfigurationError(
            f"The environment variable {variable} is not the URL of a proxy, as in "
            "http://proxy.example:3128.",
            file=variable,
        )
    if parts.scheme not in _DEFAULT_PORTS:
        raise ConfigurationError(
            f"The environment variable {variable} names a proxy of the kind {parts.scheme!r}; "
            "registries are asked by http:// and https:// proxies only. Name one of these, or "
            "exclude the registry by NO_PROXY.",
            file=variable,
        )
    return url


def _is_excluded(host: str, port: int, excluded: str) -> bool:
    """Whether `NO_PROXY` names a host: a list of domains, addresses and networks, with ports."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    return any(
        _excludes(entry.strip().lower(), host, address, port) for entry in excluded.split(",")
    )


def _excludes(
    entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int
) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, wanted = _split_port(entry)
    if wanted and wanted != str(port):
        return False
    if address is not None:
        try:
            return ipaddress.ip_address(name) == address
        except ValueError:
            return False
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, str]:
    """Split off a port; an IPv6 address has one only behind brackets."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""
