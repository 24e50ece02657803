"""The Docker SDK's client, made without the SDK's own reading of `config.json`.

The SDK opens that file in each constructor, by rules of its own: it raises errors of its own for
what the `docker` command accepts, and a pipe in the file's place stops it for ever. It has no
argument against that. So the constructor here sets up the same object from what was read already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.auth import AuthConfig
from docker.constants import DEFAULT_USER_AGENT, MINIMUM_DOCKER_API_VERSION
from docker.errors import DockerException, InvalidVersion
from docker.transport import UnixHTTPAdapter
from docker.utils import parse_host, version_lt
from docker.utils.proxy import ProxyConfig
from requests.adapters import HTTPAdapter

from imagebuilders.auth.config_file import DockerConfigFile

if TYPE_CHECKING:
    from docker.tls import TLSConfig


class EngineAPIClient(docker.APIClient):
    """The SDK's low-level client, which knows the user's settings from `DockerConfigFile`."""

    def __init__(
        self,
        address: str,
        *,
        version: str,
        timeout: float,
        tls: TLSConfig | None = None,
        use_ssh_command: bool = False,
        config: DockerConfigFile | None = None,
    ) -> None:
        """Set the client up; nothing is sent or opened.

        Args:
            address: the engine's address.
            version: the API version to speak.
            timeout: seconds to wait for an answer.
            tls: the TLS material.
            use_ssh_command: whether `ssh://` is reached by the command `ssh`.
            config: the user's settings: logins, headers, proxies.

        Raises:
            docker.errors.DockerException: the address or the version cannot be used.
        """
        # Not the SDK's own, which reads config.json.
        requests.Session.__init__(self)
        config = DockerConfigFile() if config is None else config
        self.timeout = timeout  # type: ignore[assignment]  # requests takes a float
        self.credstore_env = None
        self.headers["User-Agent"] = DEFAULT_USER_AGENT
        for name, value in config.http_headers.items():
            # The HTTP libraries write Latin-1; Go writes the bytes that stand in the file.
            self.headers[name] = value.encode().decode("latin-1")
        self._general_configs: dict[str, Any] = {}
        self._proxy_configs = ProxyConfig.from_dict({**config.proxies_for(address)})  # type: ignore[typeddict-item]
        self._auth_configs = _auth_configs(config)
        self._version = version
        if version_lt(version, MINIMUM_DOCKER_API_VERSION):
            raise InvalidVersion(
                f"it speaks version {version} of the API; the oldest that the Docker SDK speaks "
                f"is {MINIMUM_DOCKER_API_VERSION}"
            )
        self._connect_by(address, tls, use_ssh_command)

    def _connect_by(self, address: str, tls: TLSConfig | None, use_ssh_command: bool) -> None:
        url = str(parse_host(address, tls=tls is not None))
        adapter: HTTPAdapter
        if url.startswith("http+unix://"):
            adapter = UnixHTTPAdapter(url, self.timeout)
            self.base_url = "http+docker://localhost"
        elif url.startswith("ssh://"):
            from docker.transport.sshconn import SSHHTTPAdapter

            adapter = SSHHTTPAdapter(url, self.timeout, shell_out=use_ssh_command)
            self.base_url = "http+docker://ssh"
        else:
            if not url.startswith(("http://", "https://")):
                raise DockerException(f"{address.partition('://')[0]}:// is not supported here")
            if tls is not None:
                tls.configure_client(self)
            self.base_url = url
            return
        self._custom_adapter = adapter
        self.mount("http+docker://", adapter)
        del self.adapters["http://"], self.adapters["https://"]


class EngineClient(docker.DockerClient):
    """The SDK's client of an engine that was found.

    Attributes:
        address: the engine's address, as it was found.
        engine_version: the engine's answer to `GET /version`.
    """

    def __init__(
        self, api: docker.APIClient, address: str, engine_version: Mapping[str, object]
    ) -> None:
        """Make the client; closing it closes `api`."""
        self.api = api
        self.address = address
        self.engine_version = engine_version


def engine_addresses(client: docker.DockerClient) -> tuple[str, ...]:
    """Return the spellings of a client's address by which `config.json` may know the engine."""
    if isinstance(client, EngineClient):
        return (client.address,)
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
