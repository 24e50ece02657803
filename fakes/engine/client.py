"""A real `docker.DockerClient` whose engine is the double."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docker
from docker.api.client import APIClient

from ..http.socket_pairs import SocketPairAdapter

if TYPE_CHECKING:
    from .engine import FakeDockerEngine

_ADDRESS = "http://localhost:2375"


class FakeDockerClient(docker.DockerClient):
    """The Docker SDK's own client, connected to a `FakeDockerEngine` in this process.

    Args:
        engine: the engine to talk to; a fresh one when left out.
        version: the API version to speak; the newest both know when left out.
        timeout: seconds the SDK waits for an answer.

    Raises:
        TypeError: the engine is something else.
    """

    def __init__(
        self,
        engine: FakeDockerEngine | None = None,
        *,
        version: str | None = None,
        timeout: float = 60,
    ) -> None:
        from .engine import FakeDockerEngine

        if engine is None:
            engine = FakeDockerEngine()
        if not isinstance(engine, FakeDockerEngine):
            raise TypeError(
                f"engine is a FakeDockerEngine, not {engine!r} ({type(engine).__name__}); "
                "one of another version: FakeDockerClient(FakeDockerEngine('28.5'))"
            )
        self.engine = engine
        self.api = connect(engine, version=version, timeout=timeout)


def connect(
    engine: FakeDockerEngine, *, version: str | None = None, timeout: float = 60
) -> APIClient:
    """The SDK's low-level client for an engine double."""
    # A version is given first, for the constructor would otherwise ask the
    # engine of this machine for its own.
    api = APIClient(base_url=_ADDRESS, version="1.41", timeout=int(timeout))
    adapter = SocketPairAdapter(engine.serve_connection, timeout)
    api.mount(_ADDRESS, adapter)
    # No proxy of the environment and no .netrc lies between a test and its double.
    api.trust_env = False
    vars(api)["_version"] = version or engine.version.api
    return api
