"""Attestations: how an image was built and what was added, as BuildKit stores and shows them.

An attestation manifest stands in the index beside the image that it is about:
https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
Statements are in-toto's: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from urllib.parse import quote

from imagebuilders.daemonless.assembly import FinishedImage
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

IN_TOTO = "application/vnd.in-toto+json"
PROVENANCE_TYPE = "https://slsa.dev/provenance/v1"
SBOM_TYPE = "https://spdx.dev/Document"
_STATEMENT = "https://in-toto.io/Statement/v1"
_UNKNOWN = Platform("unknown", "unknown")


@dataclass(frozen=True)
class Predicate:
    """What is said of an image.

    Attributes:
        kind: the type of what is said, a URI.
        content: what is said.
    """

    kind: str
    content: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True)
class AttestationManifest:
    """The attestations of one image.

    Attributes:
        content: the manifest's exact bytes.
        descriptor: what it is called in the index.
        blobs: the configuration and the statements.
    """

    content: bytes = field(repr=False)
    descriptor: Descriptor
    blobs: tuple[bytes, ...] = field(repr=False)


_NAMELESS = "_"
"""What statements call that which has no name that would say something."""


def attest(
    image: FinishedImage, names: Sequence[ImageReference], predicates: Sequence[Predicate]
) -> AttestationManifest:
    """Return the manifest of what is attested of an image.

    Args:
        image: the image.
        names: those of the image, if it has any.
        predicates: what is said of it.
    """
    subject = [
        {"name": name, "digest": digest_set(image)}
        for name in [package_url(each, image.evaluated.platform) for each in names] or [_NAMELESS]
    ]
    statements = [
        _document(
            {
                "_type": _STATEMENT,
                "subject": subject,
                "predicateType": predicate.kind,
                "predicate": predicate.content,
            }
        )
        for predicate in predicates
    ]
    layers = tuple(
        replace(
            Descriptor.of(statement, IN_TOTO),
            annotations={"in-toto.io/predicate-type": predicate.kind},
        )
        for statement, predicate in zip(statements, predicates, strict=True)
    )
    rootfs = {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]}
    config = _document({**_UNKNOWN.to_json(), "config": {}, "rootfs": rootfs})
    manifest = Manifest(Descriptor.of(config, OCI_CONFIG), layers, OCI_MANIFEST).to_bytes()
    descriptor = replace(
        Descriptor.of(manifest, OCI_MANIFEST),
        annotations={
            "vnd.docker.reference.digest": str(image.descriptor.digest),
            "vnd.docker.reference.type": "attestation-manifest",
        },
        platform=_UNKNOWN,
    )
    return AttestationManifest(manifest, descriptor, (config, *statements))


def digest_set(image: FinishedImage) -> dict[str, str]:
    """Return an image's digest as statements have it."""
    return digests(image.descriptor.digest)


def digests(digest: Digest) -> dict[str, str]:
    """Return a digest as statements have it."""
    return {digest.algorithm: digest.encoded}


def package_url(name: ImageReference, platform: Platform) -> str:
    """Return an image's name as a package URL.

    https://github.com/package-url/purl-spec/blob/main/types-doc/docker-definition.md
    """
    version = name.digest or name.tag or DEFAULT_TAG
    shown = quote(str(platform.normalized()), safe="")
    return f"pkg:docker/{quote(name.repository, safe='/')}@{version}?platform={shown}"


def _document(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
