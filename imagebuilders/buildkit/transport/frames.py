"""A look at HTTP/2's frames before h2 sees them.

A peer that goes away finishes the streams that it has accepted (RFC 9113, section 6.8), but h2
takes a connection for closed at the first GOAWAY: these frames are read here. And h2 waits for the
whole of a frame before it refuses one that is too large, be it garbage: they are refused here.
"""

from __future__ import annotations

import struct

from imagebuilders.buildkit.transport.errors import ProtocolError

PREFACE_BYTES = 24
"""The length of what a client sends before its first frame."""

_HEADER = struct.Struct(">HBBBL")
_GOAWAY = struct.Struct(">LL")
_GOAWAY_TYPE = 0x7
_MAX_FRAME_BYTES = 16 * 1024  # HTTP/2's default; no other is asked for
_STREAM_BITS = 0x7FFFFFFF
_HTTP1 = b"HTTP/1."


class FrameFilter:
    """Splits bytes of a peer into GOAWAY frames and everything else. Takes pieces of any size."""

    def __init__(self, *, skip: int = 0) -> None:
        """Begin.

        Args:
            skip: how many bytes come before the first frame.
        """
        self._passing = skip
        self._header = bytearray()
        self._payload: bytearray | None = None
        self._wanted = 0

    def feed(self, data: bytes) -> tuple[bytes, list[tuple[int, int]]]:
        """Take bytes.

        Returns:
            The bytes without the GOAWAY frames, and of each of those the last stream and the
            error code.

        Raises:
            ProtocolError: a frame is too large or no frame at all, or a GOAWAY frame malformed.
        """
        passed: list[memoryview | bytes] = []
        found: list[tuple[int, int]] = []
        view = memoryview(data)
        begin = at = 0
        while at < len(view):
            if self._passing:
                step = min(self._passing, len(view) - at)
                self._passing -= step
                at += step
            elif self._payload is None:
                step = min(_HEADER.size - len(self._header), len(view) - at)
                self._header += view[at : at + step]
                passed.append(view[begin:at])
                at += step
                begin = at
                if len(self._header) == _HEADER.size:
                    self._begin_frame(passed)
            else:
                step = min(self._wanted - len(self._payload), len(view) - at)
                self._payload += view[at : at + step]
                at += step
                begin = at
                if len(self._payload) == self._wanted:
                    last, code = _GOAWAY.unpack_from(self._payload)
                    found.append((last & _STREAM_BITS, code))
                    self._payload = None
        passed.append(view[begin:])
        return b"".join(passed), found

    def _begin_frame(self, passed: list[memoryview | bytes]) -> None:
        high, low, kind, _flags, stream = _HEADER.unpack(self._header)
        length = high << 8 | low
        if self._header.startswith(_HTTP1):
            raise ProtocolError("the peer speaks HTTP/1, where HTTP/2 was expected")
        if length > _MAX_FRAME_BYTES:
            raise ProtocolError(
                f"the peer broke the HTTP/2 protocol: a frame of {length} bytes, where "
                f"{_MAX_FRAME_BYTES} are allowed"
            )
        if kind != _GOAWAY_TYPE:
            passed.append(bytes(self._header))
            self._passing = length
        elif length < _GOAWAY.size or stream & _STREAM_BITS:
            raise ProtocolError("the peer broke the HTTP/2 protocol: a malformed GOAWAY frame")
        else:
            self._payload = bytearray()
            self._wanted = length
        self._header.clear()
