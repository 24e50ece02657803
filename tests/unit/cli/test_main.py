"""The command as a process."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_mock import MockerFixture

from imagebuilders.cli import command, failures, output
from imagebuilders.cli.failures import OutputClosedError
from imagebuilders.cli.main import main

if TYPE_CHECKING:
    from command_line import Run


def test_version(run: Run) -> None:
    """--version gives the distribution's version."""
    result = run("--version")
    assert (result.code, result.out) == (0, f"imagebuilders, version {version('imagebuilders')}\n")


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("-h",), ("build", "-h"), ("context", "ls", "--help"), ("stack", "show", "-h")],
)
def test_help(run: Run, arguments: tuple[str, ...]) -> None:
    """Each command explains itself."""
    result = run(*arguments)
    assert result.code == 0
    assert result.out.startswith("Usage: imagebuilders")


@pytest.mark.parametrize("arguments", [(), ("context",), ("stack",)])
def test_no_command(run: Run, arguments: tuple[str, ...]) -> None:
    """Without a command there is a list of them, each with a whole sentence."""
    result = run(*arguments)
    assert (result.code, result.err) == (0, "")
    commands = result.out.partition("Commands:")[2].strip().splitlines()
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


def test_interrupt_before_a_command_runs(run: Run, mocker: MockerFixture) -> None:
    """Ctrl-C is one line at any time."""
    mocker.patch.object(command.command, "make_context", side_effect=KeyboardInterrupt)
    result = run("flavors")
    assert (result.code, result.err.strip()) == (130, "error: Interrupted.")


def test_interrupt_during_the_imports(
    run: Run, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the command is still being loaded is that line too."""
    mocker.patch.object(command, "run", side_effect=KeyboardInterrupt)
    result = run("flavors", "--json")
    assert (result.code, result.out, result.err) == (130, "", "error: Interrupted.\n")
    monkeypatch.setattr(sys, "stderr", None)
    assert main(()) == failures.INTERRUPTED


_TERMINATED = """
import os, signal, sys
from imagebuilders.cli import command
from imagebuilders.cli.main import main

def run(arguments, is_stopped):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        print("stopped", flush=True)
        if sys.argv[1] == "twice":
            os.kill(os.getpid(), signal.SIGTERM)
        if sys.argv[1] == "imports":
            raise
    return 130

command.run = run
sys.exit(main())
"""


@pytest.mark.parametrize(("case", "code"), [("once", 143), ("imports", 143), ("twice", -15)])
def test_a_runner_of_ci_ends_the_command(case: str, code: int) -> None:
    """SIGTERM stops what runs as Ctrl-C does; a second one ends the process at once."""
    ended = subprocess.run(
        [sys.executable, "-c", _TERMINATED, case], stdout=subprocess.PIPE, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, b"stopped\n")


_SWALLOWED = """
import os, signal, sys
from imagebuilders.cli import command
from imagebuilders.cli.main import main

def make_context(*arguments, **settings):
    try:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    except KeyboardInterrupt as error:
        words = f"the schema is wrong: {error!r}"
    raise ValueError(words)

command.command.make_context = make_context
sys.exit(main())
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_library_makes_an_error_of_its_own_of_ctrl_c(name: str, code: int) -> None:
    """The command was interrupted all the same, and shows no traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", _SWALLOWED, name], stderr=subprocess.PIPE, check=False
    )
    assert (ended.returncode, ended.stderr) == (code, b"error: Interrupted.\n")


def test_entry_point_imports_next_to_nothing() -> None:
    """What takes time is imported where Ctrl-C is caught."""
    code = (
        "import sys, imagebuilders.cli.main\n"
        "print(*sorted({'click', 'pydantic', 'rich', 'docker'} & set(sys.modules)))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('imagebuilders')))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == [
        "",
        "imagebuilders imagebuilders.cli imagebuilders.cli.main",
    ]


def test_as_a_module(tmp_path: Path) -> None:
    """`python -m imagebuilders` is the command; a mistake makes no traceback."""
    result = subprocess.run(
        [sys.executable, "-m", "imagebuilders", "build", "nowhere", "-t", "x"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[0].startswith("Usage: imagebuilders build")
    assert "Traceback" not in result.stderr


def test_module_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's exit code is the command's."""
    monkeypatch.setattr(sys, "argv", ["imagebuilders", "no-such-command"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("imagebuilders", run_name="__main__")
    assert caught.value.code == 2


def test_reader_that_goes_away(tmp_path: Path) -> None:
    """With a closed pipe as output the command ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "imagebuilders", "--help"],
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


def test_output_that_closes_midway(run: Run, mocker: MockerFixture) -> None:
    """A pipe that closes while the result is written ends the command quietly."""
    mocker.patch.object(output, "result", side_effect=OutputClosedError)
    given_up = mocker.patch.object(output, "give_up_output")
    result = run("flavors")
    assert (result.code, result.err) == (141, "")
    given_up.assert_called_once_with()


def test_nobody_reads_errors(run: Run, mocker: MockerFixture) -> None:
    """An error that cannot be told keeps its exit code."""
    mocker.patch.object(output, "error_message", side_effect=OutputClosedError)
    given_up = mocker.patch.object(output, "give_up_output")
    assert run("no-such-command").code == 2
    given_up.assert_called_once_with()


def test_characters_the_terminal_does_not_know(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that cannot spell a name is no reason to fail."""
    (folder / "imagebuilders.toml").write_text('name = "käfer"', encoding="utf-8")
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["stack", "show"]) == 0
        shown = raw.getvalue()
    assert shown.startswith(b"stack k\\xe4fer ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [("flavors",), ("flavors", "--json"), ("--help",), ("context", "digest", "app")]
)
def test_full_disk(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """A result that cannot be written is an error on standard error."""
    with open("/dev/full", "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        result = run(*arguments)
    assert result.code == 1
    assert result.err == "error: The output cannot be written: No space left on device.\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_errors_that_cannot_be_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is full, the exit code is all that is left."""
    with open("/dev/full", "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        result = run("no-such-command")
    assert (result.code, result.out) == (2, "")


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_closed_streams(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """A standard stream that is closed is as good as one to nowhere."""
    monkeypatch.setattr(sys, closed, None)
    assert main(("context", "digest", "app")) == 0
    assert main(("no-such-command",)) == 2
    assert getattr(sys, closed) is None
