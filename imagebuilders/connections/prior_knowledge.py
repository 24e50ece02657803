"""Whether a daemon speaks HTTP/2 to a client that has not asked it to (RFC 9113, section 3.3)."""

from __future__ import annotations

from contextlib import closing

from imagebuilders.connections.dial import Endpoint, open_stream
from imagebuilders.exceptions import ConfigurationError

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
_HEAD_BYTES = 9
_SETTINGS_TYPE = 4


def speaks_http2(endpoint: Endpoint, *, timeout: float) -> bool:
    """Return whether a daemon answers HTTP/2's first words with its own, on a connection apart.

    Args:
        endpoint: where the daemon is.
        timeout: seconds that each step may take.
    """
    try:
        with closing(open_stream(endpoint, timeout=timeout)) as stream:
            stream.send(_PREFACE + _EMPTY_SETTINGS, timeout=timeout)
            head = b""
            while len(head) < _HEAD_BYTES:
                received = stream.receive(_HEAD_BYTES - len(head), timeout=timeout)
                if not received:
                    return False
                head += received
    except (OSError, ConfigurationError):
        return False
    # Type and stream of the first frame; a server's is that of its settings.
    return head[3] == _SETTINGS_TYPE and not any(head[5:])
