"""An engine's connection turned into a byte stream: `Connection: Upgrade` on one of the client's.

The connection is one that the client itself would make, so whatever it connects by (a Unix socket,
TCP, TLS, ssh, an engine in memory) works alike.
https://docs.docker.com/reference/api/engine/ (`ContainerAttach`, `Session`)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagebuilders.connections.nonblocking import NonBlockingStream
from imagebuilders.connections.upgrade import UPGRADE_SECONDS, upgrade_connection
from imagebuilders.docker.connection import open_connection
from imagebuilders.docker.stream import engine_errors

if TYPE_CHECKING:
    import docker


def upgrade(
    client: docker.DockerClient,
    path: str,
    *,
    protocol: str = "h2c",
    headers: Sequence[tuple[str, str]] = (),
    timeout: float = UPGRADE_SECONDS,
) -> NonBlockingStream:
    """Ask the engine to speak another protocol on a connection of its own.

    Args:
        client: the engine's client.
        path: the path, without a version.
        protocol: the protocol's name.
        headers: further headers; a name may come more than once.
        timeout: seconds that the engine may take to answer.

    Returns:
        The connection, with what came right behind the engine's answer.

    Raises:
        UpgradeRefusedError: the engine has no such thing; what it answered was closed unread.
        EngineError: the engine does not answer, or went away.
    """
    with engine_errors():
        opened = open_connection(client, "POST", path)
        return upgrade_connection(
            opened.connected,
            opened.target,
            opened.headers,
            protocol=protocol,
            headers=headers,
            timeout=timeout,
        )
