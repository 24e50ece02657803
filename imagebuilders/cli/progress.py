"""Which of the three progress displays a command uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from imagebuilders import events
from imagebuilders.cli.output import is_steerable, log_warnings
from imagebuilders.cli.progress_json import JsonProgress
from imagebuilders.cli.progress_plain import PlainProgress


@contextmanager
def progress(*, quiet: bool = False, as_json: bool = False) -> Iterator[None]:
    """Show what happens inside the `with` block.

    JSON goes to stdout. For people, stderr gets a live display when it is a
    terminal, else plain lines. Warnings of the library's log are shown as notices.

    Args:
        quiet: show nothing.
        as_json: write JSON.
    """
    if quiet:
        with events.listen(_silence), log_warnings(lambda _: None):
            yield
        return
    with ExitStack() as displays:
        listener = JsonProgress(sys.stdout) if as_json else _for_people(displays)
        displays.enter_context(log_warnings(lambda text: listener(events.Notice(text))))
        displays.enter_context(events.listen(listener))
        yield


def _for_people(displays: ExitStack) -> events.Listener:
    if is_steerable(sys.stderr):
        from rich.console import Console

        from imagebuilders.cli.progress_live import LiveProgress

        console = Console(stderr=True, highlight=False)
        if console.is_terminal and not console.is_dumb_terminal:
            return displays.enter_context(LiveProgress(console))
    return PlainProgress(sys.stderr)


def _silence(event: events.Event) -> None:
    """Hear an event, so that the library does not log it, and say nothing."""
