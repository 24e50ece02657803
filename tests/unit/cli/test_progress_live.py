"""Progress on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console, ConsoleDimensions

from imagebuilders import events
from imagebuilders.cli.progress_live import LiveProgress

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class _Terminal:
    """A terminal of 60 columns: what was printed for good, and what is drawn now."""

    def __init__(self, *, encoding: str = "utf-8") -> None:
        self.raw = io.BytesIO()
        self.clock = _Clock()
        self.console = Console(
            file=io.TextIOWrapper(self.raw, encoding=encoding, write_through=True),
            force_terminal=True,
            width=60,
            height=40,
            color_system=None,
            _environ={},
        )
        self.progress = LiveProgress(self.console, clock=self.clock)

    def standing(self) -> list[str]:
        """The lines that are printed above the moving part."""
        plain = _ESCAPES.sub("", self.raw.getvalue().decode())
        return [line.rstrip() for line in plain.splitlines() if line.strip()]

    def moving(self) -> list[str]:
        """The moving part, as it would be drawn now."""
        with self.console.capture() as captured:
            for line in self.progress.frame():
                self.console.print(line)
        lines = _ESCAPES.sub("", captured.get()).splitlines()
        return [line.rstrip() for line in lines if line.strip()]


@pytest.fixture
def terminal() -> _Terminal:
    """A terminal whose display is not started: nothing draws by itself."""
    return _Terminal()


def words(line: str) -> list[str]:
    """Split a line into its words, leaving out the branch and the spinner."""
    found = line.split()
    while found and not re.search(r"[\[a-z0-9]", found[0]):
        del found[0]
    return found


def test_steps(terminal: _Terminal) -> None:
    """The running step shows its time and last lines; a finished one stays as one line."""
    tell = terminal.progress
    tell(events.BuildStarted("app:1", "an engine"))
    tell(events.StepStarted(1, 2, "FROM scratch"))
    tell(events.StepCached(1))
    tell(events.StepStarted(2, 2, "RUN make \\\n all"))
    for number in range(10):
        tell(events.StepOutput(2, f"line {number}\n"))
    terminal.clock.now = 2.0
    moving = terminal.moving()
    assert words(moving[0]) == ["[2/2]", "RUN", "make", "\\", "all", "2.0s"]
    assert moving[1:7] == [f"    line {number}" for number in range(4, 10)]
    assert moving[7:] == ["  2.0s, 0 of 2 steps"]
    tell(events.ImageBuilt("app:1", "sha256:1"))
    assert terminal.moving() == []
    standing = terminal.standing()
    assert standing[0] == "Building app:1 with an engine"
    assert words(standing[1]) == ["[1/2]", "FROM", "scratch", "cached"]
    assert words(standing[2]) == ["[2/2]", "RUN", "make", "\\", "all", "2.0s"]
    assert standing[2].startswith("✓")


def test_every_line_fits(terminal: _Terminal) -> None:
    """Long instructions, names and output are cut, never wrapped."""
    tell = terminal.progress
    tell(events.StepStarted(1, 0, "RUN " + "x" * 200))
    tell(events.StepOutput(1, "y" * 200))
    tell(events.LayerProgress("z" * 100, "Downloading", 5, 10))
    moving = terminal.moving()
    assert len(moving) == 3
    assert all(len(line) <= 60 for line in moving)
    tell(events.ImageBuilt("app", "id"))
    assert len(terminal.standing()) == 1
    assert "…" in terminal.standing()[0]


def test_context_and_upload(terminal: _Terminal) -> None:
    """Transfers show how much was sent, and how much there is if that is known."""
    tell = terminal.progress
    tell(events.ContextProgress(1_500_000))
    tell(events.UploadProgress("s3://a/b", 500, total=1000))
    context, upload = terminal.moving()
    assert words(context) == ["context", "1.5", "MB", "0.0s"]
    assert "━" in upload
    assert words(upload)[-3:] == ["500", "B", "0.0s"]
    tell(events.ContextProgress(2_000_000, done=True))
    tell(events.UploadProgress("s3://a/b", 1000, total=1000, done=True))
    assert terminal.moving() == []
    assert [words(line)[0] for line in terminal.standing()] == ["context", "upload"]


def test_push(terminal: _Terminal) -> None:
    """A push shows its unfinished layers, the first eight of many, and ends as one line."""
    tell = terminal.progress
    for number in range(12):
        tell(events.LayerProgress(f"layer{number}", "Pushing", number, 100 if number else 0))
    tell(events.LayerProgress("layer0", "Pushed"))
    tell(events.LayerProgress("layer1", "Layer already exists"))
    moving = terminal.moving()
    assert words(moving[0])[0] == "push"
    assert moving[1].split()[:2] == ["layer2", "Pushing"]
    assert len(moving) == 1 + 8 + 1
    assert moving[-1].strip() == "and 2 more layers"
    tell(events.ImagePushed("app@sha256:1"))
    assert terminal.moving() == []
    assert words(terminal.standing()[0]) == ["push", "12", "layers", "0.0s"]


def test_push_without_layers(terminal: _Terminal) -> None:
    """A push of one layer, or one that the engine says nothing of, is no special case."""
    terminal.progress(events.ImagePushed("app@sha256:1"))
    assert terminal.standing() == []
    terminal.progress(events.LayerProgress("a", "Waiting"))
    terminal.progress(events.ImagePushed("app@sha256:1"))
    assert words(terminal.standing()[0]) == ["push", "1", "layer", "0.0s"]


def test_pulled_layers_belong_to_their_step(terminal: _Terminal) -> None:
    """Layers that come while a step runs are being pulled, and vanish with it."""
    tell = terminal.progress
    tell(events.StepStarted(1, 2, "FROM busybox"))
    tell(events.LayerProgress("a", "Downloading", 1, 2))
    assert [line.split()[0] for line in terminal.moving()[1:]] == ["a"]
    tell(events.StepStarted(2, 2, "RUN a"))
    assert len(terminal.moving()) == 1


def test_notices_stand(terminal: _Terminal) -> None:
    """A notice is printed at once, without its escapes."""
    terminal.progress(events.Notice("look [bold]here[/bold]\x1b[2J"))
    assert terminal.standing() == ["! look [bold]here[/bold]"]


def test_lines_that_say_nothing_are_left_out(terminal: _Terminal) -> None:
    """The engine's own lines, empty ones, and those of a step nobody began are not shown."""
    tell = terminal.progress
    tell(events.StepOutput(3, "of a step nobody began"))
    tell(events.StepCached(3))
    tell(events.StepStarted(1, 1, "RUN a"))
    tell(events.StepOutput(0, " ---> 0123456789ab"))
    tell(events.StepOutput(1, "\x1b[1mloud\x1b[0m\n\n"))
    assert [line.strip() for line in terminal.moving()[1:]] == ["loud"]
    assert terminal.standing() == []


