"""The engine that builds: one that was found, or that of a client that was given.

The Docker SDK takes longer to import than a build takes in which nothing changed. An engine that
was found is spoken to without it, until something needs the SDK's client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from imagebuilders.cache_misses.base_image import BaseImage
from imagebuilders.connections.dial import dial
from imagebuilders.connections.failures import connection_errors
from imagebuilders.connections.http1 import send_request
from imagebuilders.connections.streams import SocketStream
from imagebuilders.connections.upgrade import upgrade_connection
from imagebuilders.exceptions import EngineError

if TYPE_CHECKING:
    import docker

    from imagebuilders.auth.config_file import DockerConfigFile
    from imagebuilders.connections.dial import Endpoint
    from imagebuilders.connections.engine_version import EngineVersion
    from imagebuilders.connections.nonblocking import NonBlockingStream
    from imagebuilders.connections.probe import FoundEngine

CONNECT_SECONDS = 60.0
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_SETTINGS = ("Env", "User", "WorkingDir", "Shell", "OnBuild")


class BuildEngine(Protocol):
    """An engine, as far as a build needs it."""

    def version(self) -> EngineVersion:
        """Return what the engine says of itself.

        Raises:
            EngineError: the engine does not answer.
        """
        ...

    def addresses(self) -> Sequence[str]:
        """Return the spellings of its address by which `config.json` may know the engine."""
        ...

    def endpoint(self) -> Endpoint | None:
        """Return where the engine is, for a connection past the client; `None` if unknown."""
        ...

    def upgrade(self, path: str, headers: Sequence[tuple[str, str]] = ()) -> NonBlockingStream:
        """Ask the engine to speak HTTP/2 on a connection of its own.

        Args:
            path: the path, without a version.
            headers: further headers; a name may come more than once.

        Raises:
            UpgradeRefusedError: the engine has no such thing.
            EngineError: the engine does not answer, or went away.
        """
        ...

    def image_size(self, image_id: str) -> int | None:
        """Return an image's size in bytes; `None` when the engine does not tell."""
        ...

    def base_image(self, name: str) -> BaseImage | None:
        """Return the image of a name; `None` when the engine has none, or does not tell."""
        ...

    def client(self) -> docker.DockerClient:
        """Return the SDK's client of the engine."""
        ...


class GivenEngine:
    """The engine of a client that was given; whatever the client connects by is used."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def version(self) -> EngineVersion:
        """Ask the engine what it is; see `BuildEngine`."""
        from imagebuilders.docker.client import engine_version

        return engine_version(self._client)

    def addresses(self) -> Sequence[str]:
        """Return the spellings of the client's address."""
        from imagebuilders.docker.client import engine_addresses

        return engine_addresses(self._client)

    def endpoint(self) -> Endpoint | None:
        """Return where the client's engine is, as far as that can be known."""
        from imagebuilders.docker.endpoint import known_endpoint

        return known_endpoint(self._client)

    def upgrade(self, path: str, headers: Sequence[tuple[str, str]] = ()) -> NonBlockingStream:
        """Upgrade a connection that the client itself would make; see `BuildEngine`."""
        from imagebuilders.docker.upgrade import upgrade

        return upgrade(self._client, path, headers=headers)

    def image_size(self, image_id: str) -> int | None:
        """Ask the engine for an image's size; see `BuildEngine`."""
        from imagebuilders.docker.client import image_size

        return image_size(self._client, image_id)

    def base_image(self, name: str) -> BaseImage | None:
        """Ask the engine for an image; see `BuildEngine`."""
        from imagebuilders.docker.client import inspect_image

        return read_base_image(inspect_image(self._client, name))

    def client(self) -> docker.DockerClient:
        """Return the client that was given."""
        return self._client


class DiscoveredEngine:
    """An engine that was found; to be closed after the build."""

    def __init__(self, found: FoundEngine, config: DockerConfigFile) -> None:
        """Take an engine, and its open connection if there is one.

        Args:
            found: the engine.
            config: the user's settings: logins, headers, proxies.
        """
        self._found = found
        self._config = config
        self._client: docker.DockerClient | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
        elif self._found.connection is not None:
            self._found.connection.close()

    def version(self) -> EngineVersion:
        """Return what the engine said of itself when it was found."""
        return self._found.version

    def addresses(self) -> Sequence[str]:
        """Return its address as the user wrote it, and as it was understood."""
        return self._found.spellings

    def endpoint(self) -> Endpoint | None:
        """Return where it was found."""
        return self._found.endpoint

    def upgrade(self, path: str, headers: Sequence[tuple[str, str]] = ()) -> NonBlockingStream:
        """Upgrade a new connection; see `BuildEngine`."""
        endpoint = self._found.endpoint
        with connection_errors():
            return upgrade_connection(
                dial(endpoint, timeout=CONNECT_SECONDS),
                endpoint.forwarded(f"{endpoint.base_path}{path}"),
                endpoint.headers(),
                headers=headers,
            )

    def image_size(self, image_id: str) -> int | None:
        """Ask the engine for an image's size; see `BuildEngine`."""
        size = self._inspect(image_id).get("Size")
        return size if isinstance(size, int) and size >= 0 else None

    def base_image(self, name: str) -> BaseImage | None:
        """Ask the engine for an image; see `BuildEngine`."""
        return read_base_image(self._inspect(name))

    def _inspect(self, image: str) -> Mapping[str, object]:
        """Return what the engine says of an image; nothing when it does not tell."""
        endpoint = self._found.endpoint
        version = self._found.version.api_version
        path = f"{endpoint.base_path}/v{version}/images/{quote(image, safe='/:@')}/json"
        try:
            with connection_errors():
                stream = SocketStream(dial(endpoint, timeout=CONNECT_SECONDS))
                try:
                    answer = send_request(
                        stream,
                        "GET",
                        endpoint.forwarded(path),
                        headers=endpoint.headers(),
                        send_timeout=CONNECT_SECONDS,
                        idle_timeout=CONNECT_SECONDS,
                    )
                    content = json.loads(answer.read(_MAX_ANSWER_BYTES))
                finally:
                    stream.close()
        except (EngineError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def client(self) -> docker.DockerClient:
        """Return the SDK's client of the engine, the same each time."""
        if self._client is None:
            from imagebuilders.docker.client import EngineClient

            self._client = EngineClient(self._found, self._config)
        return self._client


def read_base_image(document: Mapping[str, object]) -> BaseImage | None:
    """Return an image as an engine's answer describes it; `None` for another answer."""
    image_id, root, config = (document.get(key) for key in ("Id", "RootFS", "Config"))
    layers = root.get("Layers") if isinstance(root, dict) else None
    if not isinstance(image_id, str) or not isinstance(layers, list):
        return None
    settings = {name: config.get(name) for name in _SETTINGS} if isinstance(config, dict) else {}
    return BaseImage(image_id, tuple(map(str, layers)), json.dumps(settings, sort_keys=True))
