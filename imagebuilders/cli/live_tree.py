"""The moving part of the live display: what runs, as a tree that fits the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from rich.console import OverflowMethod, RenderableType
from rich.text import Text

from imagebuilders import events
from imagebuilders.cli.live_rows import NARROW, TAIL, Row, grid
from imagebuilders.humanize import duration, size
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sanitize import printable

_LAYERS = 8
"""Layers of a step that are shown at once."""
_SETTLED = ("pushed", "exists", "mounted", "complete")
"""Words in an engine's status of a layer that there is no more waiting for."""


@dataclass(frozen=True)
class Guides:
    """The branches of a tree.

    Attributes:
        inner: leads to a row that others follow.
        last: leads to the last row.
        below: stands before what belongs to an inner row.
    """

    inner: str = "├─"
    last: str = "└─"
    below: str = "│ "


ASCII_GUIDES = Guides("|-", "`-", "| ")


@dataclass(frozen=True)
class LiveTree:
    """Draws rows.

    Attributes:
        width, height: the terminal's columns and lines.
        now: the time in seconds.
        spinner: stands before what runs.
        cut: how what is too long is cut.
        guides: the branches.
    """

    width: int
    height: int
    now: float
    spinner: RenderableType
    cut: OverflowMethod = "ellipsis"
    guides: Guides = Guides()

    def draw(self, rows: Sequence[Row], summary: str) -> list[RenderableType]:
        """Return the lines: never more than the terminal has, its last one left free.

        Args:
            rows: what is under way.
            summary: what it comes to so far; empty to leave it out.
        """
        if not rows:
            return []
        rows = sorted(rows, key=lambda row: row.is_step)  # transfers first: they are few
        room = max(1, self.height - 1 - bool(summary))
        shown = rows if len(rows) <= room else rows[: max(1, room - 1)]
        hidden = len(rows) - len(shown)
        left = room - len(shown) - bool(hidden)
        steps = sum(row.is_step for row in rows)
        tail = max(1, TAIL // max(1, steps))
        drawn: list[RenderableType] = []
        for number, row in enumerate(shown):
            # Each row may have its part of what is left, and what those before it did not need.
            share = left // (len(shown) - number)
            children = self._children(row, tail, share, is_last=number == len(rows) - 1)
            left -= len(children)
            drawn.append(self._head(row, is_alone=len(rows) == 1, is_last=number == len(rows) - 1))
            drawn += children
        if hidden and room > 1:
            drawn.append(self._dim(f"{self.guides.last} and {hidden} more"))
        if summary and self.height > len(drawn) + 1:
            drawn.append(self._dim(f"  {summary}"))
        return drawn

    def _head(self, row: Row, *, is_alone: bool, is_last: bool) -> RenderableType:
        guide = "" if is_alone else self.guides.last if is_last else self.guides.inner
        return grid(self.spinner, row, self.now, self.cut, width=self.width, guide=guide)

    def _children(self, row: Row, tail: int, share: int, *, is_last: bool) -> list[RenderableType]:
        before = "   " if is_last else f"{self.guides.below} "
        lines = [self._dim(f"{before} {line}") for line in list(row.output)[-tail:]]
        parts: list[events.LayerProgress | events.StepProgress] = []
        parts += [*row.parts.values(), *_waiting(row.layers.values())]
        most = min(_LAYERS, share - len(lines)) if len(parts) > _LAYERS + 1 else len(parts)
        told = [self._part(row, part, before) for part in parts[: max(0, most)]]
        if len(told) < len(parts):
            more = len(parts) - len(told)
            told.append(self._dim(f"{before} and {more} more layer{'' if more == 1 else 's'}"))
        return list(chain(lines, told))[:share]

    def _part(
        self, row: Row, part: events.LayerProgress | events.StepProgress, before: str
    ) -> RenderableType:
        if isinstance(part, events.StepProgress):
            key, name = part.name, part.name
        else:
            key, name = part.layer, f"{part.layer} {part.status}"
        shown = Row(printable(name), 0.0)
        if part.current:
            transfer = row.note(key, self.now, part.current)
            told = transfer.told(self.now, part.current, part.total)
            shown.amount = told if self.width >= NARROW else size(part.current)
        if part.total:
            shown.part = (part.current, part.total)
        return grid(Text(" "), shown, None, self.cut, width=self.width, guide=before)

    def _dim(self, text: str) -> Text:
        return Text(text, style="dim", no_wrap=True, overflow=self.cut)


def _waiting(layers: Iterable[events.LayerProgress]) -> list[events.LayerProgress]:
    return [layer for layer in layers if not any(word in layer.status.lower() for word in _SETTLED)]


def summary_line(seconds: float, done: int, known: int) -> str:
    """Return what a build comes to so far, as in `12.3s, 5 of 62 steps`."""
    return f"{duration(seconds)}{f', {done} of {known} steps' if known else ''}"
