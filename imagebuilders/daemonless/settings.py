"""What the options of a build say to a build without a daemon."""

from __future__ import annotations

import os
import platform as system
from collections.abc import Mapping
from dataclasses import field

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import (
    LAYOUT_SCHEME,
    LOCAL_SCHEME,
    TARGET_SCHEME,
    check_buildkit,
    render_buildkit_attributes,
)
from imagebuilders.build_options.image_details import PROVENANCE, SBOM, chosen_attestations
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.context.archive import fixed_mtime
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

_EPOCH = "SOURCE_DATE_EPOCH"
_IMAGE_SCHEME = "docker-image://"


@dataclass(frozen=True)
class BuildSettings:
    """What a build without a daemon is asked for.

    Attributes:
        resolve: what resolution depends on.
        platforms: what to build for; none for what the base decides.
        folders: the folders of named contexts, by name.
    """

    resolve: ResolveOptions
    platforms: tuple[Platform, ...]
    folders: Mapping[str, str] = field(default_factory=dict, hash=False)


def check_options(options: DockerBuildOptions) -> None:
    """See whether the options can be honoured without a daemon.

    Options that concern commands alone (`secrets`, `ssh`, `network_mode`, limits) do not matter:
    no command is run.

    Raises:
        BuildOptionsError: one cannot.
    """
    check_buildkit(options)
    if options.cache_to:
        raise _refused("cache_to", "there is no build cache that could be exported")
    if options.load or any(map(_is_of_engine, options.outputs)):
        raise _refused(
            "load" if options.load else "outputs",
            "there is no engine that could keep the image; write it for `docker load` by "
            "outputs='type=docker,dest=image.tar'",
        )
    for attestation in chosen_attestations(options.attest, options.sbom, options.provenance):
        if attestation.type not in (PROVENANCE, SBOM):
            raise _refused("attest", f"there is no attestation of the type {attestation.type!r}")
        if dict(attestation.attributes).get("version", "v1") != "v1":
            raise _refused("attest", "provenance is of SLSA's version v1")
    for name, value in options.build_contexts.items():
        if value.startswith(TARGET_SCHEME):
            continue
        if "://" in value and not value.startswith((LAYOUT_SCHEME, _IMAGE_SCHEME)):
            raise _refused(
                "build_contexts", f"the context {name!r} is fetched by BuildKit alone: {value}"
            )


def read_settings(options: DockerBuildOptions, proxies: Mapping[str, str]) -> BuildSettings:
    """Return what the options say.

    Args:
        options: the options, checked.
        proxies: build arguments that tell of proxies.

    Raises:
        BuildOptionsError: one has a wrong value.
        BuildContextError: the variable `SOURCE_DATE_EPOCH` is no number.
    """
    arguments = dict(proxies)
    if options.reproducible or os.environ.get(_EPOCH):
        arguments[_EPOCH] = str(fixed_mtime())
    rendered = render_buildkit_attributes(
        options, dockerfile="Dockerfile", build_arguments=arguments
    )
    attributes = rendered.frontend
    contexts = _with_prefix(attributes, "context:")
    contexts.update((name, LAYOUT_SCHEME + value) for name, value in rendered.layouts.items())
    for name in rendered.targets:
        raise _refused("build_contexts", f"the context {name!r} is another build's image")
    folders = {
        name: rendered.folders[value.removeprefix(LOCAL_SCHEME)]
        for name, value in contexts.items()
        if value.startswith(LOCAL_SCHEME)
    }
    named = attributes.get("platform", "")
    return BuildSettings(
        ResolveOptions(
            target=attributes.get("target", ""),
            build_args=_with_prefix(attributes, "build-arg:"),
            labels=_with_prefix(attributes, "label:"),
            build_platform=build_platform(),
            named_contexts=contexts,
        ),
        tuple(Platform.parse(text) for text in named.split(",") if text),
        folders,
    )


def build_platform() -> Platform:
    """Return what images of this machine's architecture run on: always Linux."""
    return Platform.parse(f"linux/{system.machine() or 'amd64'}").normalized()


def _with_prefix(attributes: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in attributes.items()
        if name.startswith(prefix)
    }


def _is_of_engine(output: BuildOutput) -> bool:
    attributes = dict(output.attributes)
    return output.type == "docker" and not attributes.get("dest") and "tar" not in attributes


def _refused(option: str, why: str) -> BuildOptionsError:
    return BuildOptionsError(
        f"The option {option!r} cannot be used without a daemon: {why}.",
        option=option,
        problems={option: why},
    )
