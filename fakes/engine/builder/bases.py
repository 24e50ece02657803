"""The images that a build begins with or takes files from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fakes.engine.errors import ApiError, StepError
from fakes.engine.images.reference import InvalidReferenceError
from fakes.engine.images.store import Image
from fakes.engine.registries.credentials import Credentials
from fakes.engine.registries.pulling import pull as pull_image

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine


def base_image(
    engine: FakeDockerEngine,
    name: str,
    platform: tuple[str, str, str] | None,
    pull: bool,
    emit: Callable[[dict[str, Any]], None],
    credentials: Mapping[str, Credentials],
) -> Image:
    """The image of a FROM or `COPY --from`: the one here, else pulled.

    Args:
        engine: whose build it is.
        name: of the image.
        platform: which it is to be for, when it is pulled.
        pull: even if it is here.
        emit: is told how the pull goes.
        credentials: by registry.

    Raises:
        StepError: when it is nowhere.
    """
    if not pull:
        with suppress(ApiError):
            return engine.images.find(name)
    try:
        reference = engine.parse_name(name).tagged()
    except InvalidReferenceError as error:
        raise StepError(str(error)) from error
    try:
        own = credentials.get(reference.domain, Credentials())
        for message in pull_image(engine, reference, own, platform):
            emit(message)
        return engine.images.find(name)
    except ApiError as error:
        raise StepError(error.message) from error


def cache_sources(engine: FakeDockerEngine, names: Iterable[str]) -> list[Image]:
    """The images of `cache_from` that are here."""
    found: list[Image] = []
    for name in names:
        with suppress(ApiError):
            found.append(engine.images.find(name))
    return found


def refused_download(url: str) -> str:
    """Why ADD of a remote URL fails: the double goes to no network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.replace(".", "").isdigit():
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f'Get "{url}": dial tcp {host}:{port}: connect: connection refused'
    return f'Get "{url}": dial tcp: lookup {host}: no such host'
