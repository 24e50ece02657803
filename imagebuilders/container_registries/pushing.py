"""Which registry each name of an image goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from imagebuilders.container_registries.default import DefaultContainerRegistry
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.oci.reference import parse_build_target

if TYPE_CHECKING:
    import docker

    from imagebuilders.container_registries.base import BaseContainerRegistry


def check_push_names(image_names: Iterable[str], given: BaseContainerRegistry | None) -> None:
    """See whether each name has a registry to go to.

    Args:
        image_names: the names that the image is to be pushed under.
        given: the registry that all of them go to, if there is one.

    Raises:
        ImageNameError: a name is malformed, or does not belong to the registry that was given.
        BuildOptionsError: a name names no registry.
    """
    for name in image_names:
        if given is not None:
            given.check_image_name(name)
        elif _named_domain(name) is None:
            raise BuildOptionsError(
                f"The option 'push' is set, and {name!r} names no registry to push to. Name one, "
                "as in localhost:5000/app or docker.io/me/app, or build with a container registry.",
                option="push",
            )


@contextmanager
def push_targets(
    image_names: Iterable[str],
    given: BaseContainerRegistry | None,
    docker_client: Callable[[], docker.DockerClient],
) -> Iterator[Mapping[str, BaseContainerRegistry]]:
    """Lend the registry of each name that has one; those made here are closed at the end.

    Args:
        image_names: the names that the image is to be pushed under.
        given: the registry that all of them go to, if there is one.
        docker_client: returns the engine's client, to push to registries that the names name.

    Raises:
        ImageNameError: a name is malformed.
    """
    with ExitStack() as made:
        targets: dict[str, BaseContainerRegistry] = {}
        for name in image_names:
            domain = _named_domain(name)
            if given is not None:
                targets[name] = given
            elif domain is not None:
                named = DefaultContainerRegistry(uri=domain, docker_client=docker_client())
                made.callback(named.close)
                targets[name] = named
        yield targets


def named_registry(image_name: str) -> DefaultContainerRegistry | None:
    """Return the registry that a name begins with; `None` if it begins with none.

    Raises:
        ImageNameError: the name is malformed.
    """
    domain = _named_domain(image_name)
    return None if domain is None else DefaultContainerRegistry(uri=domain)


def _named_domain(image_name: str) -> str | None:
    """Return the domain that a name begins with.

    `app` alone names none, so that nothing is published by mistake; `docker.io/me/app` does.
    """
    domain = parse_build_target(image_name).domain
    return domain if image_name.startswith(f"{domain}/") else None
