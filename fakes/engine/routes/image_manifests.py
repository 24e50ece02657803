"""The manifests of an image, as `?manifests=1` tells them."""

from __future__ import annotations

from typing import Any

from ...images.image import Image
from ..containers.store import ContainerStore
from ..images.content_store import attestation_size, manifest_size, snapshot_size

_FOR = "vnd.docker.reference.digest"
_TYPE = "vnd.docker.reference.type"


def manifest_lines(containers: ContainerStore, image: Image) -> list[dict[str, Any]]:
    """Return a line for each manifest that an image's name leads to."""
    if image.index is None:
        return [_image_line(containers, image, image, image.own_manifest.described())]
    here = {each.own_manifest.digest: each for each in (image, *image.others)}
    lines = []
    for entry in image.index.parsed.get("manifests") or []:
        if entry["digest"] in here:
            lines.append(_image_line(containers, image, here[entry["digest"]], entry))
        else:
            lines.append(_other_line(image, entry))
    return lines


def _image_line(
    containers: ContainerStore, named: Image, image: Image, described: dict[str, Any]
) -> dict[str, Any]:
    """A line of an image; another of the same index is the one that names lead to first."""
    content, unpacked = manifest_size(image), snapshot_size(containers.images, image)
    digest = image.own_manifest.digest
    ids = [
        each.id
        for each in containers.all()
        if each.image == named.id and (each.manifest or named.own_manifest).digest == digest
    ]
    parsed = image.parsed
    platform = {"architecture": parsed.get("architecture"), "os": parsed.get("os")}
    if parsed.get("variant"):
        platform["variant"] = parsed["variant"]
    return {
        "ID": described["digest"],
        "Descriptor": described,
        "Available": True,
        "Size": {"Content": content, "Total": content + unpacked},
        "Kind": "image",
        "ImageData": {
            "Platform": described.get("platform") or platform,
            "Size": {"Unpacked": unpacked},
            "Containers": ids or None,
        },
    }


def _other_line(image: Image, described: dict[str, Any]) -> dict[str, Any]:
    """A line of an attestation, or of an image for another platform, which is not here."""
    notes = described.get("annotations") or {}
    here = next((one for one in image.beside if one.digest == described["digest"]), None)
    size = 0 if here is None else attestation_size(here)
    line: dict[str, Any] = {
        "ID": described["digest"],
        "Descriptor": described,
        "Available": bool(size),
        "Size": {"Content": size, "Total": size},
        "Kind": "image",
    }
    if notes.get(_TYPE) == "attestation-manifest":
        line["Kind"] = "attestation"
        line["AttestationData"] = {"For": notes.get(_FOR, "")}
    else:
        line["ImageData"] = {
            "Platform": described.get("platform") or {},
            "Size": {"Unpacked": 0},
            "Containers": None,
        }
    return line
