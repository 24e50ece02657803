"""Which of the progress displays a command uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from enum import Enum

import click

from imagebuilders import events
from imagebuilders.cli.output import log_warnings, supports_cursor
from imagebuilders.cli.progress_json import JsonProgress
from imagebuilders.cli.progress_many import ManyProgress
from imagebuilders.cli.progress_plain import PlainProgress

VARIABLE = "BUILDKIT_PROGRESS"
"""What is shown when the command line leaves it open, as with `docker build`."""


class Display(Enum):
    """What is shown of a build."""

    AUTO = "auto"
    """A live display where standard error is a terminal, else plain lines."""
    PLAIN = "plain"
    TTY = "tty"
    NONE = "none"
    QUIET = "quiet"
    """Nothing, and of the result only the digest or the ID."""
    RAW_JSON = "rawjson"
    """JSON on standard error; the result is as ever."""
    JSON = "json"
    """JSON on standard output, the result included."""


def chosen_display(given: str, *, quiet: bool, as_json: bool) -> Display:
    """Return what is to be shown.

    Args:
        given: what `--progress` says; empty if nothing.
        quiet: whether `--quiet` is given.
        as_json: whether `--json` is given.

    Raises:
        click.UsageError: they cannot go together, or the environment says what is unknown.
    """
    if as_json:
        if quiet or given not in ("", "auto"):
            other = "--quiet" if quiet else "--progress"
            raise click.UsageError(f"{other} and --json cannot be used together.")
        return Display.JSON
    if quiet:
        return Display.QUIET
    named = given
    if named in ("", "auto"):
        named = os.environ.get(VARIABLE) or "auto"
        if named not in _NAMED:
            raise click.UsageError(f"{VARIABLE}: there is no {named!r}; there are {_LIST}.")
    if named == "tty" and not sys.stderr.isatty():
        raise click.UsageError("--progress=tty: standard error is not a terminal.")
    return Display(named)


_NAMED = [each.value for each in Display if each is not Display.JSON]
_LIST = ", ".join(_NAMED)


@contextmanager
def progress(display: Display = Display.AUTO, *, are_many: bool = False) -> Iterator[None]:
    """Show what happens inside the `with` block.

    JSON goes to stdout. For people, stderr gets a live display when it is a
    terminal, else plain lines. Warnings of the library's log are shown as notices.
    What a third party's builder prints goes to stderr: on stdout it would be part of the result.

    Args:
        display: what to show.
        are_many: whether several builds run side by side; people get plain lines of them, each
            with the name of its build.
    """
    with ExitStack() as displays:
        listener = _listener(display, displays, are_many=are_many)
        displays.enter_context(log_warnings(lambda text: listener(events.Notice(text))))
        displays.enter_context(events.listen(listener))
        displays.enter_context(redirect_stdout(sys.stderr))
        yield


def _listener(display: Display, displays: ExitStack, *, are_many: bool) -> events.Listener:
    if display in (Display.QUIET, Display.NONE):
        return _silence
    if display in (Display.JSON, Display.RAW_JSON):
        return JsonProgress(sys.stdout if display is Display.JSON else sys.stderr)
    if display is not Display.PLAIN and not are_many and supports_cursor(sys.stderr):
        from rich.console import Console

        from imagebuilders.cli.progress_live import LiveProgress

        console = Console(stderr=True, highlight=False)
        if console.is_terminal and not console.is_dumb_terminal:
            return displays.enter_context(LiveProgress(console))
    return ManyProgress(sys.stderr) if are_many else PlainProgress(sys.stderr)


def _silence(event: events.Event) -> None:
    """Hear an event, so that the library does not log it, and say nothing."""
