"""Image layouts: a folder of blobs, with an index of what can be found in it.

OCI image specification, "Image Layout":
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import ControlFileNotFoundError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.json_document import (
    MAX_DOCUMENT_BYTES,
    ObjectReader,
    dump_object,
    load_object,
)

INDEX = "index.json"
NAME_ANNOTATION = "org.opencontainers.image.ref.name"
"""The annotation by which the index knows a manifest's tag."""

INDEX_MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"


def blob_path(digest: Digest) -> str:
    """Return where a blob is in an image layout, relative to its folder."""
    return f"blobs/{digest.algorithm}/{digest.encoded}"


class ImageLayout:
    """An image layout in a folder, which need not exist yet."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def find(self, tag: str = "") -> Descriptor | None:
        """Return the manifest of a tag; without one, that of `latest` or else the only one.

        Raises:
            ControlFileError: the index cannot be read; of a folder without one, that it is missing.
            ImageFormatError: it is malformed.
        """
        manifests = self._manifests(self._read())
        wanted = tag or "latest"
        for manifest in manifests:
            if manifest.annotations.get(NAME_ANNOTATION) == wanted:
                return manifest
        return manifests[0] if not tag and len(manifests) == 1 else None

    def manifests(self) -> list[Descriptor]:
        """Return the manifests and indexes of all tags.

        Raises:
            ControlFileError: the index cannot be read.
            ImageFormatError: it is malformed.
        """
        return self._manifests(self._read())

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether a blob is in the layout."""
        return self._path.joinpath(blob_path(descriptor.digest)).is_file()

    def add(self, descriptor: Mapping[str, object], tags: tuple[str, ...] = ("latest",)) -> None:
        """Put a manifest that is among the blobs into the index, under tags, in place of others.

        Args:
            descriptor: the manifest's descriptor, as parsed JSON.
            tags: what it is found by; without any it stands there without a name.

        Raises:
            ControlFileError: the index cannot be read.
            ImageFormatError: the index or the descriptor is malformed.
            OSError: the index cannot be written.
        """
        added = Descriptor.from_json(ObjectReader(descriptor, "the descriptor"))
        self._path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            try:
                document = self._read()
            except ControlFileNotFoundError:
                document = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE}
            kept = [
                manifest
                for manifest in self._manifests(document)
                if manifest.annotations.get(NAME_ANNOTATION) not in tags
            ]
            for tag in tags:
                annotations = {**added.annotations, NAME_ANNOTATION: tag}
                kept.append(replace(added, annotations=annotations))
            if not tags and all(manifest.digest != added.digest for manifest in kept):
                kept.append(added)
            document = {**document, "manifests": [manifest.to_json() for manifest in kept]}
            self._write("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            self._write(INDEX, dump_object(document))

    def _read(self) -> dict[str, object]:
        found = read_control_file(self._path / INDEX, limit=MAX_DOCUMENT_BYTES)
        return load_object(found.content, "the index of the image layout")

    @staticmethod
    def _manifests(document: Mapping[str, object]) -> list[Descriptor]:
        fields = ObjectReader(document, "the index of the image layout")
        return [Descriptor.from_json(each) for each in fields.children("manifests")]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other programs, buildx too, from writing the index meanwhile."""
        with self._path.joinpath(f"{INDEX}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, name: str, content: bytes) -> None:
        path = self._path / f".{name}-{secrets.token_hex(8)}"
        try:
            with path.open("xb") as file:
                file.write(content)
            os.replace(path, self._path / name)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
