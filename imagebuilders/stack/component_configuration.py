"""What the settings say about one component of a stack."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.exceptions import FlavorError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.stack.configuration_errors import component_error, file_error
from imagebuilders.stack.flavors import FlavorCatalog, FlavorEntry
from imagebuilders.stack.settings import Settings
from imagebuilders.user_folders import expand_home
from imagebuilders.validation import Finding, findings

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


def configure_component(
    kind: StackComponentType, settings: Settings, catalog: FlavorCatalog
) -> ComponentConfiguration:
    """Combine what file and variables say about a component with its flavor's defaults.

    Raises:
        ConfigurationError: a key or a value is wrong.
        FlavorError: the flavor is unknown, offered twice, or cannot be loaded.
    """
    file = settings.file
    from_file = dict(settings.table(kind))
    from_variables = settings.variable_table(kind)
    origins: dict[str, str] = {}
    if file is not None:
        origins |= dict.fromkeys(from_file, str(file.path))

    given = from_file.pop("flavor", DEFAULT_FLAVORS[kind])
    if not isinstance(given, str):
        assert file is not None
        allowed = tuple(catalog.names(kind))
        message = f"must be a string, one of: {', '.join(allowed)}"
        raise file_error(file, [Finding((kind.value, "flavor"), message, allowed)])
    flavor_name = str(from_variables.get("flavor", given))
    if flavor_name != given:
        # The file's keys are those of the flavor it names; the variables chose another.
        from_file, origins = {}, {}
    if "flavor" in from_variables:
        origins["flavor"] = settings.variables.variable_for(kind, ["flavor"])
    flavor = _find_flavor(kind, flavor_name, settings, origins, catalog)
    config_class = flavor.config_class
    spelling = {field.lower(): field for field in config_class.model_fields}
    for key in from_variables:
        origins[spelling.get(key, key)] = settings.variables.variable_for(kind, [key])
    values = _merged(from_file, settings.variables.typed_values(kind, config_class))
    if kind is StackComponentType.ARTIFACT_STORE:
        _complete_path(values, settings, origins)
    try:
        config = config_class.model_validate(values)
    except ValidationError as error:
        # `from None`: pydantic's text quotes the values, one of which may be a password.
        found = findings(error, config_class, also_known=("flavor",))
        raise component_error(kind, file, settings.variables, origins, found) from None
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
    values: dict[str, object], settings: Settings, origins: Mapping[str, str]
) -> None:
    """Complete an artifact store's relative path.

    One in a file is relative to the file, not to whichever folder below it is the working
    directory; one in a variable to the working directory at the time the variable was read.
    """
    path = values.get("path")
    if not isinstance(path, str) or not path or "://" in path:
        return
    file = settings.file
    in_file = file is not None and origins.get("path") == str(file.path)
    folder = file.path.parent if file is not None and in_file else settings.directory
    values["path"] = str(folder / expand_home(path))


def _find_flavor(
    kind: StackComponentType,
    name: str,
    settings: Settings,
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
        if settings.file is not None and origin == str(settings.file.path):
            key = settings.file.dotted(key)
        raise FlavorError(
            f"{origin}: {key}: {error}", file=origin, key=key, allowed=error.allowed
        ) from error
