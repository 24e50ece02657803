"""Descriptors: what a piece of content is, how large, and under which digest.

OCI image specification, "Content Descriptors":
https://github.com/opencontainers/image-spec/blob/main/descriptor.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import field

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import Buffer, Digest
from imagebuilders.oci.json_document import ObjectReader
from imagebuilders.oci.media_types import is_nondistributable
from imagebuilders.oci.platform import Platform


@dataclass(frozen=True)
class Descriptor:
    """Points to content.

    Attributes:
        media_type: what the content is.
        digest: its digest.
        size: its length in bytes.
        urls: where else it can be read.
        annotations: notes by key.
        data: the content itself, where it is embedded.
        artifact_type: of a manifest, what the artifact is.
        platform: of a manifest, what the image runs on.
        unknown: further fields of the JSON object.
    """

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    data: bytes | None = field(default=None, repr=False)
    artifact_type: str = ""
    platform: Platform | None = None
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, content: Buffer, media_type: str) -> Descriptor:
        """Return the descriptor of some content, with its sha256 digest."""
        return cls(media_type, Digest.of(content), len(content))

    @classmethod
    def from_json(cls, fields: ObjectReader) -> Descriptor:
        """Read a descriptor.

        Raises:
            ImageFormatError: a field is missing or malformed, or embedded data is other content.
        """
        media_type = fields.required_text("mediaType")
        try:
            digest = Digest.parse(fields.required_text("digest"))
        except ImageFormatError as error:
            fields.fail("digest", str(error))
        size = fields.integer("size")
        if size is None:
            fields.fail("size", "it is missing.")
        platform = fields.child("platform")
        return cls(
            media_type=media_type,
            digest=digest,
            size=size,
            urls=fields.texts("urls") or (),
            annotations=fields.text_map("annotations"),
            data=_embedded(fields, digest, size),
            artifact_type=fields.text("artifactType"),
            platform=None if platform is None else Platform.from_json(platform),
            unknown=fields.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.urls:
            document["urls"] = list(self.urls)
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.data is not None:
            document["data"] = base64.b64encode(self.data).decode("ascii")
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.platform is not None:
            document["platform"] = self.platform.to_json()
        return document | dict(self.unknown)

    @property
    def is_nondistributable(self) -> bool:
        """Whether a registry may lack this layer, because it is kept elsewhere."""
        return is_nondistributable(self.media_type)


def _embedded(fields: ObjectReader, digest: Digest, size: int) -> bytes | None:
    if not fields.has("data"):
        return None
    try:
        data = base64.b64decode(fields.text("data"), validate=True)
    except (binascii.Error, ValueError):
        fields.fail("data", "it is not base64.")
    try:
        digest.verify(data, size=size)
    except ImageFormatError as error:
        fields.fail("data", str(error))
    return data
