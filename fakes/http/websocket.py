"""The server's side of a websocket (RFC 6455): the handshake's answer and its frames."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable, Iterator

from .messages import Headers

BINARY, CLOSE = 2, 8
_LAST = 0x80
_MASKED = 0x80
_CONTROL = 8
"""Kinds of frames from this one on are about the connection, as its close and pings are."""
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT, _LONG = 126, 127
_NORMAL = struct.pack(">H", 1000)


def is_handshake(headers: Headers) -> bool:
    """Return whether a request asks for a websocket."""
    return headers.get("Upgrade").lower() == "websocket" and "upgrade" in headers.tokens(
        "Connection"
    )


def handshake(key: str) -> dict[str, str]:
    """Return the headers of the answer with status 101 to a client's `Sec-WebSocket-Key`."""
    digest = hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
    }


def frame(data: bytes, kind: int = BINARY) -> bytes:
    """Return a message of one frame, as a server sends it."""
    size = len(data)
    if size < _SHORT:
        head = struct.pack(">BB", _LAST | kind, size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", _LAST | kind, _SHORT, size)
    else:
        head = struct.pack(">BBQ", _LAST | kind, _LONG, size)
    return head + data


def closing() -> bytes:
    """Return the frame with which a connection ends as it should."""
    return frame(_NORMAL, CLOSE)


def payloads(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Return what a client sends, until it closes or its connection ends.

    Args:
        read: gives so many bytes, or fewer at the end.
    """
    while len(head := read(2)) == 2:
        kind, size = head[0] & 15, head[1] & 127
        if size >= _SHORT:
            width = 2 if size == _SHORT else 8
            size = int.from_bytes(read(width), "big")
        mask = read(4) if head[1] & _MASKED else bytes(4)
        data = read(size)
        if kind == CLOSE or len(data) < size or len(mask) < 4:
            return
        if kind < _CONTROL:
            yield bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
