"""What is looked at before a build begins, whatever builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.result_files import check_result_files
from imagebuilders.exceptions import (
    BuildContextError,
    BuildOptionsError,
    ConfigurationError,
)

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


def names_to_push(
    image_name: str, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
) -> tuple[str, ...]:
    """Return the names that the image is to be pushed under.

    Raises:
        ImageNameError: one does not belong to the registry.
        BuildOptionsError: one names no registry, and none is given.
    """
    if options.push:
        names = (image_name, *options.tags)
        from imagebuilders.container_registries.pushing import check_push_names

        check_push_names(names, container_registry)
        return names
    return () if container_registry is None else (image_name,)


def _kind_of(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
