"""What the user's settings say about the stack.

The stack file gives the values, environment variables override them, and what
neither mentions has a default that works: the local builder, an artifact store
in the user's data folder, no registry.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.exceptions import ConfigurationError, FlavorError
from imagebuilders.stack import environment
from imagebuilders.stack.flavors import FlavorCatalog, FlavorEntry
from imagebuilders.stack.stack import Stack
from imagebuilders.stack.stack_file import StackFile, find_stack_file
from imagebuilders.user_folders import expand_home, user_data_folder
from imagebuilders.validation import REQUIRED, Finding, findings, unknown

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.base import BaseArtifactStore
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.container_registries import BaseContainerRegistry

DEFAULT_FLAVORS = {
    StackComponentType.IMAGE_BUILDER: "local",
    StackComponentType.ARTIFACT_STORE: "local",
    StackComponentType.CONTAINER_REGISTRY: "default",
}
DEFAULT = "default"


@dataclass(frozen=True)
class ComponentConfiguration:
    """One component of a stack, as the settings describe it."""

    kind: StackComponentType
    flavor: FlavorEntry
    flavor_name: str
    config: StackComponentConfig
    origins: Mapping[str, str]
    """For each key that was given, and `flavor`: the file or the variable that gave it."""

    def origin(self, key: str) -> str:
        """Say where a key's value comes from: a file, an environment variable, or `default`."""
        return self.origins.get(key, DEFAULT)

    def make(self) -> StackComponent:
        """Make the component.

        Raises:
            FlavorError: the flavor's class cannot be imported, or no object of it can be made.
            ConfigurationError: the component does not take its settings.
        """
        return self.flavor.make(self.config, name=self.flavor_name)


@dataclass(frozen=True)
class StackConfiguration:
    """A stack, as the settings describe it."""

    name: str
    file: Path | None
    """The stack file; `None` when there is none."""
    image_builder: ComponentConfiguration
    artifact_store: ComponentConfiguration
    container_registry: ComponentConfiguration | None

    def component(self, kind: StackComponentType) -> ComponentConfiguration | None:
        """Give the settings of the component of a kind."""
        if kind is StackComponentType.IMAGE_BUILDER:
            return self.image_builder
        if kind is StackComponentType.ARTIFACT_STORE:
            return self.artifact_store
        return self.container_registry

    def make(self) -> Stack:
        """Make the stack.

        Raises:
            FlavorError: a flavor's class cannot be imported, or no object of it can be made.
            ConfigurationError: a component does not take its settings.
        """
        registry = self.container_registry
        return Stack(
            image_builder=cast("BaseImageBuilder", self.image_builder.make()),
            artifact_store=cast("BaseArtifactStore", self.artifact_store.make()),
            container_registry=(
                None if registry is None else cast("BaseContainerRegistry", registry.make())
            ),
            name=self.name,
            configuration=self,
        )


def read_configuration(
    directory: str | os.PathLike[str] | None = None, *, catalog: FlavorCatalog | None = None
) -> StackConfiguration:
    """Read the settings that hold in a folder.

    Args:
        directory: where to begin to look for a stack file; the working directory by default.
        catalog: the flavors to choose from; the installed ones by default.

    Raises:
        ConfigurationError: a file or a variable is wrong; it names file, key and what is allowed.
        FlavorError: a flavor is unknown, offered twice, or cannot be loaded.
    """
    folder = working_directory()
    if directory is not None:
        folder = folder / directory
    file = find_stack_file(folder)
    return configuration_from(file, FlavorCatalog.installed() if catalog is None else catalog)


def configuration_from(file: StackFile | None, catalog: FlavorCatalog) -> StackConfiguration:
    """Combine a stack file with the environment variables and the defaults.

    Raises:
        ConfigurationError: a file or a variable is wrong.
        FlavorError: a flavor is unknown, offered twice, or cannot be loaded.
    """
    tables = _tables_of(file)
    variables = environment.plain_values()
    name = str(variables.get("name") or tables.get("name", DEFAULT))
    registry = StackComponentType.CONTAINER_REGISTRY
    return StackConfiguration(
        name=name,
        file=None if file is None else file.path,
        image_builder=_component(
            StackComponentType.IMAGE_BUILDER, file, tables, variables, catalog
        ),
        artifact_store=_component(
            StackComponentType.ARTIFACT_STORE, file, tables, variables, catalog
        ),
        container_registry=(
            _component(registry, file, tables, variables, catalog)
            if registry.value in tables or registry.value in variables
            else None
        ),
    )


