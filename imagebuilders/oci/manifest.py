"""Manifests and indexes, OCI's and Docker's.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
https://github.com/opencontainers/image-spec/blob/main/image-index.md

The digest of a document is that of its exact bytes: what was read from a registry must be kept
as it came, and is not what `to_bytes` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.json_document import ObjectReader, dump_object, load_object
from imagebuilders.oci.media_types import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    essence,
)
from imagebuilders.oci.platform import Platform, variant_rank

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Manifest:
    """An image for one platform, or an artifact.

    Attributes:
        config: the image's configuration.
        layers: the lowest first.
        media_type: OCI's or Docker's.
        subject: the manifest that this one is about.
        artifact_type: what the artifact is, when it is not an image.
        annotations: notes by key.
        unknown: further fields of the JSON object.
    """

    config: Descriptor
    layers: tuple[Descriptor, ...] = ()
    media_type: str = OCI_MANIFEST
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, content: bytes, media_type: str | None = None) -> Manifest:
        """Read a manifest.

        Args:
            content: the document.
            media_type: what it came as, such as a `Content-Type`.

        Raises:
            ImageFormatError: it is malformed, or an index.
        """
        document = parse_manifest(content, media_type)
        if not isinstance(document, Manifest):
            raise ImageFormatError(
                "The manifest is an index of several images: choose one of its manifests first."
            )
        return document

    def to_bytes(self) -> bytes:
        """Return the document as compact JSON."""
        document: dict[str, object] = {
            "schemaVersion": SCHEMA_VERSION,
            "mediaType": self.media_type,
        }
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        document["config"] = self.config.to_json()
        document["layers"] = [layer.to_json() for layer in self.layers]
        return _finished(document, self)


@dataclass(frozen=True)
class Index:
    """A list of manifests, such as one for each platform. Docker calls it a manifest list.

    Attributes:
        manifests: in the document's order.
        media_type: OCI's or Docker's.
        subject: the manifest that this index is about.
        artifact_type: what the artifact is, when these are not images.
        annotations: notes by key.
        unknown: further fields of the JSON object.
    """

    manifests: tuple[Descriptor, ...] = ()
    media_type: str = OCI_INDEX
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    def choose(self, platform: Platform) -> Descriptor | None:
        """Return the manifest for a platform; `None` when there is none.

        That is the one for the highest variant that the platform runs, the first of several.
        """
        fitting = [
            entry
            for entry in self.manifests
            if entry.platform is not None and platform.runs(entry.platform)
        ]
        return max(
            fitting,
            key=lambda entry: variant_rank(entry.platform or Platform()),
            default=None,
        )

    def to_bytes(self) -> bytes:
        """Return the document as compact JSON."""
        document: dict[str, object] = {
            "schemaVersion": SCHEMA_VERSION,
            "mediaType": self.media_type,
        }
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        document["manifests"] = [entry.to_json() for entry in self.manifests]
        return _finished(document, self)


def parse_manifest(content: bytes, media_type: str | None = None) -> Manifest | Index:
    """Read a manifest or an index.

    A document that could be taken for both is refused: two readers must not see two images under
    one digest (CVE-2021-41190).

    Args:
        content: the document.
        media_type: what it came as, such as a `Content-Type`; what the document says of itself,
            or else its form, decides without one.

    Raises:
        ImageFormatError: it is malformed, contradicts itself or the media type, or is of a type
            that is not known here.
    """
    fields = ObjectReader(load_object(content, "the manifest"), "the manifest")
    kind = _media_type(fields, essence(media_type or ""))
    subject = fields.child("subject")
    if kind in INDEX_TYPES:
        entries = fields.children("manifests")
        return Index(
            manifests=tuple(Descriptor.from_json(entry) for entry in entries),
            media_type=kind,
            subject=None if subject is None else Descriptor.from_json(subject),
            artifact_type=fields.text("artifactType"),
            annotations=fields.text_map("annotations"),
            unknown=fields.rest(),
        )
    config = fields.child("config")
    if config is None:
        fields.fail("config", "it is missing.")
    return Manifest(
        config=Descriptor.from_json(config),
        layers=tuple(Descriptor.from_json(layer) for layer in fields.children("layers")),
        media_type=kind,
        subject=None if subject is None else Descriptor.from_json(subject),
        artifact_type=fields.text("artifactType"),
        annotations=fields.text_map("annotations"),
        unknown=fields.rest(),
    )


def _media_type(fields: ObjectReader, given: str) -> str:
    """Return what the document is, after a look at all that could say otherwise."""
    version = fields.integer("schemaVersion")
    if version == 1:
        raise ImageFormatError(
            "The manifest is of Docker's schema version 1, which engines no longer push or pull: "
            "push the image anew.",
            field="schemaVersion",
        )
    if version != SCHEMA_VERSION:
        found = "it is missing." if version is None else f"it is {version}, not 2."
        fields.fail("schemaVersion", found)
    stated = fields.text("mediaType")
    if stated and given and stated != given:
        fields.fail("mediaType", f"it says {stated!a} and came as {given!a}.")
    lists_images, is_image = fields.has("manifests"), fields.has("config") or fields.has("layers")
    if lists_images and is_image:
        raise ImageFormatError(
            "The manifest has both manifests and layers, so that it is ambiguous what it is."
        )
    kind = stated or given or (OCI_INDEX if lists_images else OCI_MANIFEST)
    if kind not in MANIFEST_TYPES | INDEX_TYPES:
        raise ImageFormatError(
            f"The manifest is of the type {kind!a}, which is neither an image nor an index."
        )
    if (kind in INDEX_TYPES and is_image) or (kind in MANIFEST_TYPES and lists_images):
        raise ImageFormatError(f"The manifest says that it is {kind}, and has another form.")
    return kind


def _finished(document: dict[str, object], source: Manifest | Index) -> bytes:
    if source.subject is not None:
        document["subject"] = source.subject.to_json()
    if source.annotations:
        document["annotations"] = dict(source.annotations)
    return dump_object(document | dict(source.unknown))
