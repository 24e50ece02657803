"""The rows of the live display: what is under way, and one line of it."""

from __future__ import annotations

from collections import deque
from dataclasses import field

from rich.console import OverflowMethod, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imagebuilders import events
from imagebuilders.humanize import duration
from imagebuilders.lazy_dataclass import dataclass

TAIL = 6
"""Lines of a running step's output that are shown; fewer of each when several steps run."""


@dataclass
class Row:
    """Something that is under way: a step, a transfer, a push."""

    title: str
    started: float
    amount: str = ""
    part: tuple[int, int] | None = None
    cached: bool = False
    is_step: bool = False
    step_id: str = ""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    parts: dict[str, events.StepProgress] = field(default_factory=dict)
    layers: dict[str, events.LayerProgress] = field(default_factory=dict)


def grid(mark: RenderableType, row: Row, now: float | None, cut: OverflowMethod) -> RenderableType:
    """Lay out one line: mark, title, bar, amount, time."""
    line = Table.grid(expand=True, padding=(0, 1, 0, 0))
    line.add_column(width=1)
    line.add_column(ratio=1, no_wrap=True, overflow=cut)
    cells: list[RenderableType] = [mark, Text(row.title)]
    if row.part is not None:
        line.add_column(width=20)
        completed, total = row.part
        cells.append(ProgressBar(total=total, completed=min(completed, total), width=20))
    if row.amount:
        line.add_column(justify="right", no_wrap=True, min_width=8)
        cells.append(Text(row.amount, style="dim"))
    if row.cached:
        line.add_column(justify="right", no_wrap=True)
        cells.append(Text("cached", style="cyan"))
    elif now is not None:
        line.add_column(justify="right", no_wrap=True, min_width=6)
        cells.append(Text(duration(now - row.started), style="dim"))
    line.add_row(*cells)
    return line
