"""Options as the query of a build by Podman, `POST /build`.

Podman takes most of what a Docker Engine takes, some of it in another form, and more: secrets and
caches in registries. Source: pkg/api/handlers/compat/images_build.go of
https://github.com/containers/podman.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuilders.build_options.classic_query import (
    BUILDKIT_ONLY,
    check_classic,
    render_classic_query,
)
from imagebuilders.exceptions import BuildOptionsError, ImageNameError
from imagebuilders.oci.reference import ImageReference

if TYPE_CHECKING:
    from imagebuilders.build_options.options import DockerBuildOptions
    from imagebuilders.build_options.values import BuildCache

WITH_SECRETS = (4, 0)
"""The first release whose build API takes secrets."""

WITH_CACHES = (4, 4)
"""The first release whose build API takes lists of caches."""

_TAKEN = frozenset({"secrets", "cache_to"})
_NETWORKS: Mapping[str, Sequence[tuple[str, str]]] = {
    "default": (),
    "none": (("networkmode", "NetworkDisabled"),),
    "host": (
        ("networkmode", "NetworkEnabled"),
        ("nsoptions", json.dumps([{"Name": "network", "Host": True, "Path": ""}])),
    ),
}


def check_podman(options: DockerBuildOptions, engine: str, release: tuple[int, int]) -> None:
    """See whether Podman can honour the options.

    Args:
        options: the options.
        engine: what errors call it.
        release: the first two numbers of its version.

    Raises:
        BuildOptionsError: it cannot; the error names the option.
    """
    for name in BUILDKIT_ONLY:
        if getattr(options, name) and name not in _TAKEN:
            raise _refused(
                name,
                f"needs BuildKit: {engine} does not take it",
                "Leave it out, or build with a Docker Engine or a BuildKit daemon.",
            )
    check_classic(_without_own(options))
    for secret in options.secrets:
        if "," in secret.id:
            raise _refused("secrets", f"has the ID {secret.id!r} with a comma", "Give another ID.")
    if options.secrets and release < WITH_SECRETS:
        raise _refused("secrets", f"is not taken by {engine}", "Podman 4.0 and newer take it.")
    for name in ("cache_from", "cache_to"):
        caches: Sequence[BuildCache] = getattr(options, name)
        if caches and release < WITH_CACHES:
            raise _refused(name, f"is not taken by {engine}", "Podman 4.4 and newer take it.")
        for cache in caches:
            _repository(name, cache)
    if options.network_mode is not None and options.network_mode not in _NETWORKS:
        raise _refused(
            "network_mode",
            f"asks for {options.network_mode!r}, which {engine} passes over in a build",
            f"It takes {', '.join(_NETWORKS)}.",
        )


def render_podman_query(
    options: DockerBuildOptions,
    *,
    names: Sequence[str],
    dockerfile: str,
    build_arguments: Mapping[str, str | None] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Return the fields of the query, in order; a name may come more than once.

    Args:
        options: the options, which `check_podman` has seen.
        names: what the image is to be called.
        dockerfile: the Dockerfile's name in the archive that is sent.
        build_arguments: arguments that those of the options go before.
        secrets: the file in the archive that holds each secret, by its ID. Podman takes it out
            before a step sees the context.

    Raises:
        BuildOptionsError: an option is set that Podman cannot honour.
    """
    query = render_classic_query(
        _without_own(options), names=names, dockerfile=dockerfile, build_arguments=build_arguments
    )
    lists = {
        "secrets": [f"id={name},src={path}" for name, path in (secrets or {}).items()],
        "cachefrom": [_repository("cache_from", cache) for cache in options.cache_from],
        "cacheto": [_repository("cache_to", cache) for cache in options.cache_to],
        "extrahosts": [str(address) for address in options.extra_hosts],
        "ulimits": [str(limit) for limit in options.ulimit],
    }
    query += [(name, json.dumps(values)) for name, values in lists.items() if values]
    query += _NETWORKS[options.network_mode or "default"]
    return query


def _without_own(options: DockerBuildOptions) -> DockerBuildOptions:
    """Return the options without those that Podman takes in a form of its own."""
    own = {"secrets": (), "cache_from": (), "cache_to": (), "extra_hosts": (), "ulimit": ()}
    return options.model_copy(update={**own, "network_mode": None})


def _repository(option: str, cache: BuildCache) -> str:
    """Return the repository that a cache is in.

    Raises:
        BuildOptionsError: it is of another type, or has a tag.
    """
    name = cache.image
    if name is None:
        raise _refused(
            option, f"asks for {cache}", "Podman keeps caches in repositories: give one's name."
        )
    try:
        reference = ImageReference.parse(name)
    except ImageNameError as error:
        raise _refused(option, f"names {name!r}", str(error)) from error
    if reference.tag is not None or reference.digest is not None:
        raise _refused(
            option,
            f"names {name!r} with a tag or digest",
            f"Podman keeps a cache in all of a repository: write {reference.repository!r}.",
        )
    return name


def _refused(option: str, why: str, advice: str) -> BuildOptionsError:
    return BuildOptionsError(f"The option {option!r} {why}. {advice}", option=option)
