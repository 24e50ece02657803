"""What is spoken on a connection to an engine: HTTP/1.1, or HTTP/2 from its first bytes on."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..http import messages
from ..http.conversation import Conversation
from ..http.preface import HTTP2, first_bytes
from .http2 import serve_http2
from .routes.buildkit import calls_of
from .versions import SPEAKS_HTTP2

if TYPE_CHECKING:
    from .daemon import Daemon


def converse(
    connection: socket.socket,
    answer: Callable[[messages.Request], messages.Response],
    engine: Daemon,
) -> None:
    """Answer what comes over a connection, until it ends.

    Args:
        connection: the connection; over TLS, HTTP/1.1 is what is agreed on.
        answer: answers requests of the API.
        engine: whose API that is.
    """
    begun = b"" if isinstance(connection, ssl.SSLSocket) else first_bytes(connection)
    if begun != HTTP2:
        Conversation(connection, answer, begun).run()
    elif engine.version.has(SPEAKS_HTTP2):
        buildkit = engine.buildkit
        calls = None if buildkit is None else calls_of(engine, buildkit)
        serve_http2(connection, begun, answer, calls)
