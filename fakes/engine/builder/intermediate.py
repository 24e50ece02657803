"""The containers in which steps run."""

from __future__ import annotations

from contextlib import suppress

from ...images.config import RunConfig
from .. import messages
from ..containers.merge import complete_for_container
from ..containers.root import prepare_root
from ..errors import ApiError, StepError
from ..filesystem.overlay import Overlay
from ..images.content_store import not_unpacked
from .messages import Messages, Saying, said
from .state import BuildState, StageState


def create_container(
    build: BuildState, stage: StageState, config: RunConfig
) -> Saying[tuple[str, Overlay | None]]:
    """Make the container of a step and complete its configuration.

    Returns:
        Its id, and its files if making it changed any.

    Raises:
        StepError: when it cannot be made.
    """
    if stage.image is not None and stage.image.trouble:
        raise StepError(not_unpacked(stage.image))
    overlay = prepare_root(build.overlay(stage), config)
    containers, image = build.host.containers, stage.image
    container = build.host.state.new_id()
    config.hostname = container[:12]
    if image is not None:
        complete_for_container(config, image)
    with containers.images.lock:
        if image is not None:
            containers.images.add(image)  # again, if somebody removed it since the step before
        containers.create_for_build(container, stage.image_id, config)
    build.containers.append(container)
    yield said(f" ---> Running in {container[:12]}\n")
    return container, overlay


def remove_containers(build: BuildState) -> Messages:
    """Take the containers of a step away."""
    containers = build.host.containers
    while build.containers:
        container = build.containers.pop(0)
        with suppress(ApiError):
            containers.remove(containers.find(container), force=True)
        yield said(messages.REMOVED_CONTAINER(build.host.state.version, container[:12]))
