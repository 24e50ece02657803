"""An engine's connection turned into a byte stream: `Connection: Upgrade` through the SDK's client.

The request goes through the client's own session, so whatever it connects by (a Unix socket, TCP,
TLS, ssh, an engine in memory) works alike. What the engine answers decides: 101 makes a stream of
the connection, anything else is closed unread.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from imagebuilders.docker.stream import engine_errors

if TYPE_CHECKING:
    import docker
    from requests import Response
    from requests.structures import CaseInsensitiveDict

UPGRADE_SECONDS = 20.0
"""So long the engine may take to answer."""


@dataclass(frozen=True)
class UpgradedConnection:
    """A connection that speaks another protocol now.

    Attributes:
        socket: the connected socket, which does not block; of TLS where the client's is.
        begun: bytes that came right behind the engine's answer.
        answer: the SDK's answer, to be closed with the connection.
    """

    socket: socket.socket
    begun: bytes
    answer: Response

    def close(self) -> None:
        """Close the connection."""
        self.answer.close()
        self.socket.close()


class UpgradeRefused(Exception):  # noqa: N818  (an answer, no error)
    """The engine answered something else than 101.

    Attributes:
        status: the answer's HTTP status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _BufferedBody(Protocol):
    """The buffered reader of an answer's connection, as `http.client` makes it."""

    raw: object

    def peek(self, size: int, /) -> bytes: ...


def upgrade(
    client: docker.DockerClient,
    path: str,
    *,
    protocol: str = "h2c",
    headers: Sequence[tuple[str, str]] = (),
) -> UpgradedConnection:
    """Ask the engine to speak another protocol on a connection of its own.

    Args:
        client: the engine's client.
        path: the path, without a version.
        protocol: the protocol's name.
        headers: further headers; a name may come more than once.

    Raises:
        UpgradeRefused: the engine has no such thing; what it answered was closed unread.
        EngineError: the engine does not answer, or went away.
    """
    from requests import Request
    from urllib3 import HTTPHeaderDict

    api = client.api
    with engine_errors():
        request = api.prepare_request(Request("POST", f"{api.base_url}{path}"))
        # The only mapping in which a name may come more than once.
        fields = HTTPHeaderDict({"Connection": "Upgrade", "Upgrade": protocol})
        for name, value in headers:
            fields.add(name, value)
        request.headers = cast("CaseInsensitiveDict[str]", fields)
        settings = api.merge_environment_settings(request.url or "", {}, True, None, None)
        answer = api.send(request, allow_redirects=False, timeout=UPGRADE_SECONDS, **settings)
    if answer.status_code != 101:
        answer.close()
        raise UpgradeRefused(answer.status_code)
    body = cast("_BufferedBody", getattr(answer.raw._fp, "fp", None))
    connected = cast("socket.socket", getattr(body.raw, "_sock", None))
    connected.setblocking(False)
    return UpgradedConnection(connected, bytes(body.peek(1)), answer)
