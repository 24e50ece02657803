"""The file that describes a stack: where it is, and what stands in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.lazy_dataclass import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "imagebuilders.toml"
PYPROJECT_NAME = "pyproject.toml"
PYPROJECT_TABLE = "tool.imagebuilders"


@dataclass(frozen=True)
class StackFile:
    """What a stack file says."""

    path: Path
    prefix: str
    """What stands before its keys: `tool.imagebuilders` in a pyproject.toml, else nothing."""
    content: Mapping[str, object] = field(repr=False)
    """Its keys and tables. Not in the repr: there may be a password among them."""
    raw: bytes = field(repr=False)
    """The file as it was read."""

    def dotted(self, *key: str) -> str:
        """Spell a key as it stands in the file."""
        return ".".join((self.prefix, *key) if self.prefix else key)


def find_stack_file(directory: Path) -> StackFile | None:
    """Look for a stack file in a folder, then in each folder above it.

    In one folder, `imagebuilders.toml` comes before a `pyproject.toml`, and a
    `pyproject.toml` counts when it has a table `[tool.imagebuilders]`. One whose text does not
    hold the word `imagebuilders` is not parsed.

    Args:
        directory: the absolute path of the folder to begin with.

    Returns:
        The nearest file, or `None`.

    Raises:
        ConfigurationError: the file, or a pyproject.toml that mentions `imagebuilders`, cannot
            be read or is not TOML; or what is called `imagebuilders.toml` is not a file.
    """
    for folder in (directory, *directory.parents):
        path = folder / FILE_NAME
        raw = _read(path)
        if raw is not None:
            return StackFile(path, "", _parse(path, raw), raw)
        path = folder / PYPROJECT_NAME
        # A pyproject.toml of another kind belongs to others, and cannot hold our table.
        raw = _read(path) if path.is_file() else None
        # Most projects' files do not mention us: they need not be parsed, nor be sound.
        if raw is not None and b"imagebuilders" in raw:
            section = _tool_table(path, raw)
            if section is not None:
                return StackFile(path, PYPROJECT_TABLE, section, raw)
    return None


def _tool_table(path: Path, raw: bytes) -> Mapping[str, object] | None:
    tool = _parse(path, raw).get("tool")
    section = tool.get("imagebuilders") if isinstance(tool, dict) else None
    if section is None or isinstance(section, dict):
        return section
    raise ConfigurationError(
        f"{path}: {PYPROJECT_TABLE} must be a table, as in [{PYPROJECT_TABLE}]",
        file=str(path),
        key=PYPROJECT_TABLE,
    )


def _read(path: Path) -> bytes | None:
    try:
        return read_control_file(path).content
    except ControlFileNotFoundError:
        if not path.is_symlink():
            return None
        reason = "it is a link that leads nowhere"
    except ControlFileError as error:
        reason = error.reason
    raise ConfigurationError(
        f"{path}: cannot be read: {reason}; remove it, or put the stack's settings there",
        file=str(path),
    )


def _parse(path: Path, raw: bytes) -> Mapping[str, object]:
    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}:{line}: is not UTF-8, as TOML must be", file=str(path)
        ) from None
    except tomllib.TOMLDecodeError as error:
        message, line_number, column = _position(str(error), raw)
        raise ConfigurationError(
            f"{path}:{line_number}:{column}: is not TOML: {message}"
            f" (line {line_number}, column {column})",
            file=str(path),
        ) from None
    except (ValueError, RecursionError):
        # Not chained: Python's own words are about limits of Python.
        raise ConfigurationError(
            f"{path}: cannot be used: it has a number of too many digits, or is nested too deeply",
            file=str(path),
        ) from None


def _position(message: str, raw: bytes) -> tuple[str, int, int]:
    """Take the position out of the parser's message; older ones have it nowhere else."""
    found = re.fullmatch(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", message)
    if found:
        return found["what"], int(found["line"]), int(found["column"])
    lines = raw.decode().split("\n")
    return message.removesuffix(" (at end of document)"), len(lines), len(lines[-1]) + 1
