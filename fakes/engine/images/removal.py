"""Removing images: names first, then the image, then the parents nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.errors import ApiError
from fakes.engine.images.reference import InvalidReferenceError, Reference, parse
from fakes.engine.images.store import Image

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Records = list[dict[str, str]]


def remove_image(engine: FakeDockerEngine, name: str, *, force: bool, prune: bool) -> Records:
    """Remove a name or an image.

    Returns:
        What was untagged and deleted, in order.

    Raises:
        ApiError: 404 when there is none, 409 when it is needed.
    """
    store = engine.images
    image = store.find(name)
    records: Records = []
    by_id = store.names_id(name, image.id)
    if not by_id:
        reference = parse(name).tagged()
        others = [r for r in _references(engine, image) if r.key != reference.key]
        if not _is_last(others, reference):
            _untag(engine, reference, image, records)
            return records
        user = engine.container_of_image(image.id)
        if user and not force and not others:
            raise ApiError(
                409,
                f"conflict: unable to remove repository reference {_quoted(name)} (must force) - "
                f"container {user[:12]} is using its referenced image {image.short_id}",
            )
        for each in [reference, *others]:
            _untag(engine, each, image, records)
    else:
        names = _references(engine, image)
        if not force and not _single(names):
            raise ApiError(
                409,
                f"conflict: unable to delete {image.short_id} (must be forced) - "
                "image is referenced in multiple repositories",
            )
        _check_children_and_containers(engine, image, force=force)
        for each in names:
            _untag(engine, each, image, records)
    _delete(engine, image, records, prune=prune)
    return records


def _quoted(name: str) -> str:
    return f'"{name}"'


def _references(engine: FakeDockerEngine, image: Image) -> list[Reference]:
    return [*engine.images.tags_of(image.id), *engine.images.digests_of(image.id)]


def _is_last(others: list[Reference], removed: Reference) -> bool:
    """Whether nothing but digests of the same repository is left beside a name."""
    return all(r.digest and r.repository == removed.repository for r in others)


def _single(names: list[Reference]) -> bool:
    """One name, or one name and the digest of the same repository."""
    tags = [r for r in names if not r.digest]
    return len(names) <= 1 or (
        len(names) == 2 and len(tags) == 1 and names[0].repository == names[1].repository
    )


def _untag(engine: FakeDockerEngine, reference: Reference, image: Image, records: Records) -> None:
    engine.images.untag(reference)
    engine.emit_event("image", "untag", image.id, image, image.id)
    records.append({"Untagged": reference.familiar})


def _check_children_and_containers(engine: FakeDockerEngine, image: Image, *, force: bool) -> None:
    running = engine.container_of_image(image.id, running=True)
    if running:
        raise ApiError(
            409,
            f"conflict: unable to delete {image.short_id} (cannot be forced) - "
            f"image is being used by running container {running[:12]}",
        )
    if engine.images.children(image.id):
        raise ApiError(
            409,
            f"conflict: unable to delete {image.short_id} (cannot be forced) - "
            "image has dependent child images",
        )
    stopped = engine.container_of_image(image.id)
    if stopped and not force:
        raise ApiError(
            409,
            f"conflict: unable to delete {image.short_id} (must be forced) - "
            f"image is being used by stopped container {stopped[:12]}",
        )


def _delete(
    engine: FakeDockerEngine,
    image: Image,
    records: Records,
    *,
    prune: bool,
) -> None:
    store = engine.images
    if store.children(image.id) or engine.container_of_image(image.id):
        # Somebody needs it: the names are gone, the image stays.
        return
    store.drop(image.id)
    engine.emit_event("image", "delete", image.id, image, image.id)
    records.append({"Deleted": image.id})
    for layer in _gone_layers(engine, image):
        records.append({"Deleted": layer})
    parent = store.get(image.parent) if image.parent else None
    if prune and parent is not None and not _references(engine, parent):
        _delete(engine, parent, records, prune=True)


def _gone_layers(engine: FakeDockerEngine, image: Image) -> list[str]:
    """The chains of layers that no image has any more, the uppermost first."""
    left = {chain for other in engine.images.all() for chain in chain_ids(other)}
    return [chain for chain in reversed(chain_ids(image)) if chain not in left]


def chain_ids(image: Image) -> list[str]:
    """The ids of an image's layer chains (OCI image specification, "Layer ChainID")."""
    from fakes.engine.images.layers import digest_of

    chains: list[str] = []
    for layer in image.layers:
        above = f"{chains[-1]} {layer.diff_id}" if chains else ""
        chains.append(digest_of(above.encode()) if chains else layer.diff_id)
    return chains


__all__ = ["InvalidReferenceError", "chain_ids", "remove_image"]
