"""What the help of `python -m fakes` says."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from fakes.__main__ import _COMMANDS, main

PATHS = [(), *((name,) for name in _COMMANDS)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "fakes")
def test_help(path: tuple[str, ...]) -> None:
    """It fits 80 columns, and shows three lines that the command takes."""
    lines = CliRunner().invoke(main, [*path, "-h"]).output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    begin = lines.index("  Examples:") + 1
    examples = [line.strip() for line in lines[begin : lines.index("", begin)]]
    assert len(examples) == 3
    for example in examples:
        assert example.startswith("python -m fakes ")
        name, *words = shlex.split(example)[3:]
        assert (name,) == path or not path
        command = main.get_command(click.Context(main), name)
        assert command is not None
        known = {flag for parameter in command.params for flag in parameter.opts}
        own = words[: words.index("--") if "--" in words else None]
        flags = [word for word in own if word.startswith("--")]
        assert set(flags) <= known


def test_summaries_are_whole() -> None:
    """The list of commands cuts none of them."""
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, (_, summary) in _COMMANDS.items():
        assert f"{name.ljust(8)}  {summary}" in listed
