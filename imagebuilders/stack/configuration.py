"""What the user's settings say about the stack.

The stack file gives the values, environment variables override them, and what
neither mentions has a default that works: the local builder, an artifact store
in the user's data folder, no registry.
"""

from __future__ import annotations

import os
from pathlib import Path

from imagebuilders.components.component import StackComponentType
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.component_configuration import (
    DEFAULT,
    ComponentConfiguration,
    configure_component,
)
from imagebuilders.stack.environment import EnvironmentSettings
from imagebuilders.stack.flavors import FlavorCatalog
from imagebuilders.stack.settings import Settings
from imagebuilders.stack.stack_file import StackFile, find_stack_file


class StackConfiguration:
    """A stack, as the settings describe it.

    File and variables have been read. What they say about a component is looked at when the
    component is first asked for: who only builds needs no sound artifact store, nor a home folder
    to keep one in. So each of the three properties may raise

    - `ConfigurationError`: a key or a value is wrong; file, key and what is allowed are named;
    - `FlavorError`: the flavor is unknown, offered twice, or cannot be loaded.
    """

    def __init__(self, settings: Settings, catalog: FlavorCatalog) -> None:
        """Describe a stack.

        Args:
            settings: what file and variables say.
            catalog: the flavors to choose from.
        """
        self._settings = settings
        self._catalog = catalog
        self._components: dict[StackComponentType, ComponentConfiguration] = {}

    @property
    def name(self) -> str:
        """What the user calls the stack."""
        return self._settings.name or DEFAULT

    @property
    def file(self) -> Path | None:
        """The stack file; `None` when there is none."""
        return None if self._settings.file is None else self._settings.file.path

    @property
    def image_builder(self) -> ComponentConfiguration:
        """The settings of the image builder."""
        return self._component(StackComponentType.IMAGE_BUILDER)

    @property
    def artifact_store(self) -> ComponentConfiguration:
        """The settings of the artifact store."""
        return self._component(StackComponentType.ARTIFACT_STORE)

    @property
    def container_registry(self) -> ComponentConfiguration | None:
        """The settings of the container registry; `None` when nothing mentions one."""
        kind = StackComponentType.CONTAINER_REGISTRY
        return self._component(kind) if self.mentions(kind) else None

    def mentions(self, kind: StackComponentType) -> bool:
        """Tell whether the stack file or a variable says something about a component."""
        return self._settings.mentions(kind)

    def component(self, kind: StackComponentType) -> ComponentConfiguration | None:
        """Return the settings of the component of a kind."""
        if kind is StackComponentType.CONTAINER_REGISTRY:
            return self.container_registry
        return self._component(kind)

    def check(self) -> None:
        """Look at the settings of every component.

        Raises:
            ConfigurationError: one is wrong.
            FlavorError: a flavor is unknown, offered twice, or cannot be loaded.
        """
        for kind in StackComponentType:
            self.component(kind)

    def _component(self, kind: StackComponentType) -> ComponentConfiguration:
        # Two threads may both do this, with the same result.
        if kind not in self._components:
            self._components[kind] = configure_component(kind, self._settings, self._catalog)
        return self._components[kind]

    def __repr__(self) -> str:
        return f"StackConfiguration(name={self.name!r}, file={self.file!r})"


def read_configuration(
    directory: str | os.PathLike[str] | None = None, *, catalog: FlavorCatalog | None = None
) -> StackConfiguration:
    """Read the settings that hold in a folder, and check all of them.

    Args:
        directory: where to begin to look for a stack file; the working directory by default.
        catalog: the flavors to choose from; the installed ones by default.

    Raises:
        ConfigurationError: a file or a variable is wrong; it names file, key and what is allowed.
        FlavorError: a flavor is unknown, offered twice, or cannot be loaded.
    """
    here = working_directory()
    configuration = configuration_from(
        here,
        find_stack_file(here if directory is None else here / directory),
        EnvironmentSettings.read(),
        FlavorCatalog.installed() if catalog is None else catalog,
    )
    configuration.check()
    return configuration


def configuration_from(
    directory: Path,
    file: StackFile | None,
    variables: EnvironmentSettings,
    catalog: FlavorCatalog,
) -> StackConfiguration:
    """Combine a stack file with environment variables and defaults.

    Args:
        directory: the working directory, which a relative path in a variable starts from.
        file: the stack file, if there is one.
        variables: the environment variables.
        catalog: the flavors to choose from.

    Raises:
        ConfigurationError: a table of the file or a variable is none of a stack's.
    """
    return StackConfiguration(Settings.read(directory, file, variables), catalog)


def working_directory() -> Path:
    """Return the working directory.

    Raises:
        ConfigurationError: it was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigurationError("the working directory does not exist any more") from None
