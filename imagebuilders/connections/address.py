"""Addresses of engines and build daemons, in every spelling that the `docker` command takes.

https://docs.docker.com/reference/cli/docker/#host and `opts.ParseHost` of github.com/docker/cli.
"""

from __future__ import annotations

import enum
import re
from urllib.parse import SplitResult, unquote, urlsplit

from imagebuilders.lazy_dataclass import dataclass

DEFAULT_SOCKET = "/var/run/docker.sock"
DEFAULT_HOST = "localhost"
PLAIN_PORT = 2375
TLS_PORT = 2376
"""The ports that IANA keeps for Docker, without and with TLS."""


_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Z_]+=")
_QUOTES = ("'", '"', "`")

_PASSWORD = re.compile(r"\A((?:[^:@/]*://)?[^:@/]*:).*@", re.DOTALL)


class AddressError(ValueError):
    """An address cannot be used; the text says why, to be put behind the address and a colon."""


class Scheme(enum.Enum):
    """How the daemon at an address is reached."""

    UNIX = "unix"
    TCP = "tcp"
    SSH = "ssh"
    COMMAND = "command"
    """By the standard input and output of a command; its words stand in the path."""


@dataclass(frozen=True)
class Address:
    """Where a daemon listens."""

    scheme: Scheme
    host: str = ""
    """The host name or IP address, an IPv6 address without its brackets; empty for a socket."""
    port: int | None = None
    path: str = ""
    """The socket's path; behind a host, what stands before every path of the API."""
    user: str | None = None
    """Whom to log in as, for ssh."""
    tls: bool = False
    """Whether the address itself asks for TLS, as `https://` does."""

    def __str__(self) -> str:
        if self.scheme is Scheme.UNIX:
            return f"unix://{self.path}"
        if self.scheme is Scheme.COMMAND:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme.value}://{user}{host}{port}{self.path}"


def parse_address(text: str, *, tls: bool = False) -> Address:
    """Read an address such as `unix:///run/docker.sock`, `tcp://host:2375`, `ssh://user@host`.

    What `docker` takes is taken: `host:port` and `:port` without `tcp://`, a host without a port
    (2375, or 2376 with TLS), `tcp://` and `unix://` alone for the usual places, spaces around.
    `http://` and `https://` are taken as the Docker SDK for Python does.

    Args:
        text: the address.
        tls: whether the daemon is spoken to by TLS, which decides the port that is left out.

    Raises:
        AddressError: it is malformed, or of a kind that cannot be used.
    """
    text = text.strip()
    refuse_shell_syntax(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    scheme = scheme.lower()
    if scheme in ("unix", "http+unix"):
        if "\0" in rest:
            raise AddressError("a path cannot hold a null character")
        return Address(Scheme.UNIX, path=rest or DEFAULT_SOCKET)
    if scheme == "ssh":
        return _ssh_address(_split(f"ssh://{rest}"))
    if scheme in ("tcp", "http", "https"):
        return _tcp_address(_split(f"tcp://{rest}"), tls=tls, https=scheme == "https")
    if scheme == "npipe":
        raise AddressError("named pipes are only there on Windows")
    raise AddressError(f"{scheme}:// is not supported; use unix://, tcp:// or ssh://")


def _split(text: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in text):
        raise AddressError("it holds a space or a control character")
    try:
        parts = urlsplit(text)
        port = parts.port  # raises for one that is not a number, or past 65535
    except ValueError as error:
        # What is taken for a port may be a part of a password.
        reason = "" if "@" in text else f" ({error})"
        raise AddressError(f"it is malformed{reason}") from None
    if port == 0:
        raise AddressError("there is no port 0")
    if parts.query or parts.fragment:
        raise AddressError("an address has no query and no fragment")
    if parts.password is not None:
        raise AddressError("a password in an address is not supported")
    return parts


def _tcp_address(parts: SplitResult, *, tls: bool, https: bool) -> Address:
    if parts.username is not None:
        raise AddressError("a user in an address is only for ssh://")
    return Address(
        Scheme.TCP,
        host=parts.hostname or DEFAULT_HOST,
        port=parts.port or (TLS_PORT if tls or https else PLAIN_PORT),
        path=parts.path.rstrip("/"),
        tls=https,
    )


def _ssh_address(parts: SplitResult) -> Address:
    if not parts.hostname:
        raise AddressError("the host is missing")
    # `hostname` is in lower case; names in ssh's own configuration are told apart by case.
    host = parts.netloc.rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return Address(
        Scheme.SSH,
        host=host,
        port=parts.port,
        path="" if parts.path.strip("/") == "" else parts.path,
        user=unquote(parts.username) if parts.username else None,
    )


def hide_password(text: str) -> str:
    """Return an address, malformed or not, without the password that it may hold."""
    return _PASSWORD.sub(r"\1***@", text)


def refuse_shell_syntax(text: str) -> None:
    """Refuse an address that was copied with what a shell would have taken away.

    Raises:
        AddressError: it begins with a variable's name, as in `DOCKER_HOST=…`, or with a quotation
            mark.
    """
    if named := _ASSIGNMENT.match(text):
        raise AddressError(f"leave out {named[0]!r}, which belongs to the shell's line")
    if text.startswith(_QUOTES):
        raise AddressError("leave out the quotation marks, which belong to the shell's line")
