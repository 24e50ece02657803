"""Removing images from containerd's store, where names are removed until none is left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from imagebuilders.oci.reference import ImageReference

from ...images.image import Image
from ..errors import ApiError
from .names import parse_as
from .store import ImageStore
from .users import Records, Users


@dataclass(frozen=True)
class _Removal:
    """One removal.

    Attributes:
        images: of the engine.
        users: the containers.
        force: whether stopped containers and several names are no reason.
    """

    images: ImageStore
    users: Users
    force: bool

    def whole(self, image: Image, *, named_apart: bool, prune: bool) -> Records:
        """Remove every name of an image, then it, then the parents that have no name."""
        records: Records = []
        parents = self._parents(image) if prune else []
        names = self.images.tags_of(image.id)
        for name in names:
            self._check(image, apart=named_apart and len(names) > 1)
            self.untag(image, name, records)
        if not names:
            self._check(image, apart=False)
        if named_apart and len(names) == 1 and self.images.children(image.id):
            # It stays without a name, for what was built on it.
            self.images.note_gone("delete", image, image.id)
        else:
            self.drop(image)
        records.append({"Deleted": image.id})
        for parent in parents:
            with suppress(ApiError):
                if self.images.tags_of(parent.id):
                    break
                self._check(parent, apart=len(names) > 1, force=False)
                self.drop(parent)
                records.append({"Deleted": parent.id})
                continue
            break
        return records

    def untag(self, image: Image, name: ImageReference, records: Records) -> None:
        """Take a name away."""
        self.images.untag(name)
        self.images.note_gone("untag", image, str(name))
        records.append({"Untagged": str(name)})

    def drop(self, image: Image) -> None:
        """Take an image away."""
        self.images.drop(image.id)
        self.images.note_gone("delete", image, image.id)

    def _parents(self, image: Image) -> list[Image]:
        above, result = image.made_from, []
        while above is not None and self.images.get(above.id) is not None:
            result.append(above)
            above = above.made_from
        return result

    def _check(self, image: Image, *, apart: bool, force: bool | None = None) -> None:
        hard = f"conflict: unable to delete {image.short_id} (cannot be forced) - "
        soft = f"conflict: unable to delete {image.short_id} (must be forced) - "
        if running := self.users.of_image(image.id, running=True):
            raise ApiError(409, f"{hard}image is being used by running container {running[:12]}")
        if self.force if force is None else force:
            return
        if stopped := self.users.of_image(image.id):
            raise ApiError(409, f"{soft}image is being used by stopped container {stopped[:12]}")
        if apart:
            raise ApiError(409, f"{soft}image is referenced in multiple repositories")


def prune_targets(images: ImageStore, users: Users, chosen: list[Image]) -> Records:
    """Remove images that no container uses, and leave those they were made from."""
    removal, records = _Removal(images, users, force=False), Records()
    for image in chosen:
        names = images.tags_of(image.id)
        for name in names:
            removal.untag(image, name, records)
        if not names:
            images.note_gone("untag", image, image.id)
            records.append({"Untagged": image.id})
        removal.drop(image)
        records.append({"Deleted": image.id})
    return records


def remove_target(
    images: ImageStore, users: Users, name: str, *, force: bool, prune: bool
) -> Records:
    """Remove a name or an image.

    Returns:
        What was untagged and deleted, in order.

    Raises:
        ApiError: 404 when there is none, 409 when it is needed.
    """
    image = images.find(name)
    removal, names = _Removal(images, users, force), images.tags_of(image.id)
    reference = None
    if not images.names_id(name, image.id):
        reference = parse_as(images.state.version, name).tagged()
    same = _same(reference, names)
    if reference is not None and same and len(same) != len(names):
        records: Records = []
        for each in same:
            removal.untag(image, each, records)
        return records
    exact = reference is not None and reference in names
    apart = not force and (len(names) <= 1 if exact else len(same) != len(names))
    if exact and (user := users.of_image(image.id)):
        if not force:
            raise ApiError(
                409,
                f"conflict: unable to delete {reference} (must be forced) - "
                f"container {user[:12]} is using its referenced image {image.short_id}",
            )
        records = []
        removal.untag(image, names[0], records)
        return records
    return removal.whole(image, named_apart=apart, prune=prune)


def _same(reference: ImageReference | None, names: list[ImageReference]) -> list[ImageReference]:
    """The names that a name means: its tag in its repository, and digests of that alone."""
    if reference is None and names:
        reference = names[0]
    if reference is None:
        return []
    mine = [name for name in names if name.full_repository == reference.full_repository]
    if reference.digest:
        return mine
    tag = reference.tag
    same = [name for name in mine if not name.digest and name.tag == tag]
    if any(not name.digest and name.tag != tag for name in mine):
        return same
    return [*same, *(name for name in mine if name.digest)]
