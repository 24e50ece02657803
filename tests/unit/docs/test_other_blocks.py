"""Blocks of the pages in other languages than Python and the shell's are sound in theirs."""

from __future__ import annotations

import configparser
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from console_lines import PAGES

from imagebuilders.dockerfile import parse
from imagebuilders.stack.configuration import read_configuration

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BLOCK = re.compile(r"^```(?P<kind>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCKS = [
    pytest.param(block["kind"], block["text"], id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(_BLOCK.finditer(page.read_text(encoding="utf-8")))
    if block["kind"] not in ("python", "console")
]
_FOREIGN = ("kite", "shared-memory")
"""Flavors of packages that the pages' examples would install."""


def _is_stack_file(folder: Path, text: str) -> None:
    """Settings are those of a stack, of a package, or rules of a double."""
    tables = tomllib.loads(text)
    if "on_run" in tables:
        return  # `python -m fakes run` reads it, with the others of its page
    name = "imagebuilders.toml"
    if "project" in tables:
        name = "pyproject.toml"
        assert {"name", "version"} <= tables["project"].keys()
        tables = tables.get("tool", {}).get("imagebuilders", {})
    if any(table.get("flavor") in _FOREIGN for table in tables.values() if isinstance(table, dict)):
        return  # the page's own tests have these flavors
    (folder / name).write_text(text)
    assert read_configuration(folder).file == (folder / name if tables else None)


def _is_ini(_folder: Path, text: str) -> None:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(text)
    assert found.sections()


def _is_dockerfile(_folder: Path, text: str) -> None:
    assert parse(text.encode()).stages


def _is_prose(_folder: Path, text: str) -> None:
    """What a program prints, or a drawing: nothing that is typed."""
    assert not re.search(r"^\$ ", text, re.MULTILINE)


_CHECKS: dict[str, Callable[[Path, str], object]] = {
    "toml": _is_stack_file,
    "json": lambda _folder, text: json.loads(text),
    "yaml": lambda _folder, text: list(yaml.safe_load_all(text)),
    "ini": _is_ini,
    "dockerfile": _is_dockerfile,
    "text": _is_prose,
    "": _is_prose,
}


@pytest.mark.parametrize(("kind", "text"), _BLOCKS)
def test_block(kind: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is read by what it is for; a kind that nothing reads is an error."""
    if "username" in text:  # the password is a variable, as the page says
        monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD", "s3cret")
    _CHECKS[kind](tmp_path, text)
