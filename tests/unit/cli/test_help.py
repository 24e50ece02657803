"""What every command's help says."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from imagebuilders.cli.command import command

if TYPE_CHECKING:
    from command_line import Run


def _paths(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if found.hidden:
            continue
        if isinstance(found, click.Group):
            yield from _paths(found, (*path, name))
        else:
            yield (*path, name)


PATHS = list(_paths(command))


def _examples(path: tuple[str, ...], run: Run) -> list[str]:
    lines = run(*path, "--help").out.splitlines()
    begin = lines.index("  Examples:") + 1
    return [line.strip() for line in lines[begin : lines.index("", begin)]]


def test_commands_are_found() -> None:
    """Those of groups as well."""
    assert {("build",), ("cache", "prune"), ("context", "tar"), ("completion",)} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_fits_a_terminal(run: Run, path: tuple[str, ...]) -> None:
    """Of eighty columns; only an example may be longer."""
    examples = _examples(path, run)
    lines = run(*path, "-h").out.splitlines()
    assert [line for line in lines if len(line) > 80 and line.strip() not in examples] == []


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_shows_three_examples(run: Run, folder: Path, path: tuple[str, ...]) -> None:
    """Each is a line that the command takes, where there are the files that it names."""
    for name in ("web.Dockerfile", "build.jsonl"):
        (folder / name).touch()
    examples = _examples(path, run)
    assert len(examples) == 3
    for example in examples:
        lines = [shlex.split(part) for part in example.partition(" > ")[0].split(" | ")]
        own = [words[words.index("imagebuilders") + 1 :] for words in lines if _is_own(words)]
        assert path in [tuple(words[: len(path)]) for words in own]
        for words in own:
            _parse(command, words)


def _is_own(words: list[str]) -> bool:
    return "imagebuilders" in words[:2]


def _parse(group: click.Group, words: list[str]) -> None:
    """Parse a line as far as its command."""
    found: click.Command | None = group
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        found, words = found.get_command(click.Context(found), words[0]), words[1:]
    assert found is not None
    with found.make_context("imagebuilders", words):
        pass
