"""Environment variables that override the stack file.

`IMAGEBUILDERS_<TABLE>__<KEY>` sets one key of one table. A variable that is set
but empty counts as not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from pathlib import PurePath
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic import SecretBytes, SecretStr

from imagebuilders.components.component import StackComponentConfig, StackComponentType
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.stack.variables import DELIMITER, PREFIX, variable_name

_NEAR = 0.7
"""How alike two names are, from 0 to 1, when one is taken for a misspelling of the other."""
_PLAIN = (str, bytes, int, float, bool, type(None), SecretStr, SecretBytes, PurePath)
"""Types whose values have no keys inside them."""


@dataclass(frozen=True)
class EnvironmentSettings:
    """The variables that may say something about the stack, as they were at one time."""

    variables: Mapping[str, str] = field(repr=False)  # one may hold a password

    @classmethod
    def read(cls) -> EnvironmentSettings:
        """Take the variables as they are now."""
        return cls(
            {
                name: value
                for name, value in os.environ.items()
                if value and name.upper().startswith(PREFIX)
            }
        )

    def plain_values(self) -> Mapping[str, object]:
        """Read the variables as text, before the flavors and so the types of their keys are known.

        Returns:
            The stack's `name`, and a `dict[str, str]` for each table that is mentioned.

        Raises:
            ConfigurationError: a variable is none of a table's, and looks as if it should be.
        """
        found: dict[str, object] = {}
        tables: dict[str, dict[str, str]] = {}
        for name, value in sorted(self.variables.items()):
            key = name.upper().removeprefix(PREFIX)
            kind = _table_of(key)
            if key == "NAME":
                found["name"] = value
            elif kind is None:
                _check_stranger(name, key)
            else:
                rest = key.removeprefix(kind.value.upper())
                if not rest.startswith(DELIMITER):
                    raise _no_key(name, kind, rest.strip("_"))
                inner = rest.removeprefix(DELIMITER).lower().split(DELIMITER)[0]
                tables.setdefault(kind.value, {})[inner] = value
        return found | tables

    def typed_values(
        self, kind: StackComponentType, config_class: type[StackComponentConfig]
    ) -> dict[str, object]:
        """Read the variables of one table as its flavor's config class wants them.

        Text stays text (a password of digits too); lists, mappings and nested
        models are written as JSON, or with further `__` for their parts.

        Raises:
            ConfigurationError: a value should be JSON, and is not; or a variable names a part of a
                key that has none.
        """
        spelling = {name.lower(): name for name in config_class.model_fields}
        for name, (key, *inner) in self._variables_of(kind).items():
            setting = config_class.model_fields.get(spelling.get(key, key))
            if inner and setting is not None and not _has_parts(setting.annotation):
                raise ConfigurationError(
                    f"{name}: {key!r} has no keys inside it; did you mean "
                    f"{variable_name(kind.value, key)}?",
                    file=name,
                    key=".".join((kind.value, key, *inner)),
                )
        if not self._variables_of(kind):
            return {}
        # The library behind it is slow to import, and most have no such variable.
        from imagebuilders.stack.environment_values import read_values

        given = read_values(self.variables, kind, config_class)
        return {spelling.get(key, key): value for key, value in given.items() if key != "flavor"}

    def variable_for(self, kind: StackComponentType, key: Sequence[str]) -> str:
        """Return the variable that sets a key of a table, or the nearest one above or below it."""
        wanted = tuple(part.lower() for part in key)
        best, length = variable_name(kind.value, *key[:1]), 0
        for name, parts in sorted(self._variables_of(kind).items()):
            shared = min(len(parts), len(wanted))
            if shared > length and parts[:shared] == wanted[:shared]:
                best, length = name, shared
        return best

    def _variables_of(self, kind: StackComponentType) -> dict[str, tuple[str, ...]]:
        """Return the variables of a table, each with the key that it sets."""
        begin = variable_name(kind.value) + DELIMITER
        return {
            name: tuple(name.upper().removeprefix(begin).lower().split(DELIMITER))
            for name in self.variables
            if name.upper().startswith(begin)
        }


def _table_of(key: str) -> StackComponentType | None:
    for kind in StackComponentType:
        rest = key.removeprefix(kind.value.upper())
        if rest != key and rest[:1] in ("", "_"):
            return kind
    return None


def _check_stranger(name: str, key: str) -> None:
    """Refuse a variable that is a misspelt one of ours; others may have names of this prefix.

    Raises:
        ConfigurationError: it has a table's form, or is nearly a name of ours.
    """
    table, delimiter, rest = key.partition(DELIMITER)
    tables = [kind.value.upper() for kind in StackComponentType]
    if delimiter:
        near = get_close_matches(table, tables, n=1) or tables
        meant = [variable_name(each, rest or "KEY") for each in near]
    else:
        near = get_close_matches(key, ["NAME", *tables], n=1, cutoff=_NEAR)
        meant = [variable_name(*([each] if each == "NAME" else [each, "KEY"])) for each in near]
    if meant:
        raise ConfigurationError(
            f"{name}: no such setting; did you mean {' or '.join(meant)}?",
            file=name,
            key=key.lower().replace(DELIMITER, "."),
            allowed=meant,
        )


def _has_parts(annotation: object) -> bool:
    """Tell whether a value of this type may have keys inside it; in doubt it may."""
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType):
        return any(map(_has_parts, get_args(annotation)))
    return kind is not Literal and not (isinstance(kind, type) and issubclass(kind, _PLAIN))


def _no_key(name: str, kind: StackComponentType, key: str) -> ConfigurationError:
    meant = variable_name(kind.value, key or "KEY")
    return ConfigurationError(
        f"{name}: no such setting; did you mean {meant} (two underscores before the key)?",
        file=name,
        key=f"{kind.value}.{key.lower()}" if key else kind.value,
    )
