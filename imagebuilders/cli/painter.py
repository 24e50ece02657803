"""Draws the moving part of a display below the lines that stand, again and again.

Each frame is one write: the cursor goes up over the last frame, every line is written over the old
one and its rest erased, so that nothing is empty in between. Terminals that can hold a frame back
until it is whole are asked to ("synchronized output"). While a frame is written lines do not wrap;
when the terminal has become narrower, it is reckoned how many rows it has made of the old frame.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

_BEGIN, _END = "\x1b[?2026h\x1b[?7l", "\x1b[?7h\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_ERASE_RIGHT, _ERASE_BELOW = "\x1b[K", "\x1b[J"


class Painter:
    """Draws frames at a terminal.

    Args:
        console: the terminal.
        frame: returns the lines of a frame.
        seconds: between two frames.
    """

    def __init__(
        self, console: Console, frame: Callable[[], Sequence[RenderableType]], seconds: float
    ) -> None:
        self._console = console
        self._frame = frame
        self._seconds = seconds
        self._drawn: list[int] = []
        """The width of each line of the last frame."""
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_hidden = False

    def start(self) -> None:
        """Begin to draw; the cursor is there again when this is interrupted."""
        # Ctrl-C may break off any line of Python, those of `stop` and of its callers too.
        atexit.register(self._show)
        try:
            self._is_hidden = True
            self._write(_HIDE)
            thread = threading.Thread(target=self._run, name="imagebuilders display", daemon=True)
            thread.start()
            self._thread = thread
        except BaseException:
            self._stop.set()
            self._show()
            raise

    def stop(self) -> None:
        """Take the last frame away, and show the cursor."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            with self._lock:
                self._write(f"{self._to_top()}{_ERASE_BELOW}{_SHOW}")
                self._is_hidden = False
                self._drawn = []
        atexit.unregister(self._show)

    def _show(self) -> None:
        """Show the cursor if it is not there."""
        if self._is_hidden:
            with suppress(OSError, ValueError):  # the terminal may be gone
                self._write(_SHOW)
            self._is_hidden = False

    def print(self, lines: Sequence[RenderableType]) -> None:
        """Let lines stand from now on, above the frame."""
        if not lines:
            return
        with self._lock:
            if self._thread is None:
                for line in lines:
                    self._console.print(line)
            else:
                self._paint(lines)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            with self._lock:
                self._paint()

    def _paint(self, above: Sequence[RenderableType] = ()) -> None:
        standing = self._rendered(above)
        frame = self._rendered(self._frame())[: max(1, self._console.height - 1)]
        text = "".join(f"{line}{_ERASE_RIGHT}\r\n" for line in [*standing, *frame])
        self._write(f"{_BEGIN}{self._to_top()}{text}{_ERASE_BELOW}{_END}")
        self._drawn = [cell_len(Text.from_ansi(line).plain.rstrip()) for line in frame]

    def _rendered(self, lines: Sequence[RenderableType]) -> list[str]:
        with self._console.capture() as captured:
            for line in lines:
                self._console.print(line)
        return captured.get().splitlines()

    def _to_top(self) -> str:
        """Return what moves the cursor to the first row of the last frame."""
        width = max(1, self._console.width)
        rows = sum(max(1, -(-drawn // width)) for drawn in self._drawn)
        rows = min(rows, self._console.height - 1)
        return f"\r\x1b[{rows}A" if rows > 0 else "\r"

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()
