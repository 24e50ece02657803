"""How an image was built, as SLSA's provenance: https://slsa.dev/spec/v1.0/provenance.

There is no time in it, nor anything of the machine: the same build says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuilders.daemonless.attestations import (
    PROVENANCE_TYPE,
    Predicate,
    digests,
    package_url,
)
from imagebuilders.daemonless.base_images import LAYOUT_SCHEME, BaseImage
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference
from imagebuilders.version import VERSION

BUILD_TYPE = "https://imagebuilders.readthedocs.io/en/latest/without-docker.html#provenance"
_BUILDER = "https://imagebuilders.readthedocs.io/en/latest/without-docker.html"


def provenance(
    options: ResolveOptions,
    platform: Platform,
    dockerfile: str,
    bases: Iterable[BaseImage],
    *,
    is_full: bool,
) -> Predicate:
    """Return how an image was built.

    Args:
        options: what the build was asked for.
        platform: what the image runs on.
        dockerfile: the Dockerfile's name.
        bases: the images that files come from.
        is_full: say the values of build arguments, too (`mode=max`).
    """
    arguments: dict[str, object] = {"platform": str(platform.normalized())}
    if options.target:
        arguments["target"] = options.target
    if options.labels:
        arguments["labels"] = dict(options.labels)
    if is_full:
        arguments["build-args"] = dict(options.build_args)
    used = {_uri(base, platform): base.index_digest for base in bases}
    content: Mapping[str, object] = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "configSource": {"path": dockerfile},
                "request": {
                    "frontend": "dockerfile.v0",
                    "args": arguments,
                    "locals": [{"name": "context"}, {"name": "dockerfile"}],
                },
            },
            "internalParameters": {"builderPlatform": str(options.build_platform)},
            "resolvedDependencies": [
                {"uri": uri, "digest": digests(digest)} for uri, digest in sorted(used.items())
            ],
        },
        "runDetails": {
            "builder": {"id": _BUILDER, "version": {"imagebuilders": VERSION}},
            "metadata": {},
        },
    }
    return Predicate(PROVENANCE_TYPE, content)


def _uri(base: BaseImage, platform: Platform) -> str:
    if base.reference.startswith(LAYOUT_SCHEME):
        return f"pkg:oci/layout@{base.index_digest}"
    return package_url(ImageReference.parse(base.reference), platform)
