"""An image as registries and layouts hold it: manifests, an index if it has several, and blobs."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)
from imagebuilders.oci.platform import Platform

from ...images.manifests import IN_TOTO
from .annotations import DESCRIPTORS, INDEX, MANIFEST, Annotations
from .layer_blobs import LayerBlobs, media_type

if TYPE_CHECKING:
    from ...images.layers import Layer
    from .attestations import Predicate
    from .outcome import BuiltImage, Outcome

_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"


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


def preparation(outcome: Outcome) -> list[str]:
    """Return what the progress tells before an image is written."""
    inline = ["preparing layers for inline cache"] if outcome.has_inline_cache else []
    return ["exporting layers", *inline]


class _Packer:
    def __init__(
        self, attributes: Mapping[str, str], annotations: Annotations, *, is_docker: bool
    ) -> None:
        self.is_docker = is_docker
        self.annotations = annotations
        self.layers = LayerBlobs(attributes)
        self.attributes = attributes
        self.blobs: dict[str, bytes] = {}
        self.lines: list[str] = []

    def image(self, built: BuiltImage) -> tuple[Descriptor, bytes]:
        config = self.blob(built.image.document, DOCKER_CONFIG if self.is_docker else OCI_CONFIG)
        manifest = Manifest(
            config,
            tuple(self.layer(layer) for layer in built.image.layers),
            DOCKER_MANIFEST if self.is_docker else OCI_MANIFEST,
            annotations=self.annotations.of(MANIFEST, built.platform),
        )
        content = _written(manifest)
        described = _describe(content, manifest.media_type)
        self.lines += [
            f"exporting manifest {described.digest}",
            f"exporting config {config.digest}",
        ]
        notes = self.annotations.of(DESCRIPTORS[MANIFEST], built.platform)
        return replace(described, platform=built.platform, annotations=notes), content

    def layer(self, layer: Layer) -> Descriptor:
        blob = self.layers.of(layer)
        return self.blob(blob, media_type(blob, is_docker=self.is_docker))

    def blob(self, content: bytes, media_type: str) -> Descriptor:
        described = _describe(content, media_type)
        self.blobs[str(described.digest)] = content
        return described

    def attestation(
        self, subject: Descriptor, predicates: Sequence[Predicate]
    ) -> tuple[Descriptor, bytes]:
        names = [name for name in self.attributes.get("name", "").split(",") if name]
        layers = tuple(
            replace(
                self.blob(predicate.of_image(names, subject), IN_TOTO),
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
            },
            separators=(",", ":"),
        ).encode()
        content = _written(Manifest(self.blob(config, OCI_CONFIG), layers))
        described = _describe(content, OCI_MANIFEST)
        self.lines.append(f"exporting attestation manifest {described.digest}")
        annotations = {
            "vnd.docker.reference.digest": str(subject.digest),
            "vnd.docker.reference.type": "attestation-manifest",
        }
        unknown = Platform("unknown", "unknown")
        return replace(described, annotations=annotations, platform=unknown), content


def pack(
    outcome: Outcome, attributes: Mapping[str, str], *, docker_types: bool = False
) -> PackedImage:
    """Pack a result.

    Args:
        outcome: the result.
        attributes: of the exporter.
        docker_types: documents and blobs have Docker's media types where nothing else is asked
            for. What is attested, and annotations of an index or of descriptors, need OCI's.

    Raises:
        CallError: there is no index for the annotations of one, or the attributes ask for what
            there is not.
    """
    attests = any(built.predicates for built in outcome.images)
    wanted = attributes.get("oci-mediatypes", "false" if docker_types else "true")
    notes = Annotations(attributes)
    needs_oci = attests or bool(notes.of(INDEX) or notes.of(DESCRIPTORS[INDEX]))
    for built in outcome.images:
        needs_oci |= bool(notes.of(DESCRIPTORS[MANIFEST], built.platform))
    packer = _Packer(attributes, notes, is_docker=wanted == "false" and not needs_oci)
    packer.lines += preparation(outcome)
    images: list[tuple[Descriptor, bytes]] = []
    attested: list[tuple[Descriptor, bytes]] = []
    for built in outcome.images:
        images.append(packer.image(built))
        if built.predicates:
            attested.append(packer.attestation(images[-1][0], built.predicates))
    if len(images) == 1 and not outcome.is_index and not attests:
        if notes.of(INDEX) or notes.of(DESCRIPTORS[INDEX]):
            words = "index annotations not supported for single platform export"
            raise CallError(RpcStatus(Code.UNKNOWN, words))
        described, content = images[0]
        config_digest = outcome.images[0].image.config_digest
        return PackedImage(described, content, config_digest, {}, packer.blobs, tuple(packer.lines))
    images += attested
    index = Index(
        tuple(described for described, _ in images),
        DOCKER_MANIFEST_LIST if packer.is_docker else OCI_INDEX,
        annotations=notes.of(INDEX),
    )
    content = _written(index)
    described = _describe(content, index.media_type)
    described = replace(described, annotations=notes.of(DESCRIPTORS[INDEX]))
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


def _written(document: Manifest | Index) -> bytes:
    """Return a document as BuildKit writes it."""
    return json.dumps(json.loads(document.to_bytes()), indent=2, ensure_ascii=False).encode()


def _describe(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), len(content))
