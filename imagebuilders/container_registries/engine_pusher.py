"""Pushing to a registry through a Docker Engine: what stands behind a registry's `docker_client`.

A registry component does not own an engine. Builders that have none (BuildKit, a service in a
cloud, one that speaks to the registry itself) use its names and credentials, and push by
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from imagebuilders.docker.client_source import ClientSource

if TYPE_CHECKING:
    import docker

    from imagebuilders.oci.reference import ImageReference


class Registry(Protocol):
    """What pushing through an engine asks of a registry component."""

    @property
    def address(self) -> str:
        """The registry's domain, with its port."""
        ...

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Username and password, or `<token>` and an identity token."""
        ...


class EnginePusher:
    """Has an engine log in at a registry and push to it.

    It belongs to one component; in a forked child and in a process that the component is pickled
    to it has a client of that process.
    """

    def __init__(self, docker_client: object = None, *, owner: str) -> None:
        """Make the pusher; nothing is asked yet.

        Args:
            docker_client: the engine's client; without one, the engine is looked for when it is
                first needed.
            owner: the class of the registry component, for errors.

        Raises:
            ConfigurationError: `docker_client` is not a `docker.DockerClient`.
        """
        self._source = ClientSource(docker_client, owner=owner)

    def client(self, registry: Registry) -> docker.DockerClient:
        """Return the engine's client, logged in at the registry when it is asked for first.

        Raises:
            EngineNotFoundError: no engine answers.
            RegistryError: the registry refused the login or could not be reached.
            ConfigurationError: the client was given in another process, and its engine cannot be
                told from it.
        """
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.docker.client import connect

        with shared_keychain() as keychain:
            return self._source.client(
                lambda: connect(docker_config=keychain.config),
                lambda client: _log_in(client, registry),
            )

    def push(
        self,
        client: docker.DockerClient,
        reference: ImageReference,
        *,
        auth_config: Mapping[str, str] | None,
        idle_timeout: float | None,
    ) -> str:
        """Push an image that the engine has.

        Args:
            client: the engine's client; a component may have another than the pusher's own.
            reference: the image, with its tag.
            auth_config: the credentials in the form of the engine's API.
            idle_timeout: seconds the engine may be silent; `None` for no limit.

        Returns:
            The image's repo digest, `repo@sha256:…`.

        Raises:
            PushError: the registry did not take it, or the engine went away.
        """
        from imagebuilders.auth.credentials import encode_auth
        from imagebuilders.docker.push import push_image

        return push_image(
            client,
            reference,
            authorization=encode_auth(auth_config or {}),
            idle_timeout=idle_timeout,
        )

    def close(self) -> None:
        """Close the client that was made here; one that was given stays open."""
        self._source.close()


def _log_in(client: docker.DockerClient, registry: Registry) -> None:
    from imagebuilders.auth.credentials import IDENTITY_TOKEN_USERNAME
    from imagebuilders.docker.login import log_in

    found = registry.credentials
    # An engine's login knows passwords only; a token cannot be tried before it is used.
    if found is not None and found[0] != IDENTITY_TOKEN_USERNAME:
        log_in(client, registry.address, *found)
