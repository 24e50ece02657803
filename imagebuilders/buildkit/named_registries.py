"""Which registries a build names, so that a question for the credentials of another is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from imagebuilders.dockerfile import Dockerfile, expand
from imagebuilders.exceptions import ShellWordError
from imagebuilders.oci.reference import split_domain

if TYPE_CHECKING:
    from imagebuilders.build_options.fields import OptionValues

_IMAGE_SCHEME = "docker-image://"


def named_registries(
    dockerfile: Dockerfile,
    options: OptionValues,
    *,
    build_arguments: Mapping[str, str | None],
    further: Iterable[str] = (),
) -> frozenset[str]:
    """Return the domains of the registries of all images that a build names.

    Args:
        dockerfile: the Dockerfile.
        options: the options.
        build_arguments: the build's, which replace variables.
        further: names of other images, such as the frontend's.
    """
    env = {
        pair.name: pair.value or ""
        for instruction in dockerfile.global_args
        for pair in instruction.pairs
    }
    env.update((name, value) for name, value in build_arguments.items() if value is not None)
    names = [*_in_dockerfile(dockerfile, env), *_in_options(options), *further]
    return frozenset(split_domain(name)[0] for name in names if name)


def _in_dockerfile(dockerfile: Dockerfile, env: Mapping[str, str]) -> Iterator[str]:
    if dockerfile.syntax is not None:
        yield dockerfile.syntax.split(" ")[0]
    words = [stage.base for stage in dockerfile.stages]
    for stage in dockerfile.stages:
        for instruction in stage.steps:
            words += instruction.flag_values("from")
            for mount in instruction.flag_values("mount"):
                words += (part[5:] for part in mount.split(",") if part.startswith("from="))
    for word in words:
        with suppress(ShellWordError):  # the daemon tells it better
            yield expand(word, env).text


def _in_options(options: OptionValues) -> Iterator[str]:
    for cache in (*options.cache_from, *options.cache_to):
        yield dict(cache.attributes).get("ref", "")
    for value in options.build_contexts.values():
        if value.startswith(_IMAGE_SCHEME):
            yield value.removeprefix(_IMAGE_SCHEME)
