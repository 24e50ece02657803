"""Images made by hand, in image layouts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.image_config import ContainerConfig, HistoryEntry, ImageConfig
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from imagebuilders.oci.platform import Platform

Files = Mapping[str, str | bytes | tarfile.TarInfo]


class LayoutWriter:
    """Writes images into an image layout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, content: bytes, media_type: str) -> Descriptor:
        """Keep some content."""
        found = Descriptor.of(content, media_type)
        path = self.folder.joinpath("blobs", *str(found.digest).split(":"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return found

    def image(
        self,
        *layers: Files,
        config: ContainerConfig | None = None,
        platform: str = "linux/amd64",
        history: Sequence[str] = (),
    ) -> Descriptor:
        """Keep an image of these layers."""
        archives = [archive(layer) for layer in layers]
        document = ImageConfig(
            Platform.parse(platform),
            tuple(Digest.of(content) for content in archives),
            config or ContainerConfig(),
            tuple(HistoryEntry(created_by=step) for step in history),
        ).to_bytes()
        manifest = Manifest(
            self.blob(document, OCI_CONFIG),
            tuple(self.blob(content, OCI_LAYER) for content in archives),
        )
        return self.blob(manifest.to_bytes(), OCI_MANIFEST)

    def index(self, *entries: Descriptor) -> Descriptor:
        """Keep an index."""
        return self.blob(Index(entries).to_bytes(), OCI_INDEX)

    def tag(self, found: Descriptor, *tags: str) -> str:
        """Give tags to an image; return the layout's path."""
        ImageLayout(self.folder).add(found.to_json(), tags or ("latest",))
        return str(self.folder)


def archive(files: Files) -> bytes:
    """Return an archive of these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as made:
        for name, value in files.items():
            if isinstance(value, tarfile.TarInfo):
                made.addfile(value)
                continue
            data = value.encode() if isinstance(value, str) else value
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return content.getvalue()
