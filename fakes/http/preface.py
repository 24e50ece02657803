"""Which HTTP a client speaks on a connection where it may speak either: its first bytes tell."""

from __future__ import annotations

import socket
from contextlib import suppress

HTTP2 = b"PRI"
"""What HTTP/2 with prior knowledge begins with, and no request of HTTP/1.1 does.

https://www.rfc-editor.org/rfc/rfc9113#section-3.4
"""


def first_bytes(connection: socket.socket) -> bytes:
    """Read until it is clear whether a client speaks HTTP/2; return what was read."""
    begun = b""
    with suppress(OSError):
        while len(begun) < len(HTTP2) and HTTP2.startswith(begun):
            if not (more := connection.recv(len(HTTP2) - len(begun))):
                break
            begun += more
    return begun
