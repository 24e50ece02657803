"""A stack in words and plain values, for people and programs to look at."""

from __future__ import annotations

from pydantic import SecretBytes, SecretStr

from imagebuilders.components.component import StackComponent, StackComponentType
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.stack.stack import Stack


@dataclass(frozen=True)
class SettingDescription:
    """One setting of a component."""

    key: str
    value: object
    """As the config has it; of a secret only that there is one."""
    origin: str
    """The file or environment variable that gave it, `default`, or `code`."""


@dataclass(frozen=True)
class ComponentDescription:
    """One component of a stack."""

    type: StackComponentType
    flavor: str | None
    """The flavor's name; `None` when code put the component into the stack."""
    flavor_origin: str
    package: str | None
    """The package that offers the flavor, with its version."""
    implementation: str
    """The class that does the work, with its module."""
    settings: tuple[SettingDescription, ...]


@dataclass(frozen=True)
class StackDescription:
    """A stack."""

    name: str
    file: str | None
    """The stack file it was read from, if there is one."""
    components: tuple[ComponentDescription, ...]


def describe_stack(stack: Stack) -> StackDescription:
    """Describe a stack: its components, their settings, and where each was set."""
    components: dict[StackComponentType, StackComponent | None] = {
        StackComponentType.IMAGE_BUILDER: stack.image_builder,
        StackComponentType.ARTIFACT_STORE: stack.artifact_store,
        StackComponentType.CONTAINER_REGISTRY: stack.container_registry,
    }
    file = None if stack.configuration is None else stack.configuration.file
    return StackDescription(
        name=stack.name,
        file=None if file is None else str(file),
        components=tuple(
            _describe(stack, kind, component)
            for kind, component in components.items()
            if component is not None
        ),
    )


def _describe(
    stack: Stack, kind: StackComponentType, component: StackComponent
) -> ComponentDescription:
    configuration = stack.configuration
    made_from = None if configuration is None else configuration.component(kind)
    return ComponentDescription(
        type=kind,
        flavor=None if made_from is None else made_from.flavor_name,
        flavor_origin="code" if made_from is None else made_from.origin("flavor"),
        package=None if made_from is None else made_from.flavor.package,
        implementation=f"{type(component).__module__}.{type(component).__qualname__}",
        settings=tuple(
            SettingDescription(
                key=key,
                value=_shown(getattr(component.config, key)),
                origin="code" if made_from is None else made_from.origin(key),
            )
            for key in type(component.config).model_fields
        ),
    )


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, SecretStr | SecretBytes):
        return str(value)  # asterisks
    return repr(value)
