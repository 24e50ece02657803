"""What is attested of a result: how it was built, and what it is made of.

Provenance is SLSA's, in the version that a daemon writes by default: what was asked for, and the
images that were used. https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-provenance.md
The double runs no scanners: a bill of materials (SPDX) names the images that a result stands on.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ... import go_text
from .progress import Progress, vertex, vertex_digest

if TYPE_CHECKING:
    from imagebuilders.oci.descriptor import Descriptor
    from imagebuilders.oci.platform import Platform

    from .bases import Base, BaseImages
    from .request import FrontendRequest

PROVENANCE = "attest:provenance"
SBOM = "attest:sbom"
SPDX = "https://spdx.dev/Document"
SCANNER = "docker.io/docker/buildkit-syft-scanner:stable-1"
"""The scanner of bills when no other is asked for; like every image, it has to be seeded."""

_FILES = {SPDX: "sbom.spdx.json"}
_PROVENANCE_FILE = "provenance.json"
_BUILD_TYPES = {
    "v1": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
    "v0.2": "https://mobyproject.org/buildkit@v1",
}
_OF_HOST = frozenset({"cgroup-parent", "image-resolve-mode", "platform", "cache-imports"})
_LATER = ("build-arg:", "label:", "vcs:")
_CREATOR = "Tool: fakes.buildkit"


@dataclass(frozen=True)
class Predicate:
    """What is said of an image.

    Attributes:
        kind: the type of what is said, a URI.
        content: what is said.
        is_inline: only what is pushed or kept as an image has it beside it, no file.
    """

    kind: str
    content: Mapping[str, object] = field(hash=False)
    is_inline: bool = False

    @property
    def file_name(self) -> str:
        """The name of its file beside files of a result."""
        return _FILES.get(self.kind, _PROVENANCE_FILE)

    def of_image(self, names: Sequence[str], subject: Descriptor) -> bytes:
        """Return the statement that says it of an image, as it stands beside its manifest.

        Args:
            names: the image's.
            subject: its manifest.
        """
        found = [
            _named_package(name, subject.platform) if subject.platform else name for name in names
        ]
        document = self._statement(found or ["_"], str(subject.digest))
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    def of_files(self, digest: str) -> bytes:
        """Return the statement that says it of a result, for a file beside its files.

        Args:
            digest: of what it says it of.
        """
        return json.dumps(self._statement(["_"], digest), indent=2).encode()

    def _statement(self, names: Sequence[str], digest: str) -> dict[str, object]:
        """Return a statement: https://in-toto.io/Statement/v0.1."""
        digests = _digest_set(digest)
        return {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": self.kind,
            "subject": [{"name": name, "digest": digests} for name in names],
            "predicate": self.content,
        }


@dataclass(frozen=True)
class BuildFacts:
    """What provenance tells of.

    Attributes:
        request: what the build was asked for.
        frontend: the name of the frontend.
        secrets: the names of the secrets that were used.
        ref: of the build.
        started, finished: nanoseconds since the epoch.
    """

    request: FrontendRequest
    frontend: str
    secrets: tuple[str, ...]
    ref: str
    started: int
    finished: int


def check_scanner(
    attributes: Mapping[str, str], images: BaseImages, platform: Platform, progress: Progress
) -> None:
    """Look for the scanner of a bill of materials, if one is asked for.

    Raises:
        EvaluationError: there is no such image.
    """
    settings = _settings(attributes.get(SBOM))
    if settings is None:
        return
    name = settings.get("generator") or SCANNER
    title = f"resolve image config for docker-image://{name}"
    step = vertex(title, vertex_digest("scanner", name))
    try:
        with progress.running(step):
            images.look(name, platform)
    except ImageBuilderError as error:
        raise EvaluationError(f"failed to resolve source metadata for {name}: {error}") from error


def predicates(
    facts: BuildFacts, bases: Iterable[Base], platform: Platform, *, version: str
) -> tuple[Predicate, ...]:
    """Return what is asked to be attested of an image.

    Args:
        facts: of the build.
        bases: the images that were used for it.
        platform: what it is for.
        version: of provenance, when no other is asked for.
    """
    attributes, used = facts.request.attributes, list(bases)
    found = []
    asked = _settings(attributes.get(PROVENANCE))
    if asked is not None:
        wanted = asked.get("version", version)
        is_full = asked.get("mode") == "max"
        made = provenance(facts, used, platform, version=wanted, is_full=is_full)
        found.append(replace(made, is_inline=asked.get("inline-only") == "true"))
    bill = _settings(attributes.get(SBOM))
    if bill is not None:
        made = _bill(facts, used, platform)
        found.append(replace(made, is_inline=bill.get("inline-only") == "true"))
    return tuple(found)


