"""Environment variables of a table as the types of its flavor's settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast, get_args, get_origin

from pydantic import Secret, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from imagebuilders.components.component import StackComponentConfig, StackComponentType
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.variables import DELIMITER, PREFIX, variable_name


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True
    )


class _Source(EnvSettingsSource):
    def field_is_complex(self, field: FieldInfo) -> bool:
        """Whether a value is written as JSON: also one that is a secret."""
        if get_origin(field.annotation) is Secret:
            field = FieldInfo(annotation=get_args(field.annotation)[0])
        return super().field_is_complex(field)


def read_values(
    variables: Mapping[str, str], kind: StackComponentType, config_class: type[StackComponentConfig]
) -> dict[str, object]:
    """Return what variables say about a table, by lower-case key.

    Raises:
        ConfigurationError: a value should be JSON, and is not.
    """
    source = _Source(_model(kind, config_class))
    source.env_vars = {name.lower(): value for name, value in variables.items()}
    try:
        values = source()
    # pydantic-settings gives its subclass of ValueError various homes.
    except (ValueError, RecursionError):
        # `from None`: the cause quotes the value.
        raise _no_json(kind, source, variables) from None
    return cast("dict[str, object]", values.get(kind.value, {}))


@lru_cache
def _model(kind: StackComponentType, config_class: type[StackComponentConfig]) -> type[_Settings]:
    # `Any`: create_model takes its fields as untyped keyword arguments.
    fields: dict[str, Any] = {kind.value: (config_class, ...)}
    return create_model("StackSettings", __base__=_Settings, **fields)


def _no_json(
    kind: StackComponentType, source: EnvSettingsSource, variables: Mapping[str, str]
) -> ConfigurationError:
    """Find the variable that is not JSON by reading each alone."""
    at_fault = variable_name(kind.value)
    for name, value in variables.items():
        source.env_vars = {name.lower(): value}
        try:
            source()
        except (ValueError, RecursionError):
            at_fault = name
    key = at_fault.upper().removeprefix(PREFIX).lower().replace(DELIMITER, ".")
    return ConfigurationError(
        f'{at_fault}: must be written as JSON, as in ["a", "b"] or {{"k": "v"}}',
        file=at_fault,
        key=key,
    )
