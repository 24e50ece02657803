"""Where a double listens: `unix://PATH`, `tcp://HOST:PORT`, or a socket in a fresh folder."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_WAITING = 4096
"""So many clients may wait to be accepted; a kernel that allows fewer takes its own number."""
_PATH_LIMIT = 100
"""Bytes of a socket's path that every system takes; the shortest limit is 103."""
_PLAIN_PATH = re.compile(r"[\w./@+=,-]+", re.ASCII)
"""Paths that mean the same in a URL, whoever reads it."""
_FOLDERS = (None, "/tmp", "/var/tmp")  # noqa: S108  (folders of their own are made there)


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on a port of an address or a name of this machine.

    Args:
        host: an IPv4 or IPv6 address, or a name; of a name that has both, IPv4 is taken.
        port: the port; 0 for any that is free.

    Raises:
        OSError: it cannot be listened on.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return socket.create_server(address, family=family, backlog=_WAITING)


def host_and_port(listener: socket.socket) -> str:
    """Return where a TCP socket listens, as `127.0.0.1:80` or `[::1]:80`."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def listening(listen: str | None, name: str) -> Iterator[tuple[socket.socket, str]]:
    """Listen for the length of a `with` block; what was made for it is removed at its end.

    Args:
        listen: `unix://PATH` or `tcp://HOST:PORT`; a socket in a fresh folder when left out.
        name: the double's, for the name of that folder.

    Returns:
        A context manager whose value is the socket and its address. The port of a TCP address
        is the one that was picked; its host is as it was given.

    Raises:
        ValueError: the address has neither form.
        OSError: it cannot be listened on.
    """
    if listen is None:
        folder = _fresh_folder(name)
        try:
            with _listening_unix(f"{folder}/{name}.sock") as found:
                yield found
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    elif listen.startswith("unix://"):
        with _listening_unix(listen.removeprefix("unix://")) as found:
            yield found
    else:
        host, port = _parse_tcp(listen)
        with listen_tcp(host.strip("[]"), port) as listener:
            yield listener, f"tcp://{host}:{listener.getsockname()[1]}"


def _parse_tcp(listen: str) -> tuple[str, int]:
    if not listen.startswith("tcp://"):
        raise ValueError(f"{listen!r} is neither unix://PATH nor tcp://HOST:PORT")
    host, _, port = listen.removeprefix("tcp://").rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    bracketed = host == f"[{bare}]"
    if not bare or (":" in bare) != bracketed or not port.isdecimal() or int(port) > 65535:
        raise ValueError(
            f"{listen!r} is no tcp://HOST:PORT with a port up to 65535; an IPv6 address stands in "
            "brackets, as in tcp://[::1]:0"
        )
    return host, int(port)


@contextmanager
def _listening_unix(path: str) -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            listener.bind(path)
        except OSError as error:
            raise _explained(error, path) from error
        try:
            listener.listen(_WAITING)
            yield listener, f"unix://{path}"
        finally:
            with suppress(OSError):
                os.unlink(path)


def _explained(error: OSError, path: str) -> OSError:
    if error.errno == errno.EADDRINUSE:
        return OSError(error.errno, _why_taken(path), path)
    if error.errno is None:  # Python itself refuses a path that is too long, without a number.
        words = f"a socket's path has at most {_PATH_LIMIT} bytes: choose a shorter one"
        return OSError(errno.ENAMETOOLONG, words, path)
    return error


def _why_taken(path: str) -> str:
    """What is where a socket was to be: bind() calls a file of any kind an address in use."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(path)
        except OSError:
            return "there is a file already: remove it or choose another path"
    return "another program listens there: choose another path"


def _fresh_folder(name: str) -> str:
    """Make a folder for a socket: that of temporary files may be too deep for one."""
    for parent in _FOLDERS:
        with suppress(OSError):
            folder = tempfile.mkdtemp(prefix=f"{name}-", dir=parent)
            path = f"{folder}/{name}.sock"
            if len(os.fsencode(path)) <= _PATH_LIMIT and _PLAIN_PATH.fullmatch(path):
                return folder
            os.rmdir(folder)
    raise OSError(
        errno.ENAMETOOLONG,
        "no folder of temporary files has a path that is short and plain enough for a socket; "
        "name one, as in unix:///run/double.sock",
    )
