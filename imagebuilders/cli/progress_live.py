"""Progress on a terminal: what is done stands still, what runs is redrawn below it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from imagebuilders import events
from imagebuilders.cli.printable import output_line, printable, printable_lines
from imagebuilders.cli.quantities import duration, size

_TAIL = 6
"""Lines of a running step's output that are shown."""
_LAYERS = 8
"""Layers that are shown at once."""
_FRAMES_PER_SECOND = 8
_SETTLED = ("pushed", "exists", "mounted", "complete")
"""Words in an engine's status of a layer that there is no more waiting for."""


@dataclass
class _Running:
    """Something that is under way."""

    title: str
    started: float
    amount: str = ""
    part: tuple[int, int] | None = None
    cached: bool = False
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))


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
        self._running: dict[str, _Running] = {}
        self._layers: dict[str, events.LayerProgress] = {}
        # Guards the state against the drawing thread. Never held while printing: the
        # console has a lock of its own, which the drawing thread holds when it asks for this.
        self._lock = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._drawing,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, exception_type: object, *exception: object) -> None:
        """Take the moving part away; what was running when an error came is marked so."""
        with self._lock:
            lines = [
                self._line(self._marks[1], "red", row)
                for row in self._running.values()
                if exception_type is not None
            ]
            self._running.clear()
            self._layers.clear()
        self._print(lines)
        self._live.stop()

    def __call__(self, event: events.Event) -> None:
        """Take note of one event."""
        with self._lock:
            lines = self._note(event)
        self._print(lines)

    def _print(self, lines: list[RenderableType]) -> None:
        for line in lines:
            self._console.print(self._inset(line))

    def _inset(self, lines: RenderableType) -> RenderableType:
        """Leave room at the right: a full line would be wrapped by the `^C` that Ctrl-C types."""
        return Constrain(lines, self._console.width - 3)

    # --- what events change ----------------------------------------------------

    def _note(self, event: events.Event) -> list[RenderableType]:
        """Change the state; give the lines that stand from now on."""
        if isinstance(event, events.BuildStarted):
            title = f"{printable(event.image_name)} with {printable(event.engine)}"
            return [Text(f"Building {title}", style="bold")]
        if isinstance(event, events.ContextProgress):
            return self._transfer("context", event.bytes_sent, 0, event.done)
        if isinstance(event, events.UploadProgress):
            title = f"upload to {printable(event.path)}"
            return self._transfer(title, event.bytes_sent, event.total, event.done)
        if isinstance(event, events.StepStarted):
            lines = self._finish("step")
            self._running["step"] = _Running(_title(event), self._clock())
            return lines
        if isinstance(event, events.StepCached):
            if "step" in self._running:
                self._running["step"].cached = True
            return []
        if isinstance(event, events.StepOutput):
            return self._output(event)
        if isinstance(event, events.ImageBuilt):
            return self._finish("step")
        if isinstance(event, events.LayerProgress):
            self._layers[event.layer] = event
            if not {"step", "push"} & self._running.keys():  # a step's layers are pulled
                self._running["push"] = _Running("push", self._clock())
            return []
        if isinstance(event, events.ImagePushed):
            if "push" in self._running:
                count = len(self._layers)
                self._running["push"].amount = f"{count} layer{'' if count == 1 else 's'}"
            return self._finish("push")
        return [Text(f"{self._marks[2]} {printable_lines(event.message)}", style="yellow")]

    def _transfer(self, title: str, sent: int, total: int, done: bool) -> list[RenderableType]:
        row = self._running.setdefault(title, _Running(title, self._clock()))
        row.amount = size(sent)
        row.part = (sent, total) if total else None
        return self._finish(title) if done else []

    def _output(self, event: events.StepOutput) -> list[RenderableType]:
        # The engine's own lines (number 0) are layer IDs and the like: noise to a person.
        if event.number and "step" in self._running:
            lines = map(output_line, event.line.splitlines())
            self._running["step"].output.extend(line for line in lines if line)
        return []

    def _finish(self, key: str) -> list[RenderableType]:
        row = self._running.pop(key, None)
        if key in ("step", "push"):
            self._layers.clear()
        return [] if row is None else [self._line(self._marks[0], "green", row)]

    # --- how it looks ----------------------------------------------------------

    def _line(self, mark: str, style: str, row: _Running) -> RenderableType:
        return _grid(Text(mark, style=style), row, self._clock(), self._cut)

    def _drawing(self) -> RenderableType:
        with self._lock:
            now = self._clock()
            parts: list[RenderableType] = []
            for row in self._running.values():
                parts.append(_grid(self._spinner, row, now, self._cut))
                parts += [
                    Text(f"    {line}", style="dim", no_wrap=True, overflow=self._cut)
                    for line in row.output
                ]
            return self._inset(Group(*parts, *self._drawn_layers()))

    def _drawn_layers(self) -> list[RenderableType]:
        waiting = [
            layer
            for layer in self._layers.values()
            if not any(word in layer.status.lower() for word in _SETTLED)
        ]
        drawn: list[RenderableType] = []
        shown = waiting if len(waiting) <= _LAYERS + 1 else waiting[:_LAYERS]
        for layer in shown:
            row = _Running(f"  {printable(layer.layer)} {printable(layer.status)}", 0.0)
            if layer.current:
                row.amount = size(layer.current)
            if layer.total:
                row.part = (layer.current, layer.total)
            drawn.append(_grid(Text(" "), row, None, self._cut))
        if len(waiting) > len(shown):
            drawn.append(Text(f"    and {len(waiting) - len(shown)} more layers", style="dim"))
        return drawn


def _title(step: events.StepStarted) -> str:
    number = f"[{step.number}/{step.total}]" if step.total else f"[{step.number}]"
    return f"{number} {printable(' '.join(step.instruction.split()))}"


def _grid(
    mark: RenderableType, row: _Running, now: float | None, cut: OverflowMethod
) -> RenderableType:
    """Lay out one line: mark, title, bar, amount, time."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(ratio=1, no_wrap=True, overflow=cut)
    cells: list[RenderableType] = [mark, Text(row.title)]
    if row.part is not None:
        grid.add_column(width=20)
        completed, total = row.part
        cells.append(ProgressBar(total=total, completed=min(completed, total), width=20))
    if row.amount:
        grid.add_column(justify="right", no_wrap=True, min_width=8)
        cells.append(Text(row.amount, style="dim"))
    if row.cached:
        grid.add_column(justify="right", no_wrap=True)
        cells.append(Text("cached", style="cyan"))
    elif now is not None:
        grid.add_column(justify="right", no_wrap=True, min_width=6)
        cells.append(Text(duration(now - row.started), style="dim"))
    grid.add_row(*cells)
    return grid
