"""The images that stages begin with: of the engine, of the seeded hub, or of a registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.trees import Folder, folder_of
from imagebuilders.exceptions import (
    ImageBuilderError,
    ImageNameError,
    RegistryError,
    RegistryNotFoundError,
)
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_DOMAIN, ImageReference

from .progress import Progress, vertex, vertex_digest
from .registries import LAYOUT, Registries
from .registry_words import registry_words

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from ...images.image import Image
    from .look import Look
    from .worker import Worker

PULL, LOCAL = "pull", "local"
"""The modes in which images are looked for at their registries alone, or in the store first."""


class StoreUse(Enum):
    """When a build looks for images in the engine's own store."""

    NEVER = "never"
    FIRST = "first"
    LAST = "last"

    @classmethod
    def of(cls, look: Look, mode: str) -> StoreUse:
        """Return it, for what a daemon looks like and the mode that is asked for."""
        if not look.is_engine or mode == PULL:
            return cls.NEVER
        return cls.FIRST if look.has_graph_driver or mode == LOCAL else cls.LAST


@dataclass(frozen=True)
class Base:
    """An image that a build uses.

    Attributes:
        reference: with domain and tag or digest.
        image: the image.
        digest: of its manifest, or of the index that names it; empty for one of a graph driver.
        is_here: it lies in the engine's own store.
        context: the named context that it is, if it is one.
    """

    reference: str
    image: Image
    digest: str = ""
    is_here: bool = False
    context: str = ""

    @property
    def title(self) -> str:
        """What the progress calls it."""
        known = not self.digest or self.context or "@" in self.reference
        return self.reference if known else f"{self.reference}@{self.digest}"


class BaseImages:
    """Finds the images of one build; it is an `imagebuilders.evaluation.Images`.

    Args:
        worker: has images.
        registries: asks registries.
        progress: is told.
        store: whether an image of the engine's own store goes before that of a registry, or comes
            after it; without either, there is none.
        trees: keeps the files of images, by their IDs, for all builds.
    """

    def __init__(
        self,
        worker: Worker,
        registries: Registries,
        progress: Progress,
        *,
        store: StoreUse,
        trees: dict[str, Folder],
    ) -> None:
        self._worker = worker
        self._registries = registries
        self._progress = progress
        self._store = store
        self._trees = trees
        self._found: dict[tuple[str, str], Base] = {}
        self.shows_platform = False
        """Whether the progress names the platform, as one of several."""
        self.inputs: dict[str, Image] = {}
        """What other builds made, by the references of named contexts."""
        self.input_vertices: dict[str, Vertex] = {}
        """The vertices that end those builds, by the same references."""
        self.contexts: dict[str, str] = {}
        """The names of contexts that are images, by their references."""

    def used(self, platform: Platform) -> list[Base]:
        """Return the images that were looked for, for one platform, in that order.

        Images of layouts and results of other builds are not among them.
        """
        return [
            base
            for (reference, name), base in self._found.items()
            if name == str(platform) and not reference.startswith(LAYOUT)
        ]

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the JSON document of an image's configuration.

        Raises:
            ImageBuilderError: there is none; in BuildKit's words.
        """
        return self.find(reference, platform).image.document

    def tree(self, reference: str, platform: Platform) -> Folder:
        """Return the files of an image.

        Raises:
            ImageBuilderError: there is none.
        """
        image = self.find(reference, platform).image
        if image.id not in self._trees:
            self._trees[image.id] = folder_of(image.tree)
        return self._trees[image.id]

    def find(self, reference: str, platform: Platform) -> Base:
        """Return an image, which is looked for once in a build.

        Raises:
            ImageBuilderError: there is none; in BuildKit's words.
        """
        if reference in self.inputs:
            return Base(reference, self.inputs[reference])
        key = (reference, str(platform))
        if key not in self._found:
            shown = f"{platform} " if self.shows_platform else ""
            context = self.contexts.get(reference, "")
            group = f"context {context}" if context else f"{shown}internal"
            name = f"[{group}] load metadata for {reference}"
            step = vertex(name, vertex_digest("metadata", *key))
            with self._progress.running(step):
                self._found[key] = replace(self.look(reference, platform), context=context)
        return self._found[key]

    def seeded(self, name: str, platform: Platform) -> Image | None:
        """Return an image of the engine's store, or one that was seeded; `None` if there is none.

        Args:
            name: as a user writes it.
            platform: what it is for.

        Raises:
            ImageNameError: it is malformed.
        """
        reference = ImageReference.parse(name)
        found = self._worker.remote_image(reference, platform)
        if self._store is not StoreUse.NEVER and (found is None or self._store is StoreUse.FIRST):
            local = self._worker.local_image(name, platform)
            if local is not None:
                return local[0]
        return None if found is None else found[0]

    def look(self, reference: str, platform: Platform) -> Base:
        """Return an image, without telling of it.

        Raises:
            ImageBuilderError: there is none; in BuildKit's words.
        """
        if reference.startswith(LAYOUT):
            try:
                return Base(reference, *self._registries.from_layout(reference, platform))
            except CallError as error:
                raise ImageBuilderError(error.status.message) from error
        here = None
        if self._store is not StoreUse.NEVER:
            here = self._worker.local_image(reference, platform)
        if here is None:
            return self._look_elsewhere(reference, platform)
        local = Base(reference, *here, is_here=True)
        if self._store is StoreUse.FIRST:
            return local
        try:
            return self._look_elsewhere(reference, platform)
        except ImageBuilderError:
            return local

    def _look_elsewhere(self, reference: str, platform: Platform) -> Base:
        """Return an image that was seeded, or of a registry.

        Raises:
            ImageBuilderError: there is none; in BuildKit's words.
        """
        name = ImageReference.parse(reference)
        found = self._worker.remote_image(name, platform)
        if found is not None:
            return Base(reference, *found)
        if name.domain == DEFAULT_DOMAIN and not self._worker.hub_is_real:
            raise ImageBuilderError(self._missing(reference, name))
        try:
            image, digest = self._registries.pull(name, platform)
        except RegistryNotFoundError as error:
            raise ImageBuilderError(f"{reference}: not found") from error
        except CallError as error:
            raise ImageBuilderError(error.status.message) from error
        except RegistryError as error:
            url = self._registries.manifest_url(name)
            raise ImageBuilderError(registry_words(error, url)) from error
        return Base(reference, image, digest)

    def _missing(self, reference: str, name: ImageReference) -> str:
        """Return the hub's words for an image that it has not."""
        if self._worker.knows(name):
            return f"{reference}: not found"
        return (
            "pull access denied, repository does not exist or may require authorization: server "
            "message: insufficient_scope: authorization failed"
        )


def parse_reference(name: str) -> ImageReference:
    """Read an image's name.

    Raises:
        CallError: it is malformed.
    """
    try:
        return ImageReference.parse(name)
    except ImageNameError as error:
        words = f"failed to parse image name {name}: invalid reference format"
        raise CallError(RpcStatus(Code.UNKNOWN, words)) from error
