"""Where the engine of a Docker client is, as far as that can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker.transport.unixconn import UnixHTTPAdapter
from requests.adapters import HTTPAdapter

from imagebuilders.connections.address import Address, AddressError, Scheme, parse_address
from imagebuilders.connections.dial import Endpoint
from imagebuilders.docker.adapter import EngineAdapter

if TYPE_CHECKING:
    import docker


def known_endpoint(client: docker.DockerClient) -> Endpoint | None:
    """Return where a client's engine is, for a connection past the client.

    Args:
        client: the client; one that was given may connect in a way of its own, as to an engine in
            memory or through a proxy.

    Returns:
        The endpoint; `None` where it is not certain, and for TLS, whose files a client that was
        given does not show.
    """
    api = client.api
    adapter = api.get_adapter(api.base_url)
    if isinstance(adapter, EngineAdapter):
        return adapter.endpoint
    if type(adapter) is UnixHTTPAdapter:
        return Endpoint(Address(Scheme.UNIX, path=str(adapter.socket_path)))
    if type(adapter) is not HTTPAdapter or not str(api.base_url).startswith("http://"):
        return None
    settings = api.merge_environment_settings(f"{api.base_url}/", {}, None, None, None)
    if settings["proxies"]:
        return None
    try:
        return Endpoint(parse_address(str(api.base_url)))
    except AddressError:
        return None
