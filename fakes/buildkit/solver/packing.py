"""An image as registries and layouts hold it: manifests, an index if it has several, and blobs."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from ...images.layers import Layer
    from .attestations import Predicate
    from .outcome import BuiltImage, Outcome

_ANNOTATION = "annotation."
_OF_MANIFEST = "annotation-manifest."
_OF_INDEX = "annotation-index."
_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_IN_TOTO = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class PackedImage:
    """An image as a registry holds it.

    Attributes:
        descriptor: what its name leads to.
        content: that document.
        config_digest: of its configuration; empty if it has several.
        manifests: the manifests that its index lists, with their media types, by digest.
        blobs: configurations and layers by digest.
        lines: what the progress tells of it.
    """

    descriptor: Descriptor
    content: bytes = field(repr=False)
    config_digest: str
    manifests: Mapping[str, tuple[bytes, str]] = field(repr=False)
    blobs: Mapping[str, bytes] = field(repr=False)
    lines: tuple[str, ...]

    def response(self, created: str = "") -> dict[str, str]:
        """Return what an exporter says of it.

        Args:
            created: when it was made, for exporters that say so.
        """
        made = {"org.opencontainers.image.created": created} if created else {}
        told = replace(self.descriptor, annotations={**self.descriptor.annotations, **made})
        document = json.dumps(told.to_json(), separators=(",", ":")).encode()
        said = {
            "containerimage.digest": str(self.descriptor.digest),
            "containerimage.descriptor": base64.b64encode(document).decode("ascii"),
        }
        if self.config_digest:
            said["containerimage.config.digest"] = self.config_digest
        return said

    def everything(self) -> dict[str, bytes]:
        """Return all documents and blobs by digest."""
        return {
            **self.blobs,
            **{digest: content for digest, (content, _) in self.manifests.items()},
            str(self.descriptor.digest): self.content,
        }


class _Packer:
    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.is_docker = attributes.get("oci-mediatypes") == "false"
        self.is_plain = attributes.get("compression") == "uncompressed"
        self.attributes = attributes
        self.blobs: dict[str, bytes] = {}
        self.lines: list[str] = ["exporting layers"]

    def image(self, built: BuiltImage) -> tuple[Descriptor, bytes]:
        config = self.blob(built.image.document, DOCKER_CONFIG if self.is_docker else OCI_CONFIG)
        manifest = Manifest(
            config,
            tuple(self.layer(layer) for layer in built.image.layers),
            DOCKER_MANIFEST if self.is_docker else OCI_MANIFEST,
            annotations=self.annotations(_ANNOTATION, _OF_MANIFEST),
        )
        content = manifest.to_bytes()
        described = _describe(content, manifest.media_type)
        self.lines += [
            f"exporting manifest {described.digest}",
            f"exporting config {config.digest}",
        ]
        return replace(described, platform=built.platform), content

    def layer(self, layer: Layer) -> Descriptor:
        if self.is_plain:
            return self.blob(layer.content, DOCKER_LAYER if self.is_docker else OCI_LAYER)
        kind = DOCKER_LAYER_GZIP if self.is_docker else OCI_LAYER_GZIP
        return self.blob(layer.compressed, kind)

    def blob(self, content: bytes, media_type: str) -> Descriptor:
        described = _describe(content, media_type)
        self.blobs[str(described.digest)] = content
        return described

    def annotations(self, *prefixes: str) -> dict[str, str]:
        return {
            key.removeprefix(prefix): value
            for prefix in prefixes
            for key, value in self.attributes.items()
            if key.startswith(prefix)
        }

    def attestation(
        self, subject: Descriptor, predicates: Sequence[Predicate]
    ) -> tuple[Descriptor, bytes]:
        name = self.attributes.get("name", "_")
        layers = tuple(
            replace(
                self.blob(predicate.statement(name, str(subject.digest)), _IN_TOTO),
                annotations={"in-toto.io/predicate-type": predicate.kind},
            )
            for predicate in predicates
        )
        config = json.dumps(
            {
                "architecture": "unknown",
                "os": "unknown",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [str(each.digest) for each in layers]},
            }
        ).encode()
        content = Manifest(self.blob(config, OCI_CONFIG), layers).to_bytes()
        described = _describe(content, OCI_MANIFEST)
        self.lines.append(f"exporting attestation manifest {described.digest}")
        annotations = {
            "vnd.docker.reference.digest": str(subject.digest),
            "vnd.docker.reference.type": "attestation-manifest",
        }
        unknown = Platform("unknown", "unknown")
        return replace(described, annotations=annotations, platform=unknown), content


def pack(outcome: Outcome, attributes: Mapping[str, str]) -> PackedImage:
    """Pack a result.

    Args:
        outcome: the result.
        attributes: of the exporter.
    """
    packer = _Packer(attributes)
    images = [packer.image(built) for built in outcome.images]
    attests = any(built.predicates for built in outcome.images)
    if len(images) == 1 and not outcome.is_index and not attests:
        described, content = images[0]
        config_digest = outcome.images[0].image.config_digest
        return PackedImage(described, content, config_digest, {}, packer.blobs, tuple(packer.lines))
    if attests:
        images += [
            packer.attestation(described, built.predicates)
            for (described, _), built in zip(list(images), outcome.images, strict=True)
        ]
    index = Index(
        tuple(described for described, _ in images),
        DOCKER_MANIFEST_LIST if packer.is_docker else OCI_INDEX,
        annotations=packer.annotations(_OF_INDEX),
    )
    content = index.to_bytes()
    described = _describe(content, index.media_type)
    packer.lines.append(f"exporting manifest list {described.digest}")
    manifests = {str(entry.digest): (document, entry.media_type) for entry, document in images}
    return PackedImage(described, content, "", manifests, packer.blobs, tuple(packer.lines))


def layout_files(
    packed: PackedImage, names: list[str], *, is_docker: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an OCI layout, with Docker's own list of images if it is for Docker.

    Args:
        packed: the image.
        names: what it is called, with domain and tag.
        is_docker: `docker load` shall take it.
    """
    for digest, content in sorted(packed.everything().items()):
        yield f"blobs/{digest.replace(':', '/')}", content
    entries = []
    for name in names or [""]:
        annotations = {_NAME: name, _TAG: name.rpartition(":")[2]} if name else {}
        entries.append(replace(packed.descriptor, annotations=annotations))
    yield "index.json", Index(tuple(entries)).to_bytes()
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
    if is_docker and packed.config_digest:
        manifest = Manifest.parse(packed.content)
        document = [
            {
                "Config": f"blobs/{packed.config_digest.replace(':', '/')}",
                "RepoTags": names or None,
                "Layers": [f"blobs/{str(e.digest).replace(':', '/')}" for e in manifest.layers],
            }
        ]
        yield "manifest.json", json.dumps(document).encode()


def archive(files: Iterator[tuple[str, bytes]]) -> bytes:
    """Return files as a tar archive."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as made:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            made.addfile(info, io.BytesIO(content))
    return target.getvalue()


def _describe(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), len(content))
