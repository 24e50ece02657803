"""Commands that are imported when they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from imagebuilders.cli.command import command
from imagebuilders.cli.named_commands import NamedCommand, NamedCommands

if TYPE_CHECKING:
    from command_line import Run

BUILD = "imagebuilders.cli.build_command:build"

_LOADED = """
import sys
from imagebuilders.cli.main import main
main(sys.argv[1:])
print(*(name for name in sorted(sys.modules) if name.endswith("_command")
        or name.endswith("_commands") or name == "pydantic"), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (["--help"], "imagebuilders.cli.named_commands"),
        (
            ["history", "--help"],
            "imagebuilders.cli.history_commands imagebuilders.cli.named_commands",
        ),
    ],
)
def test_a_call_loads_its_own_command(words: list[str], loaded: str) -> None:
    """Neither the list of commands nor one of them waits for the others."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr.splitlines()[-1] == loaded


def test_each_name_leads_to_its_command(run: Run) -> None:
    """What the list says of a command, the command says of itself."""
    context = click.Context(command)
    lines = run("--help").out.partition("Commands:")[2].split("\n")
    listed = dict(line.split(maxsplit=1) for line in lines if line)
    assert list(listed) == command.list_commands(context)
    for name, summary in listed.items():
        found = command.get_command(context, name)
        assert found is not None
        assert found is command.get_command(context, name)
        assert (found.name, found.get_short_help_str(200)) == (name, summary)
    assert command.get_command(context, "no-such") is None


def test_an_unknown_name_finds_all_commands(run: Run) -> None:
    """Newer releases of click suggest from those that are there."""
    group = NamedCommands("group", named={"build": NamedCommand(BUILD, "Build.")})
    assert not group.commands
    assert group.get_command(click.Context(group), "bild") is None
    assert list(group.commands) == ["build"]
    result = run("bild")
    assert (result.code, result.out) == (2, "")
    assert "No such command 'bild'" in result.err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("imagebuilders b", {"bake", "build"}),
        ("imagebuilders build --pu", {"--pull", "--push"}),
        ("imagebuilders cache ", {"du", "prune"}),
    ],
)
def test_completion(words: str, offered: set[str]) -> None:
    """A shell is told the commands, and each one's flags."""
    done = subprocess.run(
        [sys.executable, "-m", "imagebuilders"],
        env={
            **os.environ,
            "_IMAGEBUILDERS_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered
