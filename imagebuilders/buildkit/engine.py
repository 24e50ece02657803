"""The BuildKit inside a Docker Engine, by the engine's own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.daemon import open_control
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import TransportError
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.docker.endpoint import known_endpoint
from imagebuilders.docker.upgrade import UpgradeRefusedError, upgrade
from imagebuilders.exceptions import ConfigurationError, EngineError

if TYPE_CHECKING:
    import docker

    from imagebuilders.buildkit.session.session import Session

READY_SECONDS = 20.0
"""So long an engine may take to speak HTTP/2 once it has said that it does."""

PRIOR_KNOWLEDGE_SECONDS = 5.0
"""So long an engine may take to speak HTTP/2 that was not asked whether it does."""


def engine_buildkit(client: docker.DockerClient) -> ControlClient:
    """Return a client of the BuildKit inside an engine.

    The engine is asked to upgrade a connection (`POST /grpc`), which all versions from 20.10 on
    do. One that does not is tried once by prior knowledge of HTTP/2, on a connection of its own,
    where the client's address is known.

    Args:
        client: the engine's client; whatever it connects by is used.

    Raises:
        UpgradeRefusedError: the engine has none, or something between denies it.
        BuildKitError: it has one that says nothing, or nothing that can be understood.
        EngineError: the engine does not answer.
    """
    try:
        stream = upgrade(client, "/grpc")
    except UpgradeRefusedError:
        found = _by_prior_knowledge(client)
        if found is None:
            raise
        return found
    channel = Channel(stream, name="buildkit")
    try:
        channel.wait_ready(READY_SECONDS)
    except BaseException:
        channel.close()
        raise

    def open_session(session: Session) -> Channel:
        try:
            stream = upgrade(client, "/session", headers=session.metadata())
        except EngineError as error:
            raise TransportError(f"the session cannot be opened: {error}") from error
        return Channel(
            stream,
            Role.SERVER,
            handlers=session.handlers,
            answers=session.answers,
            name="session",
        )

    return ControlClient(channel, open_session=open_session)


def _by_prior_knowledge(client: docker.DockerClient) -> ControlClient | None:
    """Return a client of an engine that speaks HTTP/2 and has BuildKit behind it; else `None`."""
    endpoint = known_endpoint(client)
    if endpoint is None or endpoint.is_secure:
        return None  # by TLS, engines agree on HTTP/1.1
    try:
        control = open_control(endpoint, PRIOR_KNOWLEDGE_SECONDS)
    except (OSError, TransportError, ConfigurationError):
        return None
    try:
        control.workers(PRIOR_KNOWLEDGE_SECONDS)
    except TransportError:
        control.close()
        return None
    except BaseException:
        control.close()
        raise
    return control
