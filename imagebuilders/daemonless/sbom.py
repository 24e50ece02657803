"""What was added to an image, as a bill of materials in SPDX 2.3: https://spdx.github.io/spdx-spec/.

These are the files of the new layers with their hashes, and the Python packages that have their
metadata among them. What the base has is told by the base's own bill.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from email.parser import BytesParser

from imagebuilders.daemonless.assembly import EvaluatedImage, timestamp
from imagebuilders.daemonless.attestations import SBOM_TYPE, Predicate
from imagebuilders.oci.layer import WHITEOUT
from imagebuilders.oci.members import Member
from imagebuilders.version import VERSION

_NAMESPACE = "https://imagebuilders.readthedocs.io/spdx"
_METADATA = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)\Z")
_MAX_METADATA_BYTES = 1024 * 1024
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9.-]+")
_DISTRIBUTION = re.compile(r"[-_.]+")


def sbom(image: EvaluatedImage) -> Predicate:
    """Return what was added to an image.

    Raises:
        ImageBuilderError: a file of it cannot be read any more.
    """
    files: dict[str, Mapping[str, object]] = {}
    packages: dict[str, Mapping[str, object]] = {}
    for layer in image.layers:
        for member in layer.members:
            if _is_added(member):
                name, record, package = _described(member)
                files[name] = record
                if package is not None:
                    packages[str(package["SPDXID"])] = package
    key = hashlib.sha256("\n".join(layer.key for layer in image.layers).encode()).hexdigest()
    described = [*packages, *(str(record["SPDXID"]) for record in files.values())]
    content: Mapping[str, object] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "added-files",
        "documentNamespace": f"{_NAMESPACE}/{key}",
        "creationInfo": {
            "created": timestamp(image.created),
            "creators": [f"Tool: imagebuilders-{VERSION}"],
        },
        "packages": list(packages.values()),
        "files": [files[name] for name in sorted(files)],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": each,
            }
            for each in described
        ],
    }
    return Predicate(SBOM_TYPE, content)


def _is_added(member: Member) -> bool:
    name = member.name.rpartition("/")[2]
    return member.file.kind == "file" and not name.startswith(WHITEOUT) and not member.hard_link


def _described(
    member: Member,
) -> tuple[str, Mapping[str, object], Mapping[str, object] | None]:
    """Return a file's name and record, and that of the package whose metadata it is."""
    name = f"/{member.name}".encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    keeps = member.file.size <= _MAX_METADATA_BYTES and _METADATA.match(member.name) is not None
    first, second, kept = hashlib.sha1(usedforsecurity=False), hashlib.sha256(), bytearray()
    for piece in member.file.pieces():
        first.update(piece)
        second.update(piece)
        if keeps:
            kept += piece
    place = hashlib.sha256(member.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    record: Mapping[str, object] = {
        "fileName": name,
        "SPDXID": f"SPDXRef-File-{place}",
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": first.hexdigest()},
            {"algorithm": "SHA256", "checksumValue": second.hexdigest()},
        ],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    return name, record, _package(bytes(kept)) if keeps else None


def _package(metadata: bytes) -> Mapping[str, object] | None:
    """Return the record of the Python package that metadata is of.

    https://packaging.python.org/en/latest/specifications/core-metadata/
    """
    fields = BytesParser().parsebytes(metadata, headersonly=True)
    name, version = str(fields.get("Name", "")).strip(), str(fields.get("Version", "")).strip()
    if not name or not version:
        return None
    normal = _DISTRIBUTION.sub("-", name).lower()
    return {
        "name": name,
        "SPDXID": f"SPDXRef-Package-{_NOT_ALLOWED.sub('-', f'{normal}-{version}')}",
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:pypi/{normal}@{version}",
            }
        ],
    }
