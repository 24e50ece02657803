"""Options as what BuildKit's Dockerfile frontend and exporters are told: plain attributes.

The names are those of https://github.com/moby/buildkit, `frontend/dockerfile/builder` and
`frontend/dockerui`. Nothing of the client (secrets, agents, folders) stands in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from imagebuilders.build_options.fields import OptionValues
from imagebuilders.build_options.image_details import chosen_attestations
from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.build_options.values import BuildCache, BuildOutput
from imagebuilders.context.remote import has_git_query
from imagebuilders.exceptions import BuildOptionsError, ImageFormatError, ImageNameError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

LOCAL_SCHEME = "local:"
LAYOUT_SCHEME = "oci-layout://"
TARGET_SCHEME = "target:"
"""Stands in `build_contexts` before the name of another build of the same `build_many`."""
HOST_GATEWAY = "host-gateway"
"""Stands in `extra_hosts` for the address by which containers reach the engine's machine."""


@dataclass(frozen=True)
class BuildKitAttributes:
    """What a build asks of BuildKit.

    Attributes:
        frontend: attributes of the Dockerfile frontend.
        entitlements: what the build must be allowed.
        cache_to: where cached steps go.
        folders: the folders of the client that named contexts stand for, by name.
        layouts: the image layouts of the client that named contexts stand for, by the context's
            name: what stands behind `oci-layout://`.
        targets: the other builds that named contexts stand for, by the context's name.
    """

    frontend: Mapping[str, str]
    entitlements: tuple[str, ...] = ()
    cache_to: tuple[BuildCache, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


def without_meaning(options: OptionValues) -> list[str]:
    """Return the names of the options that are set and that BuildKit cannot honour."""
    found = []
    if options.squash:
        found.append("squash")
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


def chosen_outputs(options: OptionValues) -> tuple[BuildOutput, ...]:
    """Return what is to become of the result: the outputs, and what `load` and `push` add."""
    outputs = list(options.outputs)
    if options.push:
        # Whether it is pushed is said once: by the option, not by the outputs beside it.
        outputs = [_unpushed(output) for output in outputs]
        if not any(output.type == "image" for output in outputs):
            outputs.append(BuildOutput("image"))
    if options.load and not any(output.type == "docker" for output in outputs):
        outputs.append(BuildOutput("docker"))
    return tuple(outputs)


def _unpushed(output: BuildOutput) -> BuildOutput:
    if output.type not in ("image", "registry"):
        return output
    kept = tuple(pair for pair in output.attributes if pair[0] != "push")
    return replace(output, type="image", attributes=kept)


def makes_index(options: OptionValues) -> bool:
    """Return whether the image that is asked for is an index: of platforms, or for attestations."""
    attested = chosen_attestations(options.attest, options.sbom, options.provenance)
    return "," in (options.platform or "") or bool(attested)


def render_buildkit_attributes(
    options: OptionValues,
    *,
    dockerfile: str,
    build_arguments: Mapping[str, str] | None = None,
    host_gateway: str = "",
    resolve_mode: str = "local",
) -> BuildKitAttributes:
    """Return what the options ask of BuildKit.

    Args:
        options: the options; their own `dockerfile` is not looked at.
        dockerfile: the Dockerfile's name in the folder that is sent.
        build_arguments: arguments that those of the options go before.
        host_gateway: the address that `host-gateway` stands for.
        resolve_mode: how images are looked for; `local` takes one that is there without asking
            its registry, as a classic build does, and nothing leaves it to the daemon.

    Raises:
        BuildOptionsError: two options exclude each other, or one has no meaning in BuildKit.
    """
    check_buildkit(options)
    attributes = {"filename": dockerfile}
    mode = "pull" if options.pull else resolve_mode
    if mode:
        attributes["image-resolve-mode"] = mode
    arguments = {**(build_arguments or {}), **options.buildargs}
    attributes.update(
        (f"build-arg:{name}", value) for name, value in arguments.items() if value is not None
    )
    attributes.update((f"label:{name}", value) for name, value in options.labels.items())
    if options.target:
        attributes["target"] = options.target
    if options.platform:
        attributes["platform"] = ",".join(map(_platform, options.platform.split(",")))
    if options.nocache:
        attributes["no-cache"] = ""
    if options.no_cache_filter:
        attributes["no-cache"] = ",".join(options.no_cache_filter)
    if parse_switch(arguments.get("BUILDKIT_MULTI_PLATFORM") or ""):
        attributes["multi-platform"] = "true"
    entitlements = list(options.allow)
    if options.network_mode in ("host", "none"):
        attributes["force-network-mode"] = options.network_mode
        if options.network_mode == "host" and "network.host" not in entitlements:
            entitlements.append("network.host")
    if options.extra_hosts:
        attributes["add-hosts"] = ",".join(
            f"{line.host}={host_gateway if line.address == HOST_GATEWAY else line.address}"
            for line in options.extra_hosts
        )
    if options.shmsize:
        attributes["shm-size"] = str(options.shmsize)
    if options.ulimit:
        attributes["ulimit"] = ",".join(map(str, options.ulimit))
    if options.cgroup_parent:
        attributes["cgroup-parent"] = options.cgroup_parent
    attributes.update(
        (name, str(value)) for name, value in options.container_limits.as_dict().items()
    )
    for attestation in chosen_attestations(options.attest, options.sbom, options.provenance):
        attributes[f"attest:{attestation.type}"] = str(attestation)
    folders, layouts, targets = _add_contexts(attributes, options.build_contexts)
    exports = list(options.cache_to)
    is_inline = parse_switch(arguments.get("BUILDKIT_INLINE_CACHE") or "")
    if is_inline and BuildCache("inline") not in exports:
        exports.append(BuildCache("inline"))
    return BuildKitAttributes(
        frontend=attributes,
        entitlements=tuple(entitlements),
        cache_to=tuple(exports),
        folders=folders,
        layouts=layouts,
        targets=targets,
    )


def render_cache_imports(caches: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """Return the attributes that name the caches to import, each a type with its attributes.

    The frontend looks for them nowhere else.
    """
    imports = [{"Type": kind, "Attrs": dict(attributes)} for kind, attributes in caches]
    return {"cache-imports": json.dumps(imports, separators=(",", ":"))} if imports else {}


def _platform(text: str) -> str:
    """Return a platform in its normal form.

    Raises:
        BuildOptionsError: it is malformed.
    """
    try:
        return str(Platform.parse(text))
    except ImageFormatError as error:
        raise BuildOptionsError(
            f"The option 'platform' has a wrong value. {error}",
            option="platform",
            problems={"platform": str(error).rstrip(".")},
        ) from error


def _add_contexts(
    attributes: dict[str, str], contexts: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Name the contexts in the attributes; return the folders, layouts and builds among them."""
    folders: dict[str, str] = {}
    layouts: dict[str, str] = {}
    targets: dict[str, str] = {}
    capabilities = ["moby.buildkit.frontend.contexts+forward"]
    for given, value in contexts.items():
        name = _context_name(given)
        if value.startswith(LAYOUT_SCHEME):
            layouts[name] = value.removeprefix(LAYOUT_SCHEME)
        elif value.startswith(TARGET_SCHEME):
            targets[name] = value.removeprefix(TARGET_SCHEME)
        elif value.startswith(_ADDRESSES):
            attributes[f"context:{name}"] = value
            if has_git_query(value):
                capabilities.append("moby.buildkit.frontend.gitquerystring+forward")
        else:
            # The frontend asks for these two by their plain names.
            folder = f"_{name}" if name in ("context", "dockerfile") else name
            folders[folder] = value
            attributes[f"context:{name}"] = f"{LOCAL_SCHEME}{folder}"
    if contexts:
        attributes["frontend.caps"] = ",".join(dict.fromkeys(capabilities))
    return folders, layouts, targets


def _context_name(given: str) -> str:
    """Return a context's name as the frontend looks for it: an image's, in its short form.

    Raises:
        BuildOptionsError: no image could have that name.
    """
    try:
        parsed = ImageReference.parse(given)
    except ImageNameError as error:
        raise BuildOptionsError(
            f"The option 'build_contexts' has a context of the name {given!r}. {error}",
            option="build_contexts",
        ) from error
    return str(replace(parsed, tag=None) if parsed.tag == "latest" else parsed)


_ADDRESSES = ("docker-image://", "http://", "https://", "git://", "ssh://", "git@")
