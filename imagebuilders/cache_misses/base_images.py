"""Base images as they are known before a build, and as the build tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.cache_misses.records import BaseRecord
from imagebuilders.cache_misses.step_inputs import image_key
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.cache_misses.base_image import FindBase
    from imagebuilders.cache_misses.fingerprints import Fingerprints


_LAYERS, _DIGEST, _STEP = "layers:", "digest:", "step:"
"""An image is known by its layers where the engine has it, else by the digest that was pulled; that
of another build by its last step."""


@dataclass(frozen=True)
class KnownBase:
    """A base, and the fingerprint of what its configuration sets for steps, if that is known."""

    record: BaseRecord
    settings: str = ""


class BaseImages:
    """What is known of the images that a build begins with or copies from."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        """Begin with none."""
        self._of = fingerprints.of
        self._found: dict[str, KnownBase] = {}

    def look_up(self, names: Iterable[str], find_base: FindBase) -> None:
        """Ask the engine for images that it has before the build, which are those it takes."""
        for name in names:
            if name.startswith(("context:", TARGET_SCHEME)) or " " in name:
                continue  # another context's, or one of another platform
            image = find_base(name)
            if image is not None:
                layers = f"{_LAYERS}{self._of(*image.layers)}"
                record = BaseRecord(self._of(name), layers, image.id)
                self._found[name] = KnownBase(record, self._of("settings", image.settings))

    def add_target(self, target: str, key: str) -> None:
        """Note what the image of another build of the same `build_many` comes to.

        Args:
            target: what the build is called.
            key: stands for its last step.
        """
        name = f"{TARGET_SCHEME}{target}"
        self._found[name] = KnownBase(BaseRecord(self._of(name), f"{_STEP}{key}"))

    def known(self, name: str, told: Mapping[str, str]) -> KnownBase:
        """Return what is known of an image.

        Args:
            name: its name in full.
            told: the digests that the build told, by the names of images.
        """
        found = self._found.get(name)
        if found is not None:
            return found
        plain, _, _ = name.partition(" ")
        digest = told.get(plain) or plain.partition("@")[2]
        identity = f"{_DIGEST}{self._of(digest)}" if digest else ""
        return KnownBase(BaseRecord(self._of(name), identity, digest))


def told_digests(instructions: Iterable[str]) -> dict[str, str]:
    """Return the digests of images by their names, as the FROM steps of a build tell them.

    A name that comes with several, as with several platforms, has none.
    """
    found: dict[str, set[str]] = {}
    for instruction in instructions:
        words = instruction.split()
        if len(words) >= 2 and words[0].upper() == "FROM":
            name, at, digest = words[-1].partition("@")
            if at:
                found.setdefault(image_key(name), set()).add(digest)
    return {name: next(iter(digests)) for name, digests in found.items() if len(digests) == 1}
