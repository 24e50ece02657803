"""Frames that are drawn over one another."""

from __future__ import annotations

import io
import re

import pytest
from pytest_mock import MockerFixture
from rich.console import Console, ConsoleDimensions

from imagebuilders.cli.painter import Painter


class _Written(io.StringIO):
    """A terminal's input, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        if text:
            self.writes.append(text)
        return len(text)


class _Screen:
    """A painter whose frames are drawn when the test says so."""

    def __init__(self) -> None:
        self.file = _Written()
        self.console = Console(
            file=self.file, force_terminal=True, width=40, height=10, color_system=None, _environ={}
        )
        self.frame: list[str] = ["one", "two"]
        self.painter = Painter(self.console, lambda: self.frame, 3600.0)

    def __enter__(self) -> _Screen:
        self.painter.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.painter.stop()

    def printed(self, text: str) -> str:
        """Let a line stand; return the one write that this is."""
        self.file.writes.clear()
        self.painter.print([text])
        (write,) = self.file.writes
        return write


def _ups(text: str) -> int:
    return sum(int(found) for found in re.findall(r"\x1b\[(\d+)A", text))


def test_a_frame_is_one_write_over_the_last_one() -> None:
    """Lines are written over the old ones; nothing is erased before it is drawn anew."""
    with _Screen() as screen:
        first = screen.printed("stands")
        assert _ups(first) == 0
        assert [part for part in re.split(r"\x1b\[\??\d*[a-zA-Z]|\r\n|\r", first) if part] == [
            *("stands", "one", "two")
        ]
        second = screen.printed("again")
        assert _ups(second) == 2
        assert second.index("two") < second.index("\x1b[J")
        assert second.startswith("\x1b[?2026h\x1b[?7l")
        assert second.endswith("\x1b[?7h\x1b[?2026l")


def test_a_narrower_terminal_has_wrapped_the_old_frame() -> None:
    """Its rows are reckoned with the new width."""
    with _Screen() as screen:
        screen.frame = ["x" * 30, "y"]
        screen.printed("a")
        screen.console.size = ConsoleDimensions(20, 10)
        assert _ups(screen.printed("b")) == 3
        screen.console.size = ConsoleDimensions(20, 3)
        screen.frame = ["z"] * 9
        written = screen.printed("c")
        assert _ups(written) == 2
        assert written.count("z") == 2


def test_the_end_takes_the_frame_away() -> None:
    """And shows the cursor, however often it is told to end."""
    screen = _Screen()
    with screen:
        screen.printed("a")
    end = screen.file.writes[-1]
    assert _ups(end) == 2
    assert "\x1b[J" in end
    assert end.endswith("\x1b[?25h")
    screen.file.writes.clear()
    screen.painter.stop()
    assert screen.file.writes == []


def test_frames_come_by_themselves() -> None:
    """At the interval that was given."""
    screen = _Screen()
    painter = Painter(screen.console, lambda: ["frame"], 0.001)
    painter.start()
    while not any("frame" in text for text in screen.file.writes):
        pass
    painter.stop()


def test_nothing_to_print_writes_nothing() -> None:
    """Also where no frame is drawn yet."""
    screen = _Screen()
    screen.painter.print([])
    assert screen.file.writes == []


def test_an_interrupted_beginning_shows_the_cursor(mocker: MockerFixture) -> None:
    """Ctrl-C may come before the first frame."""
    screen = _Screen()
    mocker.patch("imagebuilders.cli.painter.threading.Thread", side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        screen.painter.start()
    assert screen.file.writes == ["\x1b[?25l", "\x1b[?25h"]


def test_an_interrupted_end_leaves_the_cursor_to_the_process_s_end(mocker: MockerFixture) -> None:
    """Ctrl-C may come while the last frame is taken away; the interpreter shows the cursor then."""
    registered = mocker.patch("imagebuilders.cli.painter.atexit.register")
    unregistered = mocker.patch("imagebuilders.cli.painter.atexit.unregister")
    screen = _Screen()
    screen.painter.start()
    (at_end,) = registered.call_args.args
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen.painter, "_to_top", mocker.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            screen.painter.stop()
    unregistered.assert_not_called()
    mocker.stopall()
    at_end()
    assert screen.file.writes[-1] == "\x1b[?25h"
    at_end()
    assert screen.file.writes.count("\x1b[?25h") == 1


def test_an_end_in_peace_leaves_nothing_to_do(mocker: MockerFixture) -> None:
    """Nothing is kept until the process ends."""
    registered = mocker.patch("imagebuilders.cli.painter.atexit.register")
    unregistered = mocker.patch("imagebuilders.cli.painter.atexit.unregister")
    with _Screen():
        pass
    assert registered.call_args == unregistered.call_args