def test_failure_marks_what_was_running(terminal: _Terminal) -> None:
    """After an error the step that was running stays, marked, and the cursor is back."""

    def fail() -> None:
        with terminal.progress as progress:
            progress(events.StepStarted(1, 1, "RUN false"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert any(line.startswith("✗ [1/1] RUN false") for line in terminal.standing())
    raw = terminal.raw.getvalue().decode()
    assert raw.rindex("\x1b[?25h") > raw.rindex("\x1b[?25l")


def test_nothing_moving_stays(terminal: _Terminal) -> None:
    """After a good end only the finished lines are on the screen."""
    with terminal.progress as progress:
        progress(events.ContextProgress(10))
    assert not any("✗" in line or "✓" in line for line in terminal.standing())


def test_terminal_that_knows_only_ascii() -> None:
    """Marks have a spelling for terminals without Unicode."""
    terminal = _Terminal(encoding="ascii")
    terminal.progress(events.ContextProgress(10, done=True))
    terminal.progress(events.StepStarted(1, 1, "RUN " + "x" * 100))
    assert len(terminal.moving()) == 1
    terminal.progress(events.ImageBuilt("app", "id"))
    assert [line[:9] for line in terminal.standing()] == ["+ context", "+ [1/1] R"]


def test_steps_that_run_at_a_time(terminal: _Terminal) -> None:
    """Each running step has a row with its own output, parts and layers, until it finishes."""
    tell = terminal.progress
    tell(events.StepAdded(2, 5, "RUN x", step_id="b"))
    tell(events.StepStarted(1, 5, "FROM a", step_id="a"))
    tell(events.StepStarted(2, 5, "RUN x", step_id="b"))
    tell(events.LayerProgress("l1", "Downloading", 1, 2, step_id="a"))
    tell(events.LayerProgress("l2", "Waiting"))
    for number in range(9):
        tell(events.StepOutput(2, f"line {number}", step_id="b"))
    tell(events.StepProgress(2, "download", 3, 4, step_id="b"))
    tell(events.StepProgress(2, "soon done", step_id="b"))
    tell(events.StepProgress(2, "soon done", done=True, step_id="b"))
    names = [" ".join(words(line)[:2]) for line in terminal.moving()]
    assert names[:2] == ["[1/5] FROM", "l1 Downloading"]
    assert names[2:6] == ["[2/5] RUN", "line 6", "line 7", "line 8"]
    assert [name.split()[0] for name in names[6:]] == ["download", "l2"]
    terminal.clock.now = 9.0
    tell(events.StepFinished(1, cached=True, step_id="a"))
    tell(events.StepFinished(2, error="no", step_id="b", started_at=1.0, ended_at=3.5))
    tell(events.StepFinished(3, step_id="nobody began it"))
    assert terminal.moving() == []
    first, second = terminal.standing()
    assert first.startswith("✓ [1/5] FROM a")
    assert first.endswith("cached")
    assert second.startswith("✗ [2/5] RUN x")
    assert second.endswith("2.5s")


def test_the_end_says_what_the_build_comes_to(terminal: _Terminal) -> None:
    """Time, what was cached, and the image's size; then nothing moves."""
    tell = terminal.progress
    tell(events.BuildStarted("app:1", "an engine"))
    tell(events.StepAdded(1, 2, "FROM a", step_id="a"))
    tell(events.StepAdded(2, 2, "RUN b", step_id="b", inputs=("a",)))
    tell(events.StepStarted(1, 2, "FROM a", step_id="a"))
    assert terminal.moving()[-1] == "  0.0s, 0 of 2 steps"
    tell(events.StepFinished(1, step_id="a"))
    tell(events.ImageBuilt("app:1", "sha256:1"))
    tell(events.BuildFinished("app:1", seconds=61, steps=1, cached_steps=1, size=1_500_000))
    assert terminal.moving() == []
    assert terminal.standing()[-1] == "Finished app:1 in 1m01s, 1 of 1 step cached, 1.5 MB"


def test_a_step_that_begins_anew_is_one_line(terminal: _Terminal) -> None:
    """BuildKit looks for its result first, which takes no time, and then does it."""
    tell = terminal.progress
    for step_id, name in (("a", "FROM a"), ("b", "RUN b")):
        tell(events.StepStarted(1, 1, name, step_id=step_id))
        tell(events.StepFinished(1, step_id=step_id, started_at=1.0, ended_at=1.001))
    assert terminal.moving() == []
    tell(events.StepStarted(1, 1, "FROM a", step_id="a"))
    assert len(terminal.moving()) == 1
    tell(events.StepFinished(1, step_id="a", started_at=2.0, ended_at=4.0))
    tell(events.StepStarted(2, 2, "RUN c", step_id="c", inputs=("b",)))
    first, second = terminal.standing()
    assert words(first) == ["[1/1]", "FROM", "a", "2.0s"]
    assert words(second) == ["[1/1]", "RUN", "b", "0.0s"]


def test_what_took_no_time_has_not_failed(terminal: _Terminal) -> None:
    """After an error, only what was running is marked."""

    def fail() -> None:
        with terminal.progress as progress:
            for number, name in ((0, "load metadata"), (1, "FROM a"), (2, "RUN b")):
                progress(events.StepStarted(number, 2, name, step_id=name))
            for number, name in ((0, "load metadata"), (1, "FROM a")):
                progress(events.StepFinished(number, step_id=name, started_at=1.0, ended_at=1.001))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    lines = [line for line in terminal.standing() if line[0] in "✓✗"]
    assert [line.split()[0] + line.split()[2] for line in lines] == ["✓FROM", "✗RUN"]


def test_why_a_step_was_not_cached_stands(terminal: _Terminal) -> None:
    """So does a build that was skipped."""
    terminal.progress(events.CacheMissed(2, "COPY a /a", "file", "a changed", line=3))
    terminal.progress(events.BuildSkipped("r/app:1", "r/app@sha256:1"))
    assert [line.strip() for line in terminal.standing()] == [
        "not cached: line 3, COPY a /a: a changed",
        "Skipped r/app:1: unchanged r/app@sha256:1",
    ]


@pytest.mark.parametrize("height", [2, 3, 5, 12, 24, 50])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_thirty_steps_fit_any_terminal(width: int, height: int) -> None:
    """As a tree that is never taller or wider; what has no room is counted."""
    terminal = _Terminal()
    terminal.console.size = ConsoleDimensions(width, height)
    tell = terminal.progress
    tell(events.BuildStarted("app:1", "an engine"))
    for number in range(30):
        code = f"RUN --mount=type=cache make part-{number}"
        tell(events.StepStarted(1, 2, code, step_id=f"s{number}", stage=f"part{number}"))
        tell(events.StepOutput(1, "compiling\r\n" + "x" * 100, step_id=f"s{number}"))
    tell(events.ContextProgress(5, total=10))
    moving = terminal.moving()
    assert len(moving) < height or len(moving) == 1
    assert all(len(line) <= width for line in moving)
    assert "context" in moving[0]  # transfers stand first
    hidden = [int(line.split()[2]) for line in moving if line.startswith("└─ and ")]
    rows = [line for line in moving if line.startswith(("├─", "└─")) and " and " not in line]
    assert len(rows) + sum(hidden) == 31 or height < 4
    if height == 24:
        assert words(moving[1])[:4] == ["[part0", "1/2]", "RUN", "make"]


def test_rate_and_time_left(terminal: _Terminal) -> None:
    """Of a transfer that has run for a while, and of each layer."""
    tell = terminal.progress
    for now, sent in [(0.0, 1_000_000), (4.0, 9_000_000)]:
        terminal.clock.now = now
        tell(events.ContextProgress(sent, total=29_000_000))
    assert "9.0 MB, 2.0 MB/s, 10.0s left" in terminal.moving()[0]
    terminal.clock.now = 5.0
    tell(events.ContextProgress(29_000_000, total=29_000_000, done=True))
    assert "MB/s" not in terminal.standing()[-1]
    tell(events.StepStarted(1, 1, "FROM a", step_id="a"))
    tell(events.LayerProgress("l1", "Downloading", 0, 8_000_000, step_id="a"))
    terminal.clock.now = 7.0
    tell(events.LayerProgress("l1", "Downloading", 4_000_000, 8_000_000, step_id="a"))
    assert "4.0 MB, 2.0 MB/s, 2.0s left" in terminal.moving()[1]
