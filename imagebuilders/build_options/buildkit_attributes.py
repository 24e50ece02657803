"""Options as what BuildKit's Dockerfile frontend and exporters are told: plain attributes.

The names are those of https://github.com/moby/buildkit, `frontend/dockerfile/builder` and
`frontend/dockerui`. Nothing of the client (secrets, agents, folders) stands in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from imagebuilders.build_options.fields import OptionValues
from imagebuilders.build_options.values import BuildCache, BuildOutput
from imagebuilders.exceptions import BuildOptionsError

LOCAL_SCHEME = "local:"


@dataclass(frozen=True)
class BuildKitAttributes:
    """What a build asks of BuildKit.

    Attributes:
        frontend: attributes of the Dockerfile frontend.
        entitlements: what the build must be allowed.
        cache_from, cache_to: where cached steps come from and go to.
        outputs: what becomes of the result.
        folders: the folders of the client that named contexts stand for, by name.
    """

    frontend: Mapping[str, str]
    entitlements: tuple[str, ...] = ()
    cache_from: tuple[BuildCache, ...] = ()
    cache_to: tuple[BuildCache, ...] = ()
    outputs: tuple[BuildOutput, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)


NOT_IN_BUILDKIT = ("squash", "container_limits", "isolation")
"""Options that BuildKit has no meaning for."""


def without_meaning(options: OptionValues) -> list[str]:
    """Return the names of the options that are set and that BuildKit cannot honour."""
    found = []
    if options.squash:
        found.append("squash")
    if options.container_limits.as_dict():
        found.append("container_limits")
    if options.isolation not in (None, "", "default"):
        found.append("isolation")
    if options.network_mode not in (None, "", "default", "none", "host"):
        found.append("network_mode")
    return found


def check_buildkit(options: OptionValues) -> None:
    """See whether BuildKit can honour the options.

    Raises:
        BuildOptionsError: two options exclude each other, or one has no meaning in BuildKit.
    """
    for name in without_meaning(options):
        raise BuildOptionsError(
            f"The option {name!r} has no meaning in BuildKit. Leave it out, or build with the "
            "engine's classic builder.",
            option=name,
        )
    if options.nocache and options.no_cache_filter:
        raise BuildOptionsError(
            "The options 'nocache' and 'no_cache_filter' exclude each other.",
            option="no_cache_filter",
        )


def render_buildkit_attributes(
    options: OptionValues,
    *,
    dockerfile: str,
    build_arguments: Mapping[str, str] | None = None,
) -> BuildKitAttributes:
    """Return what the options ask of BuildKit.

    Args:
        options: the options; their own `dockerfile` is not looked at.
        dockerfile: the Dockerfile's name in the folder that is sent.
        build_arguments: arguments that those of the options go before.

    Raises:
        BuildOptionsError: two options exclude each other, or one has no meaning in BuildKit.
    """
    check_buildkit(options)
    attributes = {"filename": dockerfile}
    arguments = {**(build_arguments or {}), **options.buildargs}
    attributes.update(
        (f"build-arg:{name}", value) for name, value in arguments.items() if value is not None
    )
    attributes.update((f"label:{name}", value) for name, value in options.labels.items())
    if options.target:
        attributes["target"] = options.target
    if options.platform:
        attributes["platform"] = options.platform
    if options.nocache:
        attributes["no-cache"] = ""
    if options.no_cache_filter:
        attributes["no-cache"] = ",".join(options.no_cache_filter)
    if options.pull:
        attributes["image-resolve-mode"] = "pull"
    entitlements = []
    if options.network_mode in ("host", "none"):
        attributes["force-network-mode"] = options.network_mode
        if options.network_mode == "host":
            entitlements.append("network.host")
    if options.extra_hosts:
        attributes["add-hosts"] = ",".join(
            f"{line.host}={line.address}" for line in options.extra_hosts
        )
    if options.shmsize:
        attributes["shm-size"] = str(options.shmsize)
    if options.ulimit:
        attributes["ulimit"] = ",".join(map(str, options.ulimit))
    folders = _add_contexts(attributes, options.build_contexts)
    if options.cache_from:
        # The field of the request that looks made for them is ignored.
        attributes["cache-imports"] = json.dumps(
            [{"Type": cache.type, "Attrs": dict(cache.attributes)} for cache in options.cache_from]
        )
    return BuildKitAttributes(
        frontend=attributes,
        entitlements=tuple(entitlements),
        cache_from=tuple(options.cache_from),
        cache_to=tuple(options.cache_to),
        outputs=tuple(options.outputs),
        folders=folders,
    )


def _add_contexts(attributes: dict[str, str], contexts: Mapping[str, str]) -> dict[str, str]:
    """Name the contexts in the attributes; return those that are folders of the client."""
    folders = {}
    for name, value in contexts.items():
        if value.startswith(_NO_FOLDERS):
            attributes[f"context:{name}"] = value
            continue
        # The frontend asks for these two by their plain names.
        folder = f"_{name}" if name in ("context", "dockerfile") else name
        folders[folder] = value
        attributes[f"context:{name}"] = f"{LOCAL_SCHEME}{folder}"
    if contexts:
        attributes["frontend.caps"] = "moby.buildkit.frontend.contexts+forward"
    return folders


_NO_FOLDERS = (
    *("docker-image://", "oci-layout://", "target:", "input:"),
    *("http://", "https://", "git://", "ssh://", "git@"),
)
