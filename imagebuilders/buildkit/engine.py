"""The BuildKit inside a Docker Engine, by the engine's own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.stream import NonBlockingSocket
from imagebuilders.docker.upgrade import UpgradedConnection, upgrade

if TYPE_CHECKING:
    import docker

    from imagebuilders.buildkit.session.session import Session


class _EngineStream(NonBlockingSocket):
    """A connection of the SDK's client, closed with the answer that it came by."""

    def __init__(self, connection: UpgradedConnection) -> None:
        super().__init__(connection.socket, begun=connection.begun)
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def engine_buildkit(client: docker.DockerClient) -> ControlClient:
    """Return a client of the BuildKit inside an engine.

    Args:
        client: the engine's client; whatever it connects by is used.

    Raises:
        UpgradeRefused: the engine has none, or something between denies it.
        EngineError: the engine does not answer.
    """

    def open_session(session: Session) -> Channel:
        return Channel(
            _EngineStream(upgrade(client, "/session", headers=session.metadata())),
            Role.SERVER,
            handlers=session.handlers,
            answers=session.answers,
            name="session",
        )

    channel = Channel(_EngineStream(upgrade(client, "/grpc")), name="buildkit")
    return ControlClient(channel, open_session=open_session)
