"""Which of the three progress displays a command uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout

from imagebuilders import events
from imagebuilders.cli.output import log_warnings, supports_cursor
from imagebuilders.cli.progress_json import JsonProgress
from imagebuilders.cli.progress_plain import PlainProgress


@contextmanager
def progress(*, quiet: bool = False, as_json: bool = False) -> Iterator[None]:
    """Show what happens inside the `with` block.

    JSON goes to stdout. For people, stderr gets a live display when it is a
    terminal, else plain lines. Warnings of the library's log are shown as notices.
    What a third party's builder prints goes to stderr: on stdout it would be part of the result.

    Args:
        quiet: show nothing.
        as_json: write JSON.
    """
    with ExitStack() as displays:
        if quiet:
            listener: events.Listener = _silence
        else:
            listener = JsonProgress(sys.stdout) if as_json else _for_people(displays)
        displays.enter_context(log_warnings(lambda text: listener(events.Notice(text))))
        displays.enter_context(events.listen(listener))
        displays.enter_context(redirect_stdout(sys.stderr))
        yield


def _for_people(displays: ExitStack) -> events.Listener:
    if supports_cursor(sys.stderr):
        from rich.console import Console

        from imagebuilders.cli.progress_live import LiveProgress

        console = Console(stderr=True, highlight=False)
        if console.is_terminal and not console.is_dumb_terminal:
            return displays.enter_context(LiveProgress(console))
    return PlainProgress(sys.stderr)


def _silence(event: events.Event) -> None:
    """Hear an event, so that the library does not log it, and say nothing."""
