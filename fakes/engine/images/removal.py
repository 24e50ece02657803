"""Removing images: names first, then the image, then the parents nobody needs."""

from __future__ import annotations

from imagebuilders.oci.reference import ImageReference

from ...images.image import Image
from ..errors import ApiError
from .content_store import has_content
from .names import parse_as
from .store import ImageStore
from .target_removal import remove_target
from .users import Records, Users


def remove_image(
    images: ImageStore, users: Users, name: str, *, force: bool, prune: bool
) -> Records:
    """Remove a name or an image.

    Returns:
        What was untagged and deleted, in order.

    Raises:
        ApiError: 404 when there is none, 409 when it is needed.
    """
    if has_content(images.state):
        return remove_target(images, users, name, force=force, prune=prune)
    image = images.find(name)
    records: Records = []
    by_name = not images.names_id(name, image.id)
    names = _references(images, image)
    if by_name:
        user = users.of_image(image.id)
        if user and not force and _single(names):
            raise ApiError(
                409,
                f'conflict: unable to remove repository reference "{name}" (must force) - '
                f"container {user[:12]} is using its referenced image {image.short_id}",
            )
        reference = parse_as(images.state.version, name).tagged()
        _untag(images, reference, image, records)
        left = _references(images, image)
        if not reference.digest and not any(
            r.full_repository == reference.full_repository and not r.digest for r in left
        ):
            # The digests of a repository go with its last tag.
            for digest in [r for r in left if r.full_repository == reference.full_repository]:
                _untag(images, digest, image, records, silent=True)
        if _references(images, image):
            return records
    elif _single(names):
        conflict = _conflict(images, users, image, force=force, references=False)
        if conflict:
            raise ApiError(409, conflict)
        for each in names:
            _untag(images, each, image, records)
    _delete(images, users, image, records, force=force, prune=prune, quiet=by_name)
    return records


def _references(images: ImageStore, image: Image) -> list[ImageReference]:
    return [*images.tags_of(image.id), *images.digests_of(image.id)]


def _single(names: list[ImageReference]) -> bool:
    """At most one name, or one name and digests of the same repository."""
    if len(names) <= 1:
        return True
    tags = [r for r in names if not r.digest]
    repositories = {r.full_repository for r in names if r.digest}
    if len(tags) > 1:
        return False
    return repositories == {(tags or names)[0].repository}


def _untag(
    images: ImageStore,
    reference: ImageReference,
    image: Image,
    records: Records,
    *,
    silent: bool = False,
) -> None:
    images.untag(reference)
    if not silent:
        images.note("untag", image)
    records.append({"Untagged": str(reference)})


def _conflict(
    images: ImageStore, users: Users, image: Image, *, force: bool, references: bool = True
) -> str:
    """Why an image cannot be deleted, empty when it can."""
    hard = f"conflict: unable to delete {image.short_id} (cannot be forced) - "
    soft = f"conflict: unable to delete {image.short_id} (must be forced) - "
    if images.children(image.id):
        return f"{hard}image has dependent child images"
    if running := users.of_image(image.id, running=True):
        return f"{hard}image is being used by running container {running[:12]}"
    if force:
        return ""
    if references and _references(images, image):
        return f"{soft}image is referenced in multiple repositories"
    if stopped := users.of_image(image.id):
        return f"{soft}image is being used by stopped container {stopped[:12]}"
    return ""


def _delete(
    images: ImageStore,
    users: Users,
    image: Image,
    records: Records,
    *,
    force: bool,
    prune: bool,
    quiet: bool,
) -> None:
    if conflict := _conflict(images, users, image, force=force):
        named = bool(_references(images, image))
        used = bool(users.of_image(image.id))
        if quiet and (named or used or images.children(image.id)):
            # Somebody needs it: the names asked for are gone, the image stays.
            return
        raise ApiError(409, conflict)
    for each in _references(images, image):
        _untag(images, each, image, records)
    images.drop(image.id)
    images.note("delete", image)
    records.append({"Deleted": image.id})
    records.extend({"Deleted": chain} for chain in _gone_layers(images, users, image))
    parent = images.get(image.parent) if image.parent else None
    if prune and parent is not None:
        _delete(images, users, parent, records, force=False, prune=True, quiet=True)


def _gone_layers(images: ImageStore, users: Users, image: Image) -> list[str]:
    """The chains of layers that nothing has any more, the uppermost first."""
    used = users.chains()
    gone = (chain for chain in reversed(image.chain_ids) if not images.has_chain(chain))
    return [chain for chain in gone if chain not in used]
