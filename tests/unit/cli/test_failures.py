"""Errors of the library, said to someone who types a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imagebuilders.cli import failures
from imagebuilders.exceptions import BuildContextError, BuildOptionsError, Remedy

if TYPE_CHECKING:
    from command_line import RecordingBuilder, Run

    from imagebuilders import Stack


@pytest.mark.parametrize("remedy", Remedy)
def test_every_remedy_has_the_commands_words(remedy: Remedy) -> None:
    """What helps is said with flags, not with arguments of functions."""
    error = BuildContextError("It is not there.", path="x", remedy=remedy)
    assert str(error) == f"It is not there. {remedy.value}"
    shown = failures.message(error)
    assert shown.startswith("It is not there. ")
    assert remedy.value not in shown
    assert "=" not in shown
    assert failures.error_record(error)["details"] == {"path": "x"}


def test_unreadable_ignore_file(run: Run, folder: Path, stack: Stack) -> None:
    """An ignore file that cannot be read has no advice on Python's arguments."""
    (folder / "app" / ".dockerignore").mkdir()
    result = run("context", "ls", "app")
    assert result.err == (
        "error: The ignore file app/.dockerignore cannot be read: it is a folder, and must be a "
        "regular file. Correct the file.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--build-arg", "=1"), "--build-arg: write each as K=V, or as K to take "),
        (("--label", "=1"), "--label: write each as K=V."),
        (("--build-arg", "=1", "--label", "=1"), "K=V."),
    ],
)
def test_options_have_the_names_of_their_flags(
    run: Run, builder: RecordingBuilder, stack: Stack, arguments: tuple[str, ...], says: str
) -> None:
    """A wrong value is reported under the flag that it was given with."""
    result = run("build", "app", "-t", "shop", *arguments)
    assert (result.code, builder.calls) == (2, [])
    assert result.err.startswith("error: --")
    assert says in result.err
    assert "buildargs" not in result.err
    record = run("build", "app", "-t", "shop", "--json", *arguments).records[-1]
    assert str(record["message"]).startswith("--")


def test_option_without_a_flag() -> None:
    """An option that the command does not have keeps its name."""
    error = BuildOptionsError("whole", option="encoding", problems={"encoding": "is wrong"})
    assert failures.message(error) == "encoding: is wrong."
    assert failures.message(BuildOptionsError("whole", option="shmsize")) == "whole"


def test_an_interrupted_import_is_an_interruption() -> None:
    """Python makes another error of it where a class is just being made."""
    error = RuntimeError("Error calling __set_name__")
    assert not failures.is_interruption(error)
    error.__cause__ = KeyboardInterrupt()
    assert failures.is_interruption(error)
    assert not failures.is_interruption(None)
