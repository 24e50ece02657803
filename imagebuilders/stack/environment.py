"""Environment variables that override the stack file.

`IMAGEBUILDERS_<TABLE>__<KEY>` sets one key of one table. A variable that is set
but empty counts as not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from pydantic import create_model
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

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
    return {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def plain_values() -> Mapping[str, object]:
    """Read the variables as text, before the flavors and so the types of their keys are known.

    Returns:
        The stack's `name`, and a `dict[str, object]` for each table that is mentioned.

    Raises:
        ConfigurationError: a variable of a table is spelled with one underscore for two.
    """
    _reject_single_underscores()
    fields: dict[str, Any] = {"name": (str, "")}
    fields |= {kind.value: (dict[str, str], {}) for kind in StackComponentType}
    return EnvSettingsSource(create_model("PlainSettings", __base__=_Settings, **fields))()


def typed_values(
    kind: StackComponentType, config_class: type[StackComponentConfig]
) -> dict[str, object]:
    """Read the variables of one table as its flavor's config class wants them.

    Text stays text (a password of digits too); lists, mappings and nested
    models are written as JSON, or with further `__` for their parts.

    Raises:
        ConfigurationError: a value should be JSON, and is not.
    """
    # `Any`: create_model takes its fields as untyped keyword arguments.
    fields: dict[str, Any] = {kind.value: (config_class, ...)}
    try:
        values = EnvSettingsSource(create_model("TypedSettings", __base__=_Settings, **fields))()
    except SettingsError:
        # `from None`: the cause quotes the value.
        name = variable_name(kind.value)
        raise ConfigurationError(
            f"{name}…: a variable of this table must be written as JSON, and is not",
            file=name,
            key=kind.value,
        ) from None
    given = cast("dict[str, object]", values.get(kind.value, {}))
    spelling = {name.lower(): name for name in config_class.model_fields}
    return {spelling.get(key, key): value for key, value in given.items() if key != "flavor"}


def _reject_single_underscores() -> None:
    for name in sorted(os.environ):
        for kind in StackComponentType:
            table = PREFIX + kind.value.upper()
            rest = name.upper().removeprefix(table)
            if rest.startswith("_") and not rest.startswith(DELIMITER) and rest != name.upper():
                meant = f"{table}{DELIMITER}{rest[1:]}"
                raise ConfigurationError(
                    f"{name}: no such setting; did you mean {meant} (two underscores)?",
                    file=name,
                    key=f"{kind.value}.{rest[1:].lower()}",
                )
