"""The engine's images: documents, layers, names and parents."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.image_config import chain_ids

from .. import go_text
from ..errors import ApiError
from ..state import EngineState
from .config import RunConfig
from .layers import Layer, digest_of, flatten
from .name_table import NameTable
from .reference import InvalidReferenceError, Reference, parse, parse_as


@dataclass(eq=False)
class Image:
    """An image in the store.

    Attributes:
        document: the exact bytes whose digest is the id.
        layers: lowest first.
        made_from: the image it was made from here.
        last_tagged: nanoseconds since the epoch, 0 when it never was.
    """

    document: bytes = field(repr=False)
    layers: tuple[Layer, ...] = field(default=(), repr=False)
    made_from: Image | None = field(default=None, repr=False)
    last_tagged: int = 0

    def __post_init__(self) -> None:
        self.id = digest_of(self.document)
        self.parsed: dict[str, Any] = json.loads(self.document)
        self._tree: Tree | None = None

    @property
    def parent(self) -> str:
        """The id of the image it was made from here, or empty."""
        return self.made_from.id if self.made_from else ""

    @property
    def short_id(self) -> str:
        """The twelve digits that messages show."""
        return self.id[7:19]

    @property
    def created(self) -> int:
        """Nanoseconds since the epoch."""
        return go_text.parse_rfc3339(self.parsed.get("created") or "")

    @property
    def size(self) -> int:
        """The bytes of the files in all layers."""
        return sum(layer.size for layer in self.layers)

    @property
    def history(self) -> list[dict[str, Any]]:
        """The history, oldest first."""
        return self.parsed.get("history") or []

    @property
    def tree(self) -> Tree:
        """The root file system; not to be changed."""
        if self._tree is None:
            self._tree = flatten(self.layers)
        return self._tree

    def remember_tree(self, tree: Tree) -> None:
        """Keep a tree that is known already."""
        self._tree = tree

    @cached_property
    def chain_ids(self) -> list[str]:
        """The ids of its layer chains."""
        diff_ids = (Digest.parse(layer.diff_id) for layer in self.layers)
        return [str(chain) for chain in chain_ids(diff_ids)]

    def run_config(self) -> RunConfig | None:
        """What a container of it runs, `None` when its document says nothing."""
        config = self.parsed.get("config")
        return None if config is None else RunConfig.from_json(config)

    def container_config(self) -> RunConfig:
        """What the last step of its build ran."""
        return RunConfig.from_json(self.parsed.get("container_config"))


class ImageStore:
    """Images by id and name.

    Attributes:
        state: of the engine.
        lock: the engine's.

    Every method holds the lock for its whole length. It is the engine's, so that whoever
    holds that can look and then act: no image, name or container comes in between.
    """

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self.lock = state.lock
        self._images: dict[str, Image] = {}
        self._children: dict[str, dict[str, Image]] = {}
        self._chains: Counter[str] = Counter()
        self._tags = NameTable()
        self._digests = NameTable()

    # --- images ---------------------------------------------------------------

    def add(self, image: Image) -> Image:
        """Keep an image; one with the same id stays as it is.

        Those it was made from are kept again if somebody removed them in the meantime.
        """
        with self.lock:
            kept = self._images.get(image.id, image)
            above: Image | None = kept
            while above is not None and above.id not in self._images:
                self._images[above.id] = above
                self._children.setdefault(above.parent, {})[above.id] = above
                self._chains.update(above.chain_ids)
                above = above.made_from
            return kept

    def adopt(self, image: Image, parent: Image) -> None:
        """Make an image the child of another."""
        with self.lock:
            self.add(image)
            del self._children[image.parent][image.id]
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

    def drop(self, image_id: str) -> None:
        """Forget an image and every name of it."""
        with self.lock:
            image = self._images.pop(image_id, None)
            if image is not None:
                del self._children[image.parent][image_id]
                self._chains.subtract(image.chain_ids)
            self._tags.drop(image_id)
            self._digests.drop(image_id)

    # --- names ----------------------------------------------------------------

    def tag(self, reference: Reference, image: Image) -> None:
        """Point a name at an image; taken from whatever had it.

        An image that somebody removed in the meantime is kept again.
        """
        with self.lock:
            image = self.add(image)
            self._tags.set(reference.key, image.id)
            image.last_tagged = self.state.clock()

    def add_digest(self, reference: Reference, image_id: str, *, moving: bool = False) -> None:
        """Remember under which digest a repository holds an image.

        Args:
            reference: the digest in its repository.
            image_id: the image.
            moving: take it from another image that has it, as of an index for another platform.
        """
        with self.lock:
            if image_id in self._images and (moving or reference.key not in self._digests):
                self._digests.set(reference.key, image_id)

    def untag(self, reference: Reference) -> None:
        """Forget a name or a repository's digest."""
        with self.lock:
            self._tags.remove(reference.key)
            self._digests.remove(reference.key)

    def id_of(self, reference: Reference) -> str | None:
        """The id behind a full name."""
        with self.lock:
            return self._digests.get(reference.key) or self._tags.get(reference.key)

    def tags_of(self, image_id: str) -> list[Reference]:
        """The names of an image, sorted."""
        with self.lock:
            return [parse(key) for key in self._tags.of(image_id)]

    def digests_of(self, image_id: str) -> list[Reference]:
        """The repository digests of an image, sorted."""
        with self.lock:
            return [parse(key) for key in self._digests.of(image_id)]

    def references(self) -> dict[str, str]:
        """Every name and repository digest with the id it points at."""
        with self.lock:
            return {**self._tags.items(), **self._digests.items()}

    def retag(self, reference: Reference, image: Image) -> None:
        """Point a name at an image and say so in the events."""
        with self.lock:
            self.tag(reference.tagged(), image)
            self.note("tag", image, reference.familiar)

    # --- events ---------------------------------------------------------------

    def note(self, action: str, image: Image, name: str = "") -> None:
        """Say in the events that something happened to an image.

        Args:
            action: what.
            image: which; one that is gone already is told without its labels.
            name: by which name; by its id when left out.
        """
        kept = self.get(image.id) is not None
        labels = dict((image.parsed.get("config") or {}).get("Labels") or {}) if kept else {}
        self.state.events.add("image", action, image.id, {**labels, "name": name or image.id})

    def note_transfer(self, action: str, reference: Reference) -> None:
        """Say in the events that an image came from a registry or went to one."""
        labels: dict[str, str] = {}
        with suppress(ApiError):
            config = self.find(reference.familiar).parsed.get("config") or {}
            labels = dict(config.get("Labels") or {})
        attributes = {**labels, "name": reference.familiar_name}
        self.state.events.add("image", action, reference.familiar, attributes)

    def note_commit(self, image: Image) -> None:
        """Say that an image was made of a container, which only newer engines tell."""
        if self.state.version >= "28.0":
            self.note("create", image)

    # --- finding --------------------------------------------------------------

    def find(self, name: str) -> Image:
        """An image by name, id or the beginning of an id.

        Raises:
            ApiError: 404 when there is none, 400 when the name is no name.
        """
        with self.lock:
            image_id = self._find_id(name)
            return self._images[image_id]

    def _find_id(self, name: str) -> str:
        hexadecimal = name.removeprefix("sha256:")
        if len(hexadecimal) == 64 and f"sha256:{hexadecimal}" in self._images:
            return f"sha256:{hexadecimal}"
        if len(hexadecimal) == 64 and set(hexadecimal) <= set("0123456789abcdef"):
            raise ApiError(404, f"No such image: sha256:{hexadecimal}")
        try:
            reference = parse_as(self.state.version, name)
        except InvalidReferenceError as error:
            raise ApiError(400, str(error)) from error
        found = self.id_of(reference.tagged())
        if found:
            return found
        shown = reference.tagged().familiar
        if hexadecimal and set(hexadecimal) <= set("0123456789abcdef"):
            matches = [key for key in self._images if key.startswith(f"sha256:{hexadecimal}")]
            if len(matches) == 1:
                return matches[0]
        raise ApiError(404, f"No such image: {shown}")

    def names_id(self, name: str, image_id: str) -> bool:
        """Whether `name` is (the beginning of) that id and no name."""
        hexadecimal = name.removeprefix("sha256:")
        return image_id.startswith(f"sha256:{hexadecimal}") and not self._named(name)

    def _named(self, name: str) -> bool:
        try:
            return self.id_of(parse(name).tagged()) is not None
        except InvalidReferenceError:
            return False

    def layers(self) -> Iterable[Layer]:
        """Every layer of every image, once."""
        with self.lock:
            return {
                layer.diff_id: layer for i in self._images.values() for layer in i.layers
            }.values()