def working_directory() -> Path:
    """Give the working directory.

    Raises:
        ConfigurationError: it was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigurationError("the working directory does not exist any more") from None


def _tables_of(file: StackFile | None) -> Mapping[str, object]:
    if file is None:
        return {}
    known = ("name", *(kind.value for kind in StackComponentType))
    found = []
    for key, value in file.content.items():
        if key not in known:
            found.append(Finding((key,), unknown("key", key, known), known))
        elif key == "name" and not isinstance(value, str):
            found.append(Finding((key,), "must be a string"))
        elif key != "name" and not isinstance(value, dict):
            found.append(Finding((key,), f"must be a table, as in [{file.dotted(key)}]"))
    if found:
        raise _file_error(file, found)
    return file.content


def _component(
    kind: StackComponentType,
    file: StackFile | None,
    tables: Mapping[str, object],
    variables: Mapping[str, object],
    catalog: FlavorCatalog,
) -> ComponentConfiguration:
    from_file = dict(cast("Mapping[str, object]", tables.get(kind.value, {})))
    from_variables = cast("Mapping[str, object]", variables.get(kind.value, {}))
    origins: dict[str, str] = {}
    if file is not None:
        origins |= dict.fromkeys(from_file, str(file.path))

    given = from_file.pop("flavor", DEFAULT_FLAVORS[kind])
    if not isinstance(given, str):
        assert file is not None
        allowed = tuple(catalog.names(kind))
        message = f"must be a string, one of: {', '.join(allowed)}"
        raise _file_error(file, [Finding((kind.value, "flavor"), message, allowed)])
    flavor_name = str(from_variables.get("flavor", given))
    if flavor_name != given:
        # The file's keys are those of the flavor it names; the variables chose another.
        from_file, origins = {}, {}
    if "flavor" in from_variables:
        origins["flavor"] = environment.variable_for(kind, ["flavor"])
    flavor = _find_flavor(kind, flavor_name, file, origins, catalog)
    config_class = flavor.config_class
    spelling = {field.lower(): field for field in config_class.model_fields}
    for key in from_variables:
        origins[spelling.get(key, key)] = environment.variable_for(kind, [key])
    values = _merged(from_file, environment.typed_values(kind, config_class))
    _complete_path(kind, flavor_name, values, file, origins)
    try:
        config = config_class.model_validate(values)
    except ValidationError as error:
        # `from None`: pydantic's text quotes the values, one of which may be a password.
        found = findings(error, config_class, also_known=("flavor",))
        raise _component_error(kind, file, origins, found) from None
    return ComponentConfiguration(kind, flavor, flavor_name, config, origins)


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _complete_path(
    kind: StackComponentType,
    flavor_name: str,
    values: dict[str, object],
    file: StackFile | None,
    origins: Mapping[str, str],
) -> None:
    """Give the artifact store a path, and a relative one in a file its meaning."""
    if kind is not StackComponentType.ARTIFACT_STORE:
        return
    path = values.get("path")
    if path is None and flavor_name == DEFAULT_FLAVORS[kind]:
        values["path"] = str(user_data_folder() / "imagebuilders" / "artifacts")
    elif (
        isinstance(path, str)
        and file is not None
        and origins.get("path") == str(file.path)
        and "://" not in path
    ):
        # Relative to the file, not to whichever folder below it is the working directory.
        values["path"] = str(file.path.parent / expand_home(path))


def _find_flavor(
    kind: StackComponentType,
    name: str,
    file: StackFile | None,
    origins: Mapping[str, str],
    catalog: FlavorCatalog,
) -> FlavorEntry:
    try:
        return catalog.find(kind, name)
    except FlavorError as error:
        origin = origins.get("flavor")
        if origin is None:
            raise
        key = f"{kind.value}.flavor"
        if file is not None and origin == str(file.path):
            key = file.dotted(key)
        raise FlavorError(
            f"{origin}: {key}: {error}", file=origin, key=key, allowed=error.allowed
        ) from error


def _component_error(
    kind: StackComponentType,
    file: StackFile | None,
    origins: Mapping[str, str],
    found: list[Finding],
) -> ConfigurationError:
    """Make one error of what is wrong with a component; each finding names its origin."""
    of_file, of_variables = [], []
    for finding in found:
        origin = origins.get(finding.key[0]) if finding.key else None
        placed = Finding((kind.value, *finding.key), finding.message, finding.allowed)
        if origin is None or (file is not None and origin == str(file.path)):
            of_file.append(placed)
        else:
            of_variables.append((environment.variable_for(kind, finding.key), placed))
    if file is not None and of_file:
        extra = [f"{origin}: {finding.message}" for origin, finding in of_variables]
        return _file_error(file, of_file, extra)
    lines = [f"{origin}: {finding.message}" for origin, finding in of_variables]
    for finding in of_file:
        advice = f"; set {environment.variable_name(*finding.key)}"
        lines.append(f"{finding}{advice if finding.message == REQUIRED else ''}")
    first = of_variables[0][1] if of_variables else of_file[0]
    return ConfigurationError(
        "\n".join(lines),
        file=of_variables[0][0] if of_variables else None,
        key=".".join(first.key),
        allowed=first.allowed,
    )


def _file_error(
    file: StackFile, found: list[Finding], extra: list[str] | None = None
) -> ConfigurationError:
    lines = [
        f"{file.path}: {file.dotted(*finding.key)}: {finding.message}" for finding in found
    ] + (extra or [])
    return ConfigurationError(
        "\n".join(lines),
        file=str(file.path),
        key=file.dotted(*found[0].key),
        allowed=found[0].allowed,
    )
