"""The settings of a stack as they stand in its file and in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import cast

from imagebuilders.components.component import StackComponentType
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.stack.configuration_errors import file_error
from imagebuilders.stack.environment import EnvironmentSettings
from imagebuilders.stack.stack_file import StackFile
from imagebuilders.validation import Finding, unknown


@dataclass(frozen=True)
class Settings:
    """What a stack file and the environment variables say: read once, and checked by its keys."""

    directory: Path
    """The working directory at the time of reading."""
    file: StackFile | None
    variables: EnvironmentSettings
    _from_variables: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(
        cls, directory: Path, file: StackFile | None, variables: EnvironmentSettings
    ) -> Settings:
        """Check which tables and keys there are; what stands in a table is looked at later.

        Raises:
            ConfigurationError: the file has a key that is none, or a table that is none; or a
                variable is none of a table's, and looks as if it should be.
        """
        if file is not None:
            _check_tables(file)
        return cls(directory, file, variables, variables.plain_values())

    @property
    def name(self) -> str | None:
        """The stack's name, if it is given."""
        of_file = None if self.file is None else self.file.content.get("name")
        name = self._from_variables.get("name") or of_file
        return None if name is None else str(name)

    def mentions(self, kind: StackComponentType) -> bool:
        """Tell whether the file or a variable says something about a component."""
        in_file = self.file is not None and kind.value in self.file.content
        return in_file or kind.value in self._from_variables

    def table(self, kind: StackComponentType) -> Mapping[str, object]:
        """Return the file's table of a component; an empty one when there is none."""
        content = {} if self.file is None else self.file.content
        return cast("Mapping[str, object]", content.get(kind.value, {}))

    def variable_table(self, kind: StackComponentType) -> Mapping[str, object]:
        """Return the keys of a component that variables set, with their text."""
        return cast("Mapping[str, object]", self._from_variables.get(kind.value, {}))


def _check_tables(file: StackFile) -> None:
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
        raise file_error(file, found)
