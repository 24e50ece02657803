"""Progress on a terminal: what is done stands still, what runs is redrawn below it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from rich.console import Console, OverflowMethod, RenderableType
from rich.constrain import Constrain
from rich.spinner import Spinner
from rich.text import Text

from imagebuilders import events
from imagebuilders.cli.live_rows import NARROW, Row, grid
from imagebuilders.cli.live_tree import ASCII_GUIDES, Guides, LiveTree, summary_line
from imagebuilders.cli.painter import Painter
from imagebuilders.cli.progress_steps import (
    HeldEnds,
    StepEvent,
    miss_text,
    notice_text,
    short_code,
    shown_image,
    step_key,
    step_number,
    summary,
)
from imagebuilders.humanize import size
from imagebuilders.sanitize import output_line, printable, printable_lines

_FRAME_SECONDS = 0.125
_PUSH = "push"


class LiveProgress:
    """A listener that shows a build as it runs; use it as a context manager."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a display.

        Args:
            console: the terminal.
            clock: gives the time in seconds.
        """
        self._console = console
        self._clock = clock
        plain = console.options.ascii_only
        self._spinner = Spinner("line" if plain else "dots", style="cyan")
        self._marks = ("+", "x", "!") if plain else ("✓", "✗", "!")
        self._cut: OverflowMethod = "crop" if plain else "ellipsis"
        self._rows: dict[str, Row] = {}
        self._held = HeldEnds()
        self._began: float | None = None
        self._steps: dict[str, bool] = {}
        """The steps of the Dockerfile that are known, each with whether it is done."""
        # Guards the state against the drawing thread. Never held while printing: the painter
        # has a lock of its own, which the drawing thread holds when it asks for this.
        self._lock = threading.Lock()
        self._guides = ASCII_GUIDES if plain else Guides()
        self._painter = Painter(console, self.frame, _FRAME_SECONDS)

    def __enter__(self) -> LiveProgress:
        self._painter.start()
        return self

    def __exit__(self, exception_type: object, *exception: object) -> None:
        """Take the moving part away; what was running when an error came is marked so."""
        with self._lock:
            lines = self._finish_held()
            lines += [
                self._line(self._marks[1], "red", row)
                for row in self._shown_rows()
                if exception_type is not None
            ]
            self._rows.clear()
        self._print(lines)
        self._painter.stop()

    def __call__(self, event: events.Event) -> None:
        """Take note of one event."""
        with self._lock:
            lines = self._note(event)
        self._print(lines)

    def _print(self, lines: list[RenderableType]) -> None:
        self._painter.print([self._inset(line) for line in lines])

    def _inset(self, lines: RenderableType) -> RenderableType:
        """Leave room at the right: a full line would be wrapped by the `^C` that Ctrl-C types."""
        return Constrain(lines, self._console.width - 3)

    # --- what events change ----------------------------------------------------

    def _note(self, event: events.Event) -> list[RenderableType]:
        """Change the state; give the lines that stand from now on."""
        match event:
            case events.BuildStarted():
                self._began = self._clock()
                self._steps.clear()
                title = f"{shown_image(event.image_name)} with {printable(event.engine)}"
                return [Text(f"Building {title}", style="bold")]
            case events.ContextProgress():
                return self._transfer(
                    printable(event.name), event.bytes_sent, event.total, event.done
                )
            case events.UploadProgress():
                title = f"upload to {printable(event.path)}"
                return self._transfer(title, event.bytes_sent, event.total, event.done)
            case events.StepAdded() if event.number:
                self._steps.setdefault(step_key(event), False)
            case events.StepStarted():
                return self._start(event)
            case events.StepFinished():
                return [] if self._held.hold(event) else self._finish(event)
            case events.StepCached() | events.StepOutput() | events.StepProgress():
                self._change(event)
            case events.LayerProgress():
                row = self._row_of_layer(event)
                row.layers[event.layer] = event
                row.note(event.layer, self._clock(), event.current)
            case events.ImageBuilt():
                lines = self._finish_held()
                return lines + self._end([key for key, row in self._rows.items() if row.is_step])
            case events.BuildFinished():
                self._began = None
                text = f"Finished {summary(event)}"
                return [*self._finish_held(), Text(text, style="bold")]
            case events.ImagePushed():
                return self._end_push()
            case events.CacheMissed():
                return [*self._finish_held(), Text(f"  {miss_text(event)}")]
            case events.BuildSkipped():
                text = printable(f"Skipped {event.image_name}: unchanged {event.reference}")
                return [Text(text, style="bold")]
            case events.Notice():
                text = f"{self._marks[2]} {printable_lines(notice_text(event))}"
                return [Text(text, style="yellow")]
            case _:
                pass  # a step that waits is shown when it starts
        return []

    def _transfer(self, title: str, sent: int, total: int, done: bool) -> list[RenderableType]:
        now = self._clock()
        row = self._rows.setdefault(title, Row(title, now))
        told = row.note("", now, sent).told(now, sent, total)
        row.amount = told if self._console.width >= NARROW and not done else size(sent)
        row.part = (sent, total) if total else None
        return self._end([title]) if done else []

    def _start(self, event: events.StepStarted) -> list[RenderableType]:
        if self._held.go_on(event):
            return []
        released = self._finish_all(self._held.release(event.inputs))
        if event.number:
            self._steps[step_key(event)] = False
        ended = []
        if not event.step_id:  # such a builder does one step after another
            ended = [key for key, row in self._rows.items() if row.is_step and not row.step_id]
        lines = released + self._end(ended)
        title = f"{step_number(event)} {printable(short_code(event.instruction))}".lstrip()
        row = Row(title, self._clock(), is_step=True, step_id=event.step_id)
        self._rows[_key(event)] = row
        return lines

    def _change(self, event: events.StepCached | events.StepOutput | events.StepProgress) -> None:
        row = self._rows.get(_key(event))
        if row is None:
            return
        match event:
            case events.StepCached():
                row.cached = True
            case events.StepProgress() if event.done:
                row.parts.pop(event.name, None)
            case events.StepProgress():
                row.parts[event.name] = event
                row.note(event.name, self._clock(), event.current)
            case events.StepOutput():
                lines = map(output_line, event.line.splitlines())
                row.output.extend(line for line in lines if line)

    def _finish(self, event: events.StepFinished) -> list[RenderableType]:
        row = self._rows.pop(_key(event), None)
        if row is None:
            return []
        if step_key(event) in self._steps:
            self._steps[step_key(event)] = True
        row.cached = row.cached or event.cached
        if event.started_at is not None and event.ended_at is not None:
            row.started = self._clock() - max(0.0, event.ended_at - event.started_at)
        if event.error:
            return [self._line(self._marks[1], "red", row)]
        return [self._line(self._marks[0], "green", row)]

    def _finish_all(self, ended: Iterable[events.StepFinished]) -> list[RenderableType]:
        return [line for event in ended for line in self._finish(event)]

    def _finish_held(self) -> list[RenderableType]:
        """Finish what was held back; of steps that the Dockerfile does not have nothing is said."""
        lines: list[RenderableType] = []
        for event in self._held.release_all():
            if event.number:
                lines += self._finish(event)
            else:
                self._rows.pop(_key(event), None)
        return lines

    def _row_of_layer(self, event: events.LayerProgress) -> Row:
        """Return the step that pulls the layer, or the push."""
        steps = {key: row for key, row in self._rows.items() if row.is_step}
        if event.step_id and (row := steps.get(f"step {event.step_id}")):
            return row
        if steps:  # a builder without ids does one step after another
            return list(steps.values())[-1]
        return self._rows.setdefault(_PUSH, Row(_PUSH, self._clock()))

    def _end_push(self) -> list[RenderableType]:
        row = self._rows.get(_PUSH)
        if row is None:
            return []
        count = len(row.layers)
        row.amount = f"{count} layer{'' if count == 1 else 's'}"
        return self._end([_PUSH])

    def _shown_rows(self) -> list[Row]:
        return [row for row in self._rows.values() if row.step_id not in self._held]

    def _end(self, keys: list[str]) -> list[RenderableType]:
        rows = [self._rows.pop(key) for key in keys]
        return [self._line(self._marks[0], "green", row) for row in rows]

    # --- how it looks ----------------------------------------------------------

    def _line(self, mark: str, style: str, row: Row) -> RenderableType:
        mark_text = Text(mark, style=style)
        return grid(mark_text, row, self._clock(), self._cut, width=self._console.width)

    def frame(self) -> list[RenderableType]:
        """Return the lines that are redrawn, as they are now."""
        with self._lock:
            now = self._clock()
            summary = ""
            if self._began is not None:
                done, known = sum(self._steps.values()), len(self._steps)
                summary = summary_line(now - self._began, done, known)
            console = self._console
            tree = LiveTree(
                console.width, console.height, now, self._spinner, self._cut, self._guides
            )
            return [self._inset(line) for line in tree.draw(self._shown_rows(), summary)]


def _key(event: StepEvent) -> str:
    return f"step {step_key(event)}"
