"""Pulling every tag of a repository: what a pull without a tag asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fakes.engine.distribution import pull, pull_failure
from fakes.engine.errors import ApiError
from fakes.engine.images.reference import HUB, Reference
from fakes.engine.registry_client import Credentials, RegistryClient, RegistryError

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine


def pull_all(
    engine: FakeDockerEngine,
    reference: Reference,
    credentials: Credentials,
    platform: tuple[str, str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Fetch each tag of a repository, and say once at the end whether any was new.

    Raises:
        ApiError: when the tags cannot be had. Nothing has been yielded then.
    """
    news = "Image is up to date for"
    for tag in _tags(engine, reference, credentials):
        named = engine.parse_name(f"{reference.repository}:{tag}")
        for message in pull(engine, named, credentials, platform):
            if not message.get("status", "").startswith("Status: "):
                yield message
            elif "Downloaded newer" in message["status"]:
                news = "Downloaded newer image for"
    yield {"status": f"Status: {news} {reference.familiar_name}"}


def _tags(engine: FakeDockerEngine, reference: Reference, credentials: Credentials) -> list[str]:
    try:
        if reference.domain == HUB and not engine.hub_is_real:
            repository = engine.hub_repository(reference)
            if repository is None:
                raise RegistryError("denied: requested access to the resource is denied", 401)
            return list(repository.tags())
        with RegistryClient(reference, credentials, "pull") as client:
            client.ping()
            return client.tags()
    except RegistryError as error:
        if error.status == 404:
            name = reference.familiar_name
            raise ApiError(404, f"repository {name} not found: {error.message}") from error
        raise pull_failure(reference, error) from error
