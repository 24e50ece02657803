"""Options as the query of a classic build, `POST /build`.

The forms are those that the `docker` command sends: a field of several values is repeated, or is
JSON, as the engine reads it.
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from imagebuilders.build_options.fields import OptionValues
from imagebuilders.build_options.image_details import chosen_attestations
from imagebuilders.exceptions import BuildOptionsError

BUILDKIT_ONLY = (
    "secrets",
    "ssh",
    "cache_to",
    "outputs",
    "build_contexts",
    "no_cache_filter",
    "annotations",
    "allow",
)
"""Options that a classic build cannot honour."""


def render_classic_query(
    options: OptionValues,
    *,
    names: Sequence[str],
    dockerfile: str,
    build_arguments: Mapping[str, str | None] | None = None,
) -> list[tuple[str, str]]:
    """Return the fields of the query, in order; a name may come more than once.

    Args:
        options: the options; their own `dockerfile` is not looked at.
        names: what the image is to be called.
        dockerfile: the Dockerfile's name in the archive that is sent.
        build_arguments: arguments that those of the options go before.

    Raises:
        BuildOptionsError: an option is set that a classic build cannot honour.
    """
    check_classic(options)
    query = [("t", name) for name in names]
    query.append(("dockerfile", dockerfile))
    arguments = {**(build_arguments or {}), **options.buildargs}
    if arguments:
        query.append(("buildargs", json.dumps(arguments)))
    if options.labels:
        query.append(("labels", json.dumps(dict(options.labels))))
    if options.cache_from:
        query.append(("cachefrom", json.dumps([cache.image for cache in options.cache_from])))
    query += [("extrahosts", str(address)) for address in options.extra_hosts]
    if options.ulimit:
        limits = [
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard} for limit in options.ulimit
        ]
        query.append(("ulimits", json.dumps(limits)))
    texts: dict[str, object] = {
        "target": options.target,
        "platform": options.platform,
        "networkmode": options.network_mode,
        "shmsize": options.shmsize,
        "cgroupparent": options.cgroup_parent or None,
        "isolation": options.isolation,
        **options.container_limits.as_dict(),
    }
    query += [(name, str(value)) for name, value in texts.items() if value is not None]
    switches = {
        "pull": options.pull,
        "nocache": options.nocache,
        "squash": options.squash,
        # Unlike the SDK's, the defaults leave nothing behind.
        "rm": True if options.rm is None else options.rm,
        "forcerm": True if options.forcerm is None else options.forcerm,
    }
    query += [(name, str(int(value))) for name, value in switches.items() if value is not None]
    return query


def check_classic(options: OptionValues) -> None:
    """See whether a classic build can honour the options.

    Raises:
        BuildOptionsError: it cannot; the error names the option.
    """
    asked = [name for name in BUILDKIT_ONLY if getattr(options, name)]
    if chosen_attestations(options.attest, options.sbom, options.provenance):
        asked += [name for name in ("attest", "sbom", "provenance") if getattr(options, name)]
    for name in asked:
        raise BuildOptionsError(
            f"The option {name!r} needs BuildKit: the classic build of a Docker Engine "
            "cannot take it. Leave it out, or use a builder that builds with BuildKit.",
            option=name,
        )
    if options.platform is not None and "," in options.platform:
        raise BuildOptionsError(
            "The option 'platform' names several platforms, which needs BuildKit: the classic "
            "build of a Docker Engine takes one.",
            option="platform",
            problems={"platform": "the classic build of a Docker Engine takes one platform"},
        )
    for cache in options.cache_from:
        if cache.image is None:
            raise BuildOptionsError(
                f"The option 'cache_from' with type={cache.type} and attributes needs BuildKit: "
                "the classic build of a Docker Engine takes names of images.",
                option="cache_from",
            )
    if options.encoding not in (None, "gzip"):
        raise BuildOptionsError(
            "The option 'encoding' is for contexts compressed by the caller; here the builder "
            "makes the archive, and compresses it with gzip=True.",
            option="encoding",
            suggestion="gzip",
        )
