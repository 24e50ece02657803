"""The BuildKit inside a Docker Engine.

HTTP/2 is loaded once an engine has said that it speaks it: a build that needs none loads none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import TransportError
from imagebuilders.connections.prior_knowledge import speaks_http2
from imagebuilders.connections.upgrade import UpgradeRefusedError
from imagebuilders.exceptions import ConfigurationError, EngineError

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.session.session import Session
    from imagebuilders.buildkit.transport.channel import Channel
    from imagebuilders.connections.dial import Endpoint
    from imagebuilders.connections.nonblocking import NonBlockingStream
    from imagebuilders.docker.build_engine import BuildEngine

READY_SECONDS = 20.0
"""So long an engine may take to speak HTTP/2 once it has said that it does."""

PRIOR_KNOWLEDGE_SECONDS = 5.0
"""So long an engine may take to speak HTTP/2 that was not asked whether it does."""


def engine_buildkit(engine: BuildEngine) -> ControlClient:
    """Return a client of the BuildKit inside an engine.

    The engine is asked to upgrade a connection (`POST /grpc`), which all versions from 20.10 on
    do. One that does not is tried once by prior knowledge of HTTP/2, on a connection of its own,
    where the engine's address is known.

    Args:
        engine: the engine.

    Raises:
        UpgradeRefusedError: the engine has none, or something between denies it.
        BuildKitError: it has one that says nothing, or nothing that can be understood.
        EngineError: the engine does not answer.
    """
    try:
        stream = engine.upgrade("/grpc")
    except UpgradeRefusedError:
        endpoint = engine.endpoint()
        # By TLS, engines agree on HTTP/1.1.
        if endpoint is None or endpoint.is_secure:
            raise
        if not speaks_http2(endpoint, timeout=PRIOR_KNOWLEDGE_SECONDS):
            raise
        found = _by_prior_knowledge(endpoint)
        if found is None:
            raise
        return found
    return _upgraded(engine, stream)


def _upgraded(engine: BuildEngine, stream: NonBlockingStream) -> ControlClient:
    """Return a client on a connection that was upgraded; sessions upgrade others."""
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.transport.channel import Channel
    from imagebuilders.buildkit.transport.http2 import Role

    channel = Channel(stream, name="buildkit")
    try:
        channel.wait_ready(READY_SECONDS)
    except BaseException:
        channel.close()
        raise

    def open_session(session: Session) -> Channel:
        try:
            opened = engine.upgrade("/session", session.metadata())
        except EngineError as error:
            raise TransportError(f"the session cannot be opened: {error}") from error
        return Channel(
            opened,
            Role.SERVER,
            handlers=session.handlers,
            answers=session.answers,
            name="session",
        )

    return ControlClient(channel, open_session=open_session)


def _by_prior_knowledge(endpoint: Endpoint) -> ControlClient | None:
    """Return a client of an engine that speaks HTTP/2 and has BuildKit behind it; else `None`."""
    from imagebuilders.buildkit.daemon import open_control

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
