"""The rows of the live display: what is under way, and one line of it."""

from __future__ import annotations

from collections import deque
from dataclasses import field

from rich.console import OverflowMethod, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imagebuilders import events
from imagebuilders.humanize import duration, size
from imagebuilders.lazy_dataclass import dataclass

TAIL = 6
"""Lines of a running step's output that are shown; fewer of each when several steps run."""

NARROW = 60
"""A terminal of fewer columns has no room for bars."""

_RATE_SECONDS = 1.0
"""So long a transfer runs before its rate means something."""


@dataclass(frozen=True)
class Transfer:
    """A transfer as it was when it was first heard of, from which its rate is told.

    Attributes:
        began: when, in seconds.
        first: how many bytes had been sent by then.
    """

    began: float
    first: int = 0

    def told(self, now: float, current: int, total: int) -> str:
        """Return how much was sent, at which rate, and how long it will go on.

        Args:
            now: the time in seconds.
            current: bytes that were sent.
            total: bytes that there are; 0 when unknown.
        """
        parts = [size(current)]
        seconds, sent = now - self.began, current - self.first
        if seconds >= _RATE_SECONDS and sent > 0:
            rate = sent / seconds
            parts.append(f"{size(round(rate))}/s")
            if total > current:
                parts.append(f"{duration((total - current) / rate)} left")
        return ", ".join(parts)


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
    transfers: dict[str, Transfer] = field(default_factory=dict)

    def note(self, name: str, now: float, current: int) -> Transfer:
        """Remember when a transfer was first heard of, and return that."""
        return self.transfers.setdefault(name, Transfer(now, current))


def grid(
    mark: RenderableType,
    row: Row,
    now: float | None,
    cut: OverflowMethod,
    *,
    width: int = 80,
    guide: str = "",
) -> RenderableType:
    """Lay out one line: guide, mark, title, bar, amount, time.

    Args:
        mark: stands before the title.
        row: what the line is about.
        now: the time, if how long it takes is to be shown.
        cut: how what is too long is cut.
        width: columns that the terminal has.
        guide: the branch of a tree that leads to the line.
    """
    line = Table.grid(expand=True, padding=(0, 1, 0, 0))
    cells: list[RenderableType] = []
    if guide:
        line.add_column(width=len(guide), no_wrap=True)
        cells.append(Text(guide, style="dim"))
    line.add_column(width=1)
    line.add_column(ratio=1, no_wrap=True, overflow=cut)
    cells += [mark, Text(row.title)]
    if row.part is not None and width >= NARROW:
        line.add_column(width=min(20, width // 5))
        completed, total = row.part
        cells.append(ProgressBar(total=total, completed=min(completed, total)))
    if row.amount:
        line.add_column(justify="right", no_wrap=True, min_width=8 if width >= NARROW else 0)
        cells.append(Text(row.amount, style="dim"))
    if row.cached:
        line.add_column(justify="right", no_wrap=True)
        cells.append(Text("cached", style="cyan"))
    elif now is not None:
        line.add_column(justify="right", no_wrap=True, min_width=6 if width >= NARROW else 0)
        cells.append(Text(duration(now - row.started), style="dim"))
    line.add_row(*cells)
    return line
