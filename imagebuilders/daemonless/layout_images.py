"""Images of image layouts on this machine: `oci-layout://folder[:tag][@digest]`."""

from __future__ import annotations

import os

from imagebuilders.distribution import StoredManifest
from imagebuilders.exceptions import ControlFileError, ImageBuilderError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, is_digest
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES, ObjectReader, load_object
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.layout_blobs import LayoutBlobs
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST


class LayoutImage(LayoutBlobs):
    """An image of a layout, with the layout's blobs.

    Args:
        path: the layout's folder.
        tag: the image that is meant; empty for `latest`, or the only one.
        digest: the digest of its manifest or index, if it is given.
    """

    def __init__(self, path: str, tag: str = "", digest: str = "") -> None:
        super().__init__(path)
        self._tag = tag
        self._digest = digest

    @classmethod
    def parse(cls, text: str) -> LayoutImage:
        """Read `folder`, `folder:tag` or either with `@digest` behind it."""
        path, at, digest = text.rpartition("@")
        if not at or not is_digest(digest):  # a folder's name may have an @
            path, digest = text, ""
        head, colon, tag = path.rpartition(":")
        if colon and "/" not in tag and not os.path.isdir(path):
            return cls(head, tag, digest)
        return cls(path, "", digest)

    def named_manifest(self) -> StoredManifest:
        """Return what the address stands for.

        Raises:
            ImageBuilderError: there is no such image, or the layout cannot be read.
        """
        if self._digest:
            return self.read_manifest(self._digest)
        try:
            found = ImageLayout(self.path).find(self._tag)
        except ControlFileError as error:
            raise ImageBuilderError(f"{self.path} is not an image layout: {error}") from error
        if found is None:
            raise ImageBuilderError(
                f"the image layout {self.path} has no image of the tag {self._tag or 'latest'}"
            )
        return self.read_manifest(found.digest)

    def read_manifest(self, reference: str | Digest) -> StoredManifest:
        """Return a manifest or an index by its digest.

        Raises:
            ImageFormatError: it is malformed, or not what its digest says.
            ImageBuilderError: there is none.
        """
        content = self.read_blob(reference, max_bytes=MAX_DOCUMENT_BYTES)
        fields = ObjectReader(load_object(content, "the manifest"), "the manifest")
        media_type = fields.text("mediaType")
        if not media_type:
            media_type = OCI_INDEX if fields.has("manifests") else OCI_MANIFEST
        return StoredManifest(Descriptor.of(content, media_type), content)