def provenance(
    facts: BuildFacts, bases: Iterable[Base], platform: Platform, *, version: str, is_full: bool
) -> Predicate:
    """Return how an image was built.

    Args:
        facts: of the build.
        bases: the images that were used for it.
        platform: what it is for.
        version: `v1` or `v0.2`.
        is_full: with build arguments and labels (`mode=max`).
    """
    materials = [
        {"uri": _package_url(base, platform), "digest": _digest_set(base.digest or base.image.id)}
        for base in bases
    ]
    parameters = _parameters(facts, is_full=is_full)
    filename = facts.request.filename
    if version == "v0.2":
        content: dict[str, object] = {
            "builder": {"id": ""},
            "buildType": _BUILD_TYPES[version],
            **({"materials": materials} if materials else {}),
            "invocation": {
                "configSource": {"entryPoint": filename},
                "parameters": parameters,
                "environment": {"platform": "linux/amd64"},
            },
            "metadata": {
                "buildInvocationID": facts.ref,
                "buildStartedOn": go_text.rfc3339(facts.started),
                "buildFinishedOn": go_text.rfc3339(facts.finished),
                "completeness": {
                    "parameters": is_full or not _hidden(facts.request),
                    "environment": True,
                    "materials": "locals" not in parameters,
                },
                "reproducible": False,
                "https://mobyproject.org/buildkit@v1#metadata": {},
            },
        }
        return Predicate("https://slsa.dev/provenance/v0.2", content)
    content = {
        "buildDefinition": {
            "buildType": _BUILD_TYPES["v1"],
            "externalParameters": {"configSource": {"path": filename}, "request": parameters},
            "internalParameters": {"builderPlatform": "linux/amd64"},
            "resolvedDependencies": materials,
        },
        "runDetails": {
            "builder": {"id": ""},
            "metadata": {
                "invocationId": facts.ref,
                "startedOn": go_text.rfc3339(facts.started),
                "finishedOn": go_text.rfc3339(facts.finished),
                "buildkit_completeness": {"request": is_full, "resolvedDependencies": True},
            },
        },
    }
    return Predicate("https://slsa.dev/provenance/v1", content)


def _parameters(facts: BuildFacts, *, is_full: bool) -> dict[str, object]:
    request = facts.request
    arguments = {
        key: value
        for key, value in request.attributes.items()
        if key not in _OF_HOST
        and not key.startswith("attest:")
        and (is_full or not key.startswith(_LATER))
    }
    parameters: dict[str, object] = {"frontend": facts.frontend, "args": arguments}
    if facts.secrets:
        parameters["secrets"] = [{"id": name} for name in sorted(set(facts.secrets))]
    if not request.context:
        names = sorted({request.context_folder, request.dockerfile_folder})
        parameters["locals"] = [{"name": name} for name in names]
    return parameters


def _hidden(request: FrontendRequest) -> bool:
    """Return whether little provenance leaves out what was asked for."""
    return any(key.startswith(_LATER) for key in request.attributes)


def _bill(facts: BuildFacts, bases: Iterable[Base], platform: Platform) -> Predicate:
    """Return what an image is made of: https://spdx.github.io/spdx-spec/v2.3/."""
    packages = [
        {
            "name": ImageReference.parse(base.reference).path,
            "SPDXID": f"SPDXRef-Package-{number}",
            "versionInfo": base.digest or base.image.id,
            "downloadLocation": "NOASSERTION",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": _package_url(base, platform),
                }
            ],
        }
        for number, base in enumerate(bases)
    ]
    key = hashlib.sha256(json.dumps(packages).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "sbom",
        "documentNamespace": f"https://spdx.invalid/{key}",
        "creationInfo": {
            "created": go_text.rfc3339(facts.finished // 10**9 * 10**9),
            "creators": [_CREATOR],
        },
        "packages": packages,
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": package["SPDXID"],
            }
            for package in packages
        ],
    }
    return Predicate(SPDX, document)


def _package_url(base: Base, platform: Platform) -> str:
    """Return a base image's name as a package URL."""
    return _named_package(base.reference, platform)


def _named_package(text: str, platform: Platform) -> str:
    """Return an image's name as a package URL."""
    name = ImageReference.parse(text)
    path = f"{name.domain}/{name.path}"
    for prefix in ("docker.io/library/", "docker.io/"):
        path = path.removeprefix(prefix)
    version = name.tag or (DEFAULT_TAG if name.digest is None else str(name.digest))
    shown = quote(str(platform.normalized()), safe="")
    return f"pkg:docker/{quote(path, safe='/')}@{version}?platform={shown}"


def _digest_set(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def _settings(text: str | None) -> dict[str, str] | None:
    """Return the settings of an attestation; `None` if it is not asked for."""
    if text is None:
        return None
    found: dict[str, str] = {}
    for pair in next(csv.reader([text]), []):
        key, _, value = pair.partition("=")
        found[key] = value
    return None if found.get("disabled") == "true" else found
