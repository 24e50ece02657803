"""Messages in a stream of bytes: gRPC's length-prefixed framing."""

from __future__ import annotations

import struct

from imagebuilders.buildkit.transport.errors import ProtocolError

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""The largest message that is accepted. Daemons send up to 16 MiB."""

_PREFIX = struct.Struct(">BL")
PREFIX_BYTES = _PREFIX.size


def encode_message(message: bytes) -> bytes:
    """Return a message with its prefix, not compressed."""
    return _PREFIX.pack(0, len(message)) + message


class MessageReader:
    """Finds the messages in what arrives, in pieces of any size."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._wanted = _PREFIX.size
        self._length = -1

    @property
    def is_between_messages(self) -> bool:
        """Whether everything so far belongs to whole messages."""
        return not self._buffer and self._length < 0

    @property
    def buffered(self) -> int:
        """How many bytes of a message, and of its prefix, have come that is not whole yet."""
        return len(self._buffer) + (0 if self._length < 0 else PREFIX_BYTES)

    @property
    def announced(self) -> int:
        """How long the message is that is not whole yet; 0 while that is not known."""
        return max(0, self._length)

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece; return the messages that it completes.

        Raises:
            ProtocolError: a message is compressed, or larger than the limit.
        """
        self._buffer += data
        messages: list[bytes] = []
        at = 0
        size = len(self._buffer)
        while size - at >= self._wanted:
            if self._length < 0:
                compressed, length = _PREFIX.unpack_from(self._buffer, at)
                if compressed:
                    raise ProtocolError("a message is compressed, which was not offered")
                if length > self._limit:
                    raise ProtocolError(
                        f"a message of {length} bytes is larger than the limit of {self._limit}"
                    )
                at += _PREFIX.size
                self._length = self._wanted = length
            else:
                messages.append(bytes(memoryview(self._buffer)[at : at + self._length]))
                at += self._length
                self._length, self._wanted = -1, _PREFIX.size
        if at:
            del self._buffer[:at]
        return messages
