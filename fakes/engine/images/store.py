"""The engine's images: found by the engine's rules, and told of in its events."""

from __future__ import annotations

from contextlib import suppress

from imagebuilders.oci.reference import ImageReference

from ...images.identity import ConfigDigestIdentity, ImageIdentity
from ...images.image import Image
from ...images.reference import InvalidReferenceError
from ...images.store import Images
from ..errors import ApiError
from ..state import EngineState
from .names import parse_as

_CONFIG_DIGEST = ConfigDigestIdentity()


class ImageStore(Images):
    """Images by id and name.

    Attributes:
        state: of the engine, whose lock is that of the images.
    """

    def __init__(self, state: EngineState, identity: ImageIdentity = _CONFIG_DIGEST) -> None:
        super().__init__(state.lock, state.clock, identity)
        self.state = state

    def put(self, image: Image) -> Image:
        """Keep an image, in place of one with the same id that is for another platform."""
        return self.add(image)

    def retag(self, reference: ImageReference, image: Image) -> None:
        """Point a name at an image and say so in the events."""
        with self.lock:
            self.tag(reference.tagged(), image)
            self.note("tag", image, str(reference))

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

    def note_gone(self, action: str, image: Image, name: str) -> None:
        """Say in the events that an image or a name of it is gone, without its labels."""
        self.state.events.add("image", action, image.id, {"name": name})

    def note_transfer(self, action: str, reference: ImageReference) -> None:
        """Say in the events that an image came from a registry or went to one."""
        labels: dict[str, str] = {}
        with suppress(ApiError):
            config = self.find(str(reference)).parsed.get("config") or {}
            labels = dict(config.get("Labels") or {})
        attributes = {**labels, "name": reference.repository}
        self.state.events.add("image", action, str(reference), attributes)

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
        shown = str(reference.tagged())
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
            return self.id_of(parse_as(self.state.version, name).tagged()) is not None
        except InvalidReferenceError:
            return False
