"""The Docker SDK's client for the engine that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import docker
import requests
from docker.auth import AuthConfig
from docker.constants import DEFAULT_USER_AGENT
from docker.utils.proxy import ProxyConfig

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections.address import Scheme
from imagebuilders.connections.discovery import PING_TIMEOUT_SECONDS, find_engine
from imagebuilders.connections.engine_version import EngineVersion
from imagebuilders.connections.probe import FoundEngine
from imagebuilders.docker.adapter import EngineAdapter
from imagebuilders.docker.stream import get
from imagebuilders.exceptions import EngineError

REQUEST_TIMEOUT_SECONDS = 60


class EngineAPIClient(docker.APIClient):
    """The SDK's low-level client, on this package's own connections and settings.

    The SDK's constructor is not used: it reads Docker's configuration file by rules of its own,
    without a bound and with errors of its own for what the `docker` command accepts, and it knows
    ssh only with another package. It has no argument against either. So the same object is set up
    here from what was read already.

    Args:
        found: the engine.
        config: the user's settings: logins, headers, proxies.
        timeout: seconds to wait for an answer.
    """

    def __init__(
        self,
        found: FoundEngine,
        config: DockerConfigFile | None = None,
        *,
        timeout: int = REQUEST_TIMEOUT_SECONDS,
    ) -> None:
        requests.Session.__init__(self)
        config = DockerConfigFile() if config is None else config
        endpoint = found.endpoint
        self.base_url = "http+docker://localhost"  # the SDK's own for what has no host
        if endpoint.address.scheme is Scheme.TCP:
            scheme = "https" if endpoint.is_secure else "http"
            self.base_url = f"{scheme}://{endpoint.host_header}{endpoint.base_path}"
        self.timeout = timeout
        self.headers["User-Agent"] = DEFAULT_USER_AGENT
        self.credstore_env = None
        # Nothing of the environment (REQUESTS_CA_BUNDLE, .netrc, proxies of other servers) counts
        # for an engine, and no answer leads to another server.
        self.trust_env = False
        self.max_redirects = 0
        self._custom_adapter = EngineAdapter(endpoint, found.connection)
        self.adapters.clear()
        self.mount(self.base_url, self._custom_adapter)
        # The names under which the SDK's methods look for what its constructor makes.
        self._version = found.version.api_version
        self._general_configs: dict[str, object] = {}
        proxies = {**config.proxies_for(*found.spellings)}
        self._proxy_configs = ProxyConfig.from_dict(proxies)  # type: ignore[arg-type]
        self._auth_configs = _auth_configs(config)


class EngineClient(docker.DockerClient):
    """The SDK's client of an engine that was found.

    Attributes:
        found: the engine.
    """

    def __init__(self, found: FoundEngine, config: DockerConfigFile | None = None) -> None:
        """Make the client, which then owns the engine's connection.

        Args:
            found: the engine.
            config: the user's settings: logins, headers, proxies.
        """
        self.found = found
        self.api = EngineAPIClient(found, config)


def connect(
    *,
    environ: Mapping[str, str] | None = None,
    sockets: Sequence[str | Path] | None = None,
    ping_timeout: float = PING_TIMEOUT_SECONDS,
    docker_config: DockerConfigFile | None = None,
) -> EngineClient:
    """Find a Docker Engine, as `find_engine` does, and return a client for it.

    Args:
        environ: the environment to read; the process's own by default.
        sockets: the sockets to try last, instead of the usual ones.
        ping_timeout: seconds to wait for an engine's first answer.
        docker_config: Docker's configuration file, if it was read already.

    Raises:
        EngineNotFoundError: nothing answered; it lists what was tried and what came of it.
        ConfigurationError: Docker's configuration file cannot be read.
    """
    config = DockerConfigFile.load(environ) if docker_config is None else docker_config
    found = find_engine(
        environ=environ, sockets=sockets, ping_timeout=ping_timeout, docker_config=config
    )
    return EngineClient(found, config)


def engine_version(client: docker.DockerClient) -> EngineVersion:
    """Return what the engine says of itself.

    An engine that was found by `connect` has said so then, and is not asked again.

    Raises:
        EngineError: the engine does not answer.
    """
    if isinstance(client, EngineClient):
        return client.found.version
    version = EngineVersion.from_answer(get(client, "/version"))
    if version is None:
        raise EngineError(
            "The Docker client leads to what does not answer as a Docker Engine does."
        )
    return version


def image_size(client: docker.DockerClient, image_id: str) -> int | None:
    """Return an image's size in bytes, as its engine tells it; `None` when it does not.

    Args:
        client: the engine's client.
        image_id: the image's ID, or a name of it.
    """
    size = inspect_image(client, image_id).get("Size")
    return size if isinstance(size, int) and size >= 0 else None


def inspect_image(client: docker.DockerClient, image: str) -> Mapping[str, object]:
    """Return what an engine says of an image; nothing when it does not tell.

    Args:
        client: the engine's client.
        image: the image's ID, or a name of it.
    """
    try:
        found = get(client, f"/images/{quote(image, safe='/:@')}/json")
    except EngineError:
        return {}
    return found if isinstance(found, dict) else {}


def engine_addresses(client: docker.DockerClient) -> tuple[str, ...]:
    """Return the spellings of a client's address by which `config.json` may know the engine."""
    if isinstance(client, EngineClient):
        return client.found.spellings
    url: str = client.api.base_url
    scheme, _, host = url.partition("://")
    if scheme in ("http", "https"):
        return (f"tcp://{host}", url)
    socket_path: object = getattr(client.api.get_adapter(url), "socket_path", None)
    return (f"unix://{socket_path}",) if isinstance(socket_path, str) else ()


def _auth_configs(config: DockerConfigFile) -> AuthConfig:
    """Return the logins in the SDK's form, for those who use the client for pulls of their own."""
    logins: dict[str, object] = {}
    for name, found in config.auths.items():
        if found.identity_token:
            logins[name] = {"IdentityToken": found.identity_token}
        elif found:
            login = {"username": found.username, "password": found.password}
            logins[name] = {**login, "email": None, "serveraddress": name}
        else:
            logins[name] = {}
    sections: dict[str, object] = {"auths": logins}
    if config.credentials_store:
        sections["credsStore"] = config.credentials_store
    if config.credential_helpers:
        sections["credHelpers"] = dict(config.credential_helpers)
    return AuthConfig(sections)
