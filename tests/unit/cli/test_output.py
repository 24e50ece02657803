"""Where the command writes."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebuilders.cli import output
from imagebuilders.cli.failures import OutputClosedError


def test_json_is_ascii() -> None:
    """Names that are not UTF-8 are escaped; what JSON does not know becomes text."""
    stream = io.StringIO()
    output.write_json(stream, {"name": "caf\udce9", "path": Path("a")})
    assert stream.getvalue() == '{"name": "caf\\udce9", "path": "a"}\n'


@pytest.mark.parametrize(("encoding", "known"), [("utf-8", True), ("ascii", False)])
def test_what_the_output_can_spell(
    monkeypatch: pytest.MonkeyPatch, encoding: str, known: bool
) -> None:
    """Lines of a tree are drawn only where they can be spelled."""
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert output.can_encode("├") is known


def test_labels_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and warnings are lines of standard error."""
    output.error_message("[bold]broken[/bold]")
    output.warning_message("careful")
    assert capsys.readouterr().err == "error: [bold]broken[/bold]\nwarning: careful\n"


@pytest.mark.parametrize("tell", [output.error_message, output.warning_message])
def test_messages_do_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], tell: Callable[[str], None]
) -> None:
    """Escape sequences in a quoted output are gone; lines stay."""
    tell("The build failed:\n\x1b]0;title\x07\x1b[31mred\x1b[0m\n\x9b31mnames: \x07")
    shown = capsys.readouterr().err
    assert shown.partition(": ")[2] == "The build failed:\nred\n\\x9b31mnames: \\x07\n"


def test_labels_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the label is coloured, and the text is left as it is."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.error_message("[bold]broken[/bold] " + "x" * 200)
    assert terminal.getvalue() == "\x1b[1;31merror: \x1b[0m[bold]broken[/bold] " + "x" * 200 + "\n"


def test_log_warnings() -> None:
    """Warnings of the library are passed on while the block lasts; lesser records are not."""
    told: list[str] = []
    logger = logging.getLogger("imagebuilders.part")
    with output.log_warnings(told.append):
        logger.warning("%s is large", "x")
        logger.info("no")
    logger.warning("too late")
    assert told == ["x is large"]


def test_give_up_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is still written goes nowhere, and closing the stream raises nothing."""
    path = tmp_path / "out"
    with path.open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        stdout.write("lost")
        output.give_up_output()
    assert path.read_text() == ""


def test_closed_stream() -> None:
    """A closed pipe has an exception of its own."""

    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(OutputClosedError):
        output.write_json(Closed(), {})
