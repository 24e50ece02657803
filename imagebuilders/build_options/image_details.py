"""What is said of an image beside its content: attestations and annotations.

https://docs.docker.com/build/metadata/attestations/
https://docs.docker.com/build/metadata/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagebuilders.build_options.parsing import (
    encodable,
    format_fields,
    parse_fields,
    parse_switch,
)
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

PROVENANCE = "provenance"
SBOM = "sbom"
_DISABLED = "disabled"


@dataclass(frozen=True)
class Attestation:
    """What is to be attested of an image: how it was built, what is in it."""

    type: str
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Attestation:
        """Read `type=provenance,mode=max`.

        Raises:
            ValueError: the spelling is wrong.
        """
        attributes = parse_fields(text)
        kind = attributes.pop("type", "")
        if not kind:
            raise ValueError("an attestation needs a type, as in type=sbom")
        return cls(kind, _checked(attributes))

    @classmethod
    def of_type(cls, kind: str, value: bool | str) -> Attestation:
        """Read what is said of one type: `true`, `false` or its attributes.

        Raises:
            ValueError: it is neither.
        """
        is_on = value if isinstance(value, bool) else parse_switch(value)
        if is_on is None:
            return cls(kind, _checked(parse_fields(str(value))))
        return cls(kind) if is_on else cls(kind, ((_DISABLED, "true"),))

    @property
    def is_disabled(self) -> bool:
        """Whether it is not to be made."""
        return (_DISABLED, "true") in self.attributes

    def __str__(self) -> str:
        return format_fields([("type", self.type), *self.attributes])


def _checked(attributes: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return attributes by their names; that it is not disabled need not be said."""
    is_disabled = parse_switch(attributes.pop(_DISABLED, "false"))
    if is_disabled is None:
        raise ValueError("disabled is true or false")
    return ((_DISABLED, "true"),) if is_disabled else tuple(sorted(attributes.items()))


def chosen_attestations(
    attest: Iterable[Attestation], sbom: Attestation | None, provenance: Attestation | None
) -> list[Attestation]:
    """Return the attestations to make: of each type the first one that is asked for.

    Args:
        attest: those by their types.
        sbom, provenance: those that have an option of their own.
    """
    chosen: dict[str, Attestation] = {}
    for attestation in (*attest, sbom, provenance):
        if attestation is not None:
            chosen.setdefault(attestation.type, attestation)
    return [attestation for attestation in chosen.values() if not attestation.is_disabled]


@dataclass(frozen=True)
class Annotation:
    """An annotation of an image.

    Attributes:
        key, value: what it says.
        kind: what it is put on: `manifest`, `index`, `manifest-descriptor` or `index-descriptor`;
            empty for the manifest of each platform.
        platform: the platform whose manifest it is put on; empty for all.
    """

    key: str
    value: str
    kind: str = ""
    platform: str = ""

    @classmethod
    def parse(cls, text: str) -> list[Annotation]:
        """Read `key=value`, or with what it is put on, as in `index,manifest[linux/arm64]:k=v`.

        Raises:
            ValueError: the spelling is wrong.
        """
        name, equals, value = encodable(text).partition("=")
        if not equals or not name:
            raise ValueError("write an annotation as key=value, or as manifest:key=value")
        kinds, colon, key = name.partition(":")
        if not colon:
            return [cls(name, value)]
        return [cls(key, value, *_place(place)) for place in kinds.split(",")]

    @property
    def is_of_index(self) -> bool:
        """Whether it is put on an index, which an image of one platform may not have."""
        return self.kind.startswith("index")

    @property
    def attribute(self) -> str:
        """Its name among the attributes of an exporter."""
        kind = f"-{self.kind}" if self.kind else ""
        platform = f"[{self.platform}]" if self.platform else ""
        return f"annotation{kind}{platform}.{self.key}"

    def __str__(self) -> str:
        platform = f"[{self.platform}]" if self.platform else ""
        place = f"{self.kind}{platform}:" if self.kind else ""
        return f"{place}{self.key}={self.value}"


_PLACE = re.compile(r"([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?\Z", re.ASCII)
_KINDS = ("manifest", "index", "manifest-descriptor", "index-descriptor")


def _place(text: str) -> tuple[str, str]:
    """Read what an annotation is put on, and of which platform."""
    found = _PLACE.match(text)
    if found is None or found[1] not in _KINDS:
        raise ValueError(f"an annotation is put on {', '.join(_KINDS)}, with [OS/ARCH] behind")
    if found[2] is None:
        return found[1], ""
    try:
        return found[1], str(Platform.parse(found[2]))
    except ImageFormatError as error:
        raise ValueError(str(error)) from error
