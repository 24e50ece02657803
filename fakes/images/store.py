"""Images by id and name, with the images that they were made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from imagebuilders.oci.reference import ImageReference

from .identity import ImageIdentity
from .image import Image
from .layers import Layer
from .name_table import NameTable

Clock = Callable[[], int]


class Images:
    """Images by id and name.

    Every method holds the lock for its whole length. It is its owner's, so that whoever holds
    that can look and then act: no image or name comes in between.

    Args:
        lock: of whoever has them.
        clock: nanoseconds since 1970.
        identity: what gives images their ids.
    """

    def __init__(
        self, lock: AbstractContextManager[object], clock: Clock, identity: ImageIdentity
    ) -> None:
        self.lock = lock
        self._clock = clock
        self._identity = identity
        self._images: dict[str, Image] = {}
        self._children: dict[str, dict[str, Image]] = {}
        self._chains: Counter[str] = Counter()
        self._topmost: dict[str, Layer] = {}
        self._unpacked: set[str] = set()
        self._tags = NameTable()
        self._digests = NameTable()

    # --- images ---------------------------------------------------------------

    def add(self, image: Image) -> Image:
        """Keep an image; one with the same id stays as it is.

        Those it was made from are kept again if somebody removed them in the meantime.
        """
        with self.lock:
            image.id = self._identity.of(image)
            kept = self._images.get(image.id, image)
            above: Image | None = kept
            while above is not None and above.id not in self._images:
                self._images[above.id] = above
                self._children.setdefault(above.parent, {})[above.id] = above
                self._chains.update(above.chain_ids)
                self._topmost.update(zip(above.chain_ids, above.layers, strict=True))
                if above.is_unpacked:
                    self.unpack(above)
                above = above.made_from
            return kept

    def adopt(self, image: Image, parent: Image) -> None:
        """Make an image the child of another."""
        with self.lock:
            self.add(image)
            self._orphan(image)
            image.made_from = self.add(parent)
            self._children.setdefault(parent.id, {})[image.id] = image

    def get(self, image_id: str) -> Image | None:
        """An image by its full id."""
        with self.lock:
            return self._images.get(image_id)

    def all(self) -> list[Image]:
        """Every image, in no order that matters."""
        with self.lock:
            return list(self._images.values())

    def children(self, image_id: str) -> list[Image]:
        """The images made from one; with an empty id those made from nothing here."""
        with self.lock:
            return list(self._children.get(image_id, {}).values())

    def has_chain(self, chain: str) -> bool:
        """Whether an image has the layers of a chain's id."""
        with self.lock:
            return self._chains[chain] > 0

    def unpack(self, image: Image) -> None:
        """Let the layers of an image lie unpacked, as those of containers do."""
        with self.lock:
            self._unpacked.update(image.chain_ids)

    def is_unpacked(self, chain: str) -> bool:
        """Whether the layers of a chain's id lie unpacked."""
        with self.lock:
            return chain in self._unpacked

    def topmost(self, chain: str) -> Layer | None:
        """The last layer of a chain, by its id; `None` when no image has it."""
        with self.lock:
            return self._topmost.get(chain)

    def layer_of_blob(self, digest: str) -> Layer | None:
        """A layer whose compressed form has a digest; `None` when no image has it."""
        for image in self.all():
            for each, layer in zip(image.own_manifest.layers, image.layers, strict=False):
                if each["digest"] == digest:
                    return layer
        return None

    def drop(self, image_id: str) -> None:
        """Forget an image and every name of it."""
        with self.lock:
            image = self._images.pop(image_id, None)
            if image is not None:
                self._orphan(image)
                for chain in image.chain_ids:
                    self._chains[chain] -= 1
                    if not self._chains[chain]:
                        del self._chains[chain]
                        del self._topmost[chain]
                        self._unpacked.discard(chain)
            self._tags.drop(image_id)
            self._digests.drop(image_id)

    def _orphan(self, image: Image) -> None:
        """Take an image from those of its parent."""
        siblings = self._children[image.parent]
        del siblings[image.id]
        if not siblings:
            del self._children[image.parent]

    # --- names ----------------------------------------------------------------

    def tag(self, reference: ImageReference, image: Image) -> None:
        """Point a name at an image; taken from whatever had it.

        An image that somebody removed in the meantime is kept again.
        """
        with self.lock:
            image = self.add(image)
            self._tags.set(self._key(reference), image.id)
            image.last_tagged = self._clock()

    def add_digest(self, reference: ImageReference, image_id: str, *, moving: bool = False) -> None:
        """Remember under which digest a repository holds an image.

        Args:
            reference: the digest in its repository.
            image_id: the image.
            moving: take it from another image that has it, as of an index for another platform.
        """
        with self.lock:
            if image_id in self._images and (moving or self._key(reference) not in self._digests):
                self._digests.set(self._key(reference), image_id)

    def untag(self, reference: ImageReference) -> None:
        """Forget a name or a repository's digest."""
        with self.lock:
            self._tags.remove(self._key(reference))
            self._digests.remove(self._key(reference))

    def id_of(self, reference: ImageReference) -> str | None:
        """The id behind a full name."""
        with self.lock:
            return self._digests.get(self._key(reference)) or self._tags.get(self._key(reference))

    def tags_of(self, image_id: str) -> list[ImageReference]:
        """The names of an image, sorted."""
        with self.lock:
            return [ImageReference.parse(key) for key in self._tags.of(image_id)]

    def digests_of(self, image_id: str) -> list[ImageReference]:
        """The repository digests of an image, sorted."""
        with self.lock:
            return [ImageReference.parse(key) for key in self._digests.of(image_id)]

    def references(self) -> dict[str, str]:
        """Every name and repository digest with the id it points at."""
        with self.lock:
            return {**self._tags.items(), **self._digests.items()}

    def _key(self, reference: ImageReference) -> str:
        """What an image is filed under: a digest goes before a tag."""
        which = f"@{reference.digest}" if reference.digest else f":{reference.tag or ''}"
        return f"{reference.full_repository}{which}"

    # --- layers ---------------------------------------------------------------

    def layers(self) -> Iterable[Layer]:
        """Every layer of every image, once."""
        with self.lock:
            return {
                layer.diff_id: layer for i in self._images.values() for layer in i.layers
            }.values()
