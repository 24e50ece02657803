"""The live progress of a recorded build, drawn by the command's own display."""

from __future__ import annotations

import io
import json
import math

from rich.console import Console, RenderableType

from docs.pictures.record import RECORD
from docs.pictures.terminal import Screen, terminal_svg
from imagebuilders.cli.progress_live import LiveProgress
from imagebuilders.event_records import event_of
from imagebuilders.events import BuildFinished, Event, ImagePushed

COLUMNS, ROWS = 88, 14
_FRAMES_PER_SECOND = 5
_COMMAND = "\x1b[32m$\x1b[0m imagebuilders build . -t localhost:5000/shop:1.4 --push"


class _Terminal:
    """A display whose clock stands at the moment of the record that is shown."""

    def __init__(self) -> None:
        self.now = 0.0
        self._console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system="truecolor",
            width=COLUMNS,
            height=ROWS,
            highlight=False,
            get_time=self.time,
            _environ={},
        )
        self._progress = LiveProgress(self._console, clock=self.time)
        self._standing = [_COMMAND]

    def time(self) -> float:
        return self.now

    def tell(self, event: Event) -> None:
        with self._console.capture() as captured:
            self._progress(event)
        self._standing += captured.get().splitlines()
        if isinstance(event, ImagePushed):
            self._result = event.reference

    def screen(self) -> Screen:
        moving = self._lines(self._progress.frame())
        return Screen(tuple([*self._standing, *moving][-ROWS:]), self.now)

    def last_screen(self) -> Screen:
        lines = [*self._standing, self._result]
        cut = [line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…" for line in lines[-1:]]
        return Screen(tuple([*lines[:-1], *cut][-ROWS:]), self.now)

    def _lines(self, renderables: list[RenderableType]) -> list[str]:
        with self._console.capture() as captured:
            for each in renderables:
                self._console.print(each)
        return captured.get().splitlines()


def live_build_svg() -> str:
    """Return the picture."""
    events = _recorded()
    terminal = _Terminal()
    screens = [Screen((_COMMAND,))]
    for number in range(math.ceil(events[-1][1] * _FRAMES_PER_SECOND) + 1):
        moment = number / _FRAMES_PER_SECOND
        while events and events[0][1] <= moment:
            event, terminal.now = events.pop(0)
            terminal.tell(event)
            if isinstance(event, BuildFinished):
                break
        terminal.now = moment
        screen = terminal.screen()
        if screen.lines != screens[-1].lines:
            screens.append(screen)
    screens.append(terminal.last_screen())
    return terminal_svg(
        screens,
        title="imagebuilders build",
        description="A build of three stages on Docker Engine 28.5: two of them run side by side, "
        "each with its last lines of output, then the image is pushed and its digest printed.",
        columns=COLUMNS,
        hold=5,
    )


def _recorded() -> list[tuple[Event, float]]:
    """Return the events, each with its seconds since the first step began."""
    told = [event_of(json.loads(line)) for line in RECORD.read_text().splitlines()]
    events = [each for each in told if each is not None]
    began = events[1][1] - 0.4
    return [(event, max(0.2, moment - began)) for event, moment in events]
