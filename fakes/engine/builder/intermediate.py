"""The intermediate containers of a build's steps."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fakes.engine.containers.merge import complete_for_container
from fakes.engine.errors import ApiError
from fakes.engine.images.config import RunConfig
from fakes.engine.images.store import Image

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine


def create_container(engine: FakeDockerEngine, config: RunConfig, image: Image | None) -> str:
    """Make the container of a step and complete its configuration; its id."""
    container = engine.new_id()
    config.hostname = container[:12]
    if image is not None:
        complete_for_container(config, image)
    with engine.lock:
        if image is not None:
            engine.images.add(image)  # again, if somebody removed it since the step before
        engine.containers.create_for_build(container, image.id if image else "", config)
    return container


def remove_container(engine: FakeDockerEngine, container: str) -> None:
    """Take an intermediate container away."""
    with suppress(ApiError):
        engine.containers.remove(engine.containers.find(container), force=True)
