"""Images made of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.oci.reference import ImageReference, is_tag

from ...images.config import ImageDocument, RunConfig, history_entry
from ...images.image import Image
from ...images.reference import InvalidReferenceError
from ..builder.changes import apply_changes
from ..builder.commit import layer_of
from ..containers.container import Container
from ..containers.merge import merged_config
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..images.config_forms import written
from ..images.content_store import has_content
from .bodies import config_body
from .container_types import COMMITTED
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]


@route("POST", "/commit")
def _commit(engine: Daemon, request: Request, _path: Path) -> Response:
    body = config_body(engine, request, COMMITTED, optional=True)
    name = request.parameter("container")
    if not name:
        raise ApiError(400, 'invalid name or ID supplied: ""')
    reference = _reference(engine, request.parameter("repo"), request.parameter("tag"))
    container = engine.containers.find(name)
    config = container.config.copy()
    if body:
        config = merged_config(RunConfig.from_json(body), container.config)
    config = apply_changes(engine.version, config, _change_lines(request))
    author, comment = request.parameter("author"), request.parameter("comment")
    pauses = container.status == "running" and request.parameter("pause") not in ("0", "false")
    if pauses:
        engine.containers.note(container, "pause")
    with engine.state.lock:  # nobody prunes the image before it has its name
        image = commit_container(engine, container, config, author, comment)
        if reference is not None:
            engine.images.retag(reference, image)
    shown = str(reference) if reference else ""
    attributes = {"comment": comment, "imageID": image.id, "imageRef": shown}
    engine.containers.note(container, "commit", attributes)
    if pauses:
        engine.containers.note(container, "unpause")
    return json_response({"Id": image.id}, 201)


def _reference(engine: Daemon, repository: str, tag: str) -> ImageReference | None:
    """The name that the image is to get; a tag of its own wins over that of the name."""
    if not repository:
        return None
    status = engine.version.bad_request()
    try:
        reference = engine.parse_name(repository)
    except InvalidReferenceError as error:
        raise ApiError(status, str(error)) from error
    if tag and not is_tag(tag):
        raise ApiError(status, "invalid tag format")
    if tag:
        return ImageReference(reference.domain, reference.path, tag)
    # Older engines tell of the name as it was asked for.
    return reference.tagged() if engine.version >= "23.0" else reference


def _change_lines(request: Request) -> list[str]:
    return [line for value in request.parameters("changes") for line in value.split("\n") if line]


def commit_container(
    engine: Daemon, container: Container, config: RunConfig, author: str, comment: str
) -> Image:
    """An image of a container as it is now."""
    parent = engine.images.get(container.image)
    if container.image and parent is None:
        # Its image was removed by force.
        algorithm, _, digits = container.image.partition(":")
        path = f"/var/lib/docker/image/overlay2/imagedb/content/{algorithm}/{digits}"
        raise ApiError(
            404 if engine.version >= "23.0" else 500,
            f"failed to get digest {container.image}: open {path}: no such file or directory",
        )
    layers = parent.layers if parent else ()
    layer = layer_of(container.overlay, engine.version)
    if parent and has_content(engine.state):
        author = author or str(parent.parsed.get("author") or "")
    now = engine.clock()
    history = list(parent.history) if parent else []
    history.append(
        history_entry(
            now,
            " ".join(container.config.cmd or []),
            author=author,
            comment=comment,
            empty=layer is None,
        )
    )
    if layer is not None:
        layers = (*layers, layer)
    document = ImageDocument(
        architecture=(parent.parsed.get("architecture") if parent else None) or "amd64",
        author=author,
        config=config,
        container=container.id,
        container_config=container.config,
        created=now,
        docker_version=engine.version.named_in_images,
        history=history,
        diff_ids=[item.diff_id for item in layers],
    )
    image = engine.images.add(
        Image(written(document, engine.version), layers, parent, step=container.config)
    )
    engine.images.note_commit(image)
    return image
