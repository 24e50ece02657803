"""Environment variables that override the stack file.

`IMAGEBUILDERS_<TABLE>__<KEY>` sets one key of one table. A variable that is set
but empty counts as not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from pydantic import create_model
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.component import StackComponentConfig, StackComponentType

PREFIX = "IMAGEBUILDERS_"
DELIMITER = "__"


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True
    )


def variable_name(*key: str) -> str:
    """Spell the variable that sets a key."""
    return PREFIX + DELIMITER.join(key).upper()


def relevant_variables() -> dict[str, str]:
    """Give every variable that may say something about the stack."""
    return {
        name: value
        for name, value in os.environ.items()
        if value and name.upper().startswith(PREFIX)
    }


def plain_values() -> Mapping[str, object]:
    """Read the variables as text, before the flavors and so the types of their keys are known.

    Returns:
        The stack's `name`, and a `dict[str, str]` for each table that is mentioned.

    Raises:
        ConfigurationError: a variable begins like one of a table, and has no key of it.
    """
    found: dict[str, object] = {}
    tables: dict[str, dict[str, str]] = {}
    for name, value in sorted(relevant_variables().items()):
        key = name.upper().removeprefix(PREFIX)
        if key == "NAME":
            found["name"] = value
        for kind in StackComponentType:
            rest = key.removeprefix(kind.value.upper())
            if rest == key or rest[:1] not in ("", "_"):
                continue
            if not rest.startswith(DELIMITER):
                raise _no_key(name, kind, rest.strip("_"))
            inner = rest.removeprefix(DELIMITER).lower().split(DELIMITER)[0]
            tables.setdefault(kind.value, {})[inner] = value
    return found | tables


def typed_values(
    kind: StackComponentType, config_class: type[StackComponentConfig]
) -> dict[str, object]:
    """Read the variables of one table as its flavor's config class wants them.

    Text stays text (a password of digits too); lists, mappings and nested
    models are written as JSON, or with further `__` for their parts.

    Raises:
        ConfigurationError: a value should be JSON, and is not.
    """
    source = EnvSettingsSource(_model(kind, config_class))
    try:
        values = source()
    except ValueError:  # pydantic-settings gives its subclass of it various homes
        # `from None`: the cause quotes the value.
        raise _no_json(kind, source) from None
    given = cast("dict[str, object]", values.get(kind.value, {}))
    spelling = {name.lower(): name for name in config_class.model_fields}
    return {spelling.get(key, key): value for key, value in given.items() if key != "flavor"}


@lru_cache
def _model(kind: StackComponentType, config_class: type[StackComponentConfig]) -> type[_Settings]:
    # `Any`: create_model takes its fields as untyped keyword arguments.
    fields: dict[str, Any] = {kind.value: (config_class, ...)}
    return create_model("StackSettings", __base__=_Settings, **fields)


def _no_json(kind: StackComponentType, source: EnvSettingsSource) -> ConfigurationError:
    """Find the variable that is no JSON by reading each alone."""
    at_fault = variable_name(kind.value)
    for name, value in relevant_variables().items():
        source.env_vars = {name.lower(): value}
        try:
            source()
        except ValueError:
            at_fault = name
    key = at_fault.upper().removeprefix(PREFIX).lower().replace(DELIMITER, ".")
    return ConfigurationError(
        f'{at_fault}: must be written as JSON, as in ["a", "b"] or {{"k": "v"}}',
        file=at_fault,
        key=key,
    )


def _no_key(name: str, kind: StackComponentType, key: str) -> ConfigurationError:
    meant = variable_name(kind.value, key or "KEY")
    return ConfigurationError(
        f"{name}: no such setting; did you mean {meant} (two underscores before the key)?",
        file=name,
        key=f"{kind.value}.{key.lower()}" if key else kind.value,
    )
