"""What is looked at before a build begins, whatever builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.build_options.result_files import check_result_files
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.exceptions import (
    BuildContextError,
    BuildOptionsError,
    ConfigurationError,
)
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    from imagebuilders.container_registries import BaseContainerRegistry


def check_types(build_context: object, container_registry: object) -> None:
    """Refuse what cannot be meant, such as a path in place of a context.

    Raises:
        BuildContextError: the context is none.
        ConfigurationError: the registry is none.
    """
    if not hasattr(build_context, "for_dockerfile") or isinstance(build_context, type):
        raise BuildContextError(
            "The build context must be a BuildContext, as in BuildContext(root='app'), "
            f"not {_kind_of(build_context)}."
        )
    if container_registry is not None and (
        not hasattr(container_registry, "push_image") or isinstance(container_registry, type)
    ):
        raise ConfigurationError(
            "The container registry must be a component, as in "
            "DefaultContainerRegistry(uri='localhost:5000'), "
            f"not {_kind_of(container_registry)}."
        )


def check_is_build(options: DockerBuildOptions) -> None:
    """See whether a build is asked for, and whether what is said of it can be written.

    Raises:
        BuildOptionsError: that is not so.
    """
    if options.call not in (None, "", "build"):
        raise BuildOptionsError(
            f"The option 'call' asks for {options.call!r}, which is no build. Ask the builder by "
            "its methods check, outline and targets, or on the command line by --call.",
            option="call",
        )
    check_result_files(options)


def parse_image_name(
    image_name: str | None, container_registry: BaseContainerRegistry | None
) -> ImageReference | None:
    """Return an image's name, parsed; `None` for an image that gets none.

    Raises:
        ImageNameError: it is malformed, does not belong to the registry, or is missing though the
            image is to be pushed.
    """
    if container_registry is not None:
        return container_registry.check_image_name(image_name)
    return None if image_name is None else parse_build_target(image_name)


def all_names(first: ImageReference | None, options: DockerBuildOptions) -> tuple[str, ...]:
    """Return all names that an image gets.

    Args:
        first: its name, if it has one.
        options: the options, which may give more.

    Raises:
        ImageNameError: one is malformed.
    """
    others = tuple(str(parse_build_target(tag)) for tag in options.tags)
    return others if first is None else (str(first), *others)


def names_to_push(
    image_name: str | None,
    options: DockerBuildOptions,
    container_registry: BaseContainerRegistry | None,
) -> tuple[str, ...]:
    """Return the names that the image is to be pushed under.

    Raises:
        ImageNameError: one does not belong to the registry, or there is none.
        BuildOptionsError: one names no registry, and none is given.
    """
    if image_name is None:
        if options.push or any(map(_pushes_nameless, options.outputs)):
            parse_build_target(None)
        return ()
    if options.push:
        names = (image_name, *options.tags)
        from imagebuilders.container_registries.pushing import check_push_names

        check_push_names(names, container_registry)
        return names
    return () if container_registry is None else (image_name,)


def _pushes_nameless(output: BuildOutput) -> bool:
    """Whether an output is a push that has no name of its own."""
    attributes = dict(output.attributes)
    pushes = output.type == "registry" or parse_switch(attributes.get("push", "")) is True
    return pushes and not attributes.get("name")


def _kind_of(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
