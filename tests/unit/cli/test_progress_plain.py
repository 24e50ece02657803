"""Progress as plain lines."""

from __future__ import annotations

import io

import pytest

from imagebuilders import events
from imagebuilders.cli.failures import OutputClosedError
from imagebuilders.cli.progress_plain import PlainProgress


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    """A clock that stands still until it is set."""
    return _Clock()


@pytest.fixture
def stream() -> io.StringIO:
    """Where the lines go."""
    return io.StringIO()


@pytest.fixture
def progress(stream: io.StringIO, clock: _Clock) -> PlainProgress:
    """The listener under test."""
    return PlainProgress(stream, clock=clock)


def test_a_build(progress: PlainProgress, stream: io.StringIO, clock: _Clock) -> None:
    """Each thing that happens is one line; steps tell how long they took."""
    progress(events.BuildStarted("app:1", "an engine"))
    progress(events.ContextProgress(100))
    progress(events.ContextProgress(2048, done=True))
    progress(events.StepStarted(1, 3, "FROM scratch"))
    progress(events.StepStarted(2, 3, "COPY . /app"))
    progress(events.StepCached(2))
    progress(events.StepStarted(3, 3, "RUN make \\\n  all"))
    clock.now = 1.5
    progress(events.StepOutput(3, "\x1b[1mone\x1b[0m\rtwo"))
    progress(events.StepOutput(0, " ---> 0123456789ab"))
    progress(events.Notice("look here"))
    progress(events.ImageBuilt("app:1", "sha256:1"))
    assert stream.getvalue().splitlines() == [
        "building app:1 with an engine",
        "context: 2.0 kB sent",
        "[1/3] FROM scratch",
        "[1/3] done 0.0s",
        "[2/3] COPY . /app",
        "[2/3] cached",
        "[3/3] RUN make \\ all",
        "[3/3]   one",
        "[3/3]   two",
        "note: look here",
        "[3/3] done 1.5s",
        "built app:1 sha256:1",
    ]


def test_steps_of_unknown_number(progress: PlainProgress, stream: io.StringIO) -> None:
    """An engine may not say how many steps there are, or speak of an earlier one."""
    progress(events.StepStarted(2, 0, "RUN a"))
    progress(events.StepOutput(1, "late"))
    progress(events.StepOutput(2, ""))
    assert stream.getvalue().splitlines() == ["[2] RUN a", "[1]   late"]


def test_push(progress: PlainProgress, stream: io.StringIO, clock: _Clock) -> None:
    """Of layers nothing is told but, every ten seconds, how far all of them are."""
    for layer, status, current, now in [
        ("ab12", "Pushing", 1, 0.0),
        ("cd34", "Pushing", 500_000, 9.0),
        ("ab12", "Pushing", 1_000_000, 10.0),
        ("ab12", "Pushing", 1_500_000, 11.0),
        ("ab12", "Pushed", 2_000_000, 12.0),
    ]:
        clock.now = now
        progress(events.LayerProgress(layer, status, current, 2_000_000))
    progress(events.ImagePushed("app@sha256:2"))
    assert stream.getvalue().splitlines() == [
        "layers: 1.5 MB of 4.0 MB so far",
        "pushed app@sha256:2",
    ]


def test_pull(progress: PlainProgress, stream: io.StringIO, clock: _Clock) -> None:
    """What a step pulls is told with the step's label."""
    progress(events.StepStarted(1, 2, "FROM base", step_id="a"))
    for now in (0.0, 10.0):
        clock.now = now
        progress(events.LayerProgress("ab12", "Downloading", 1000, 0, step_id="a"))
    assert stream.getvalue().splitlines() == ["[1/2] FROM base", "[1/2]   layers: 1.0 kB so far"]


def test_long_transfers(progress: PlainProgress, stream: io.StringIO, clock: _Clock) -> None:
    """A long transfer says every ten seconds how far it is."""
    for now, sent in [(0.0, 1), (9.9, 100), (10.0, 1000), (15.0, 1500)]:
        clock.now = now
        progress(events.ContextProgress(sent))
        progress(events.UploadProgress("s3://a/b", sent, total=4000))
    progress(events.UploadProgress("s3://a/b", 4000, total=4000, done=True))
    assert stream.getvalue().splitlines() == [
        "context: 1.0 kB so far",
        "upload to s3://a/b: 1.0 kB of 4.0 kB so far",
        "upload to s3://a/b: 4.0 kB sent",
    ]


def test_closed_output() -> None:
    """A reader who went away is no error of the engine's connection."""

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(OutputClosedError):
        PlainProgress(Closed())(events.Notice("x"))
    assert not issubclass(OutputClosedError, OSError)


def test_nothing_steers_the_terminal(progress: PlainProgress, stream: io.StringIO) -> None:
    """Whatever text an event carries, no escape sequence of it is written."""
    evil = "\x1b[2J\x07"
    progress(events.BuildStarted(evil, evil))
    progress(events.UploadProgress(evil, 1, 1, done=True))
    progress(events.StepStarted(1, 1, f"RUN {evil}"))
    progress(events.StepOutput(1, evil))
    progress(events.Notice(evil))
    progress(events.ImageBuilt(evil, evil))
    progress(events.LayerProgress(evil, evil))
    progress(events.ImagePushed(evil))
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_steps_that_run_at_a_time(
    progress: PlainProgress, stream: io.StringIO, clock: _Clock
) -> None:
    """Lines of several running steps keep apart by their labels; each tells when it is done."""
    progress(events.StepAdded(0, 0, "load", step_id="a"))
    progress(events.StepStarted(0, 0, "load", step_id="a", started_at=5.0))
    progress(events.StepStarted(2, 5, "RUN x", step_id="b"))
    progress(events.StepOutput(2, "one", step_id="b"))
    progress(events.StepOutput(0, "reading", step_id="a"))
    progress(events.StepProgress(0, "sha256:1", 5, 10, step_id="a"))
    clock.now = 10.0
    progress(events.StepProgress(0, "sha256:1", 8, 10, step_id="a"))
    progress(events.StepProgress(0, "sha256:1", 10, 10, done=True, step_id="a"))
    progress(events.StepProgress(0, "naming", done=True, step_id="a"))
    progress(events.StepFinished(0, step_id="a", started_at=5.0, ended_at=6.5))
    progress(events.StepStarted(3, 5, "RUN y", step_id="c"))
    progress(events.StepFinished(3, cached=True, step_id="c"))
    progress(events.StepFinished(2, error="it failed", step_id="b"))
    progress(events.StepFinished(9, step_id="nobody began it"))
    progress(events.StepOutput(2, "late", step_id="b"))
    assert stream.getvalue().splitlines() == [
        "#1 load",
        "[2/5] RUN x",
        "[2/5]   one",
        "#1   reading",
        "#1   sha256:1 8 B of 10 B",
        "#1   sha256:1 done 10 B",
        "#1   naming done",
        "#1 done 1.5s",
        "[3/5] RUN y",
        "[3/5] cached",
        "[2/5]   late",
    ]


def test_the_end_says_what_the_build_comes_to(progress: PlainProgress, stream: io.StringIO) -> None:
    """Time, what was cached, and the image's size as far as they are known."""
    progress(events.BuildFinished("a", seconds=1.25, steps=3, cached_steps=2, size=1_500_000))
    progress(events.BuildFinished("b", seconds=1.25))
    assert stream.getvalue().splitlines() == [
        "finished a in 1.2s, 2 of 3 steps cached, 1.5 MB",
        "finished b in 1.2s",
    ]


def test_a_step_that_begins_anew_is_one_step(progress: PlainProgress, stream: io.StringIO) -> None:
    """BuildKit looks for its result first, which takes no time, and then does it."""
    for step_id, number, name in (("a", 1, "FROM a"), ("i", 0, "load metadata")):
        progress(events.StepStarted(number, number, name, step_id=step_id))
        progress(events.StepFinished(number, step_id=step_id, started_at=1.0, ended_at=1.001))
    progress(events.StepStarted(1, 1, "FROM a", step_id="a"))
    progress(events.StepFinished(1, step_id="a", started_at=2.0, ended_at=4.0))
    progress(events.StepStarted(2, 2, "RUN c", step_id="c", inputs=("a",)))
    progress(events.StepFinished(2, step_id="c", started_at=4.0, ended_at=4.001))
    progress(events.ImageBuilt("app", "id"))
    assert stream.getvalue().splitlines() == [
        "[1/1] FROM a",
        "#2 load metadata",
        "[1/1] done 2.0s",
        "[2/2] RUN c",
        "[2/2] done 0.0s",
        "built app id",
    ]


def test_steps_of_several_stages(progress: PlainProgress, stream: io.StringIO) -> None:
    """A stage's name stands before the number, which counts in the stage."""
    progress(events.StepStarted(1, 2, "FROM a", step_id="a", stage="stage-0"))
    progress(events.StepStarted(1, 2, "FROM b", step_id="b", stage="linux/arm64 build"))
    progress(events.StepOutput(1, "x", step_id="b"))
    assert stream.getvalue().splitlines() == [
        "[1/2] FROM a",
        "[linux/arm64 build 1/2] FROM b",
        "[linux/arm64 build 1/2]   x",
    ]


def test_a_notice_names_the_page_that_tells_more(
    progress: PlainProgress, stream: io.StringIO
) -> None:
    """Once."""
    progress(events.Notice("Rule: no (line 3)", url="https://x/"))
    progress(events.Notice("see https://x/", url="https://x/"))
    assert stream.getvalue() == "note: Rule: no (line 3) https://x/\nnote: see https://x/\n"


def test_why_a_step_was_not_cached(progress: PlainProgress, stream: io.StringIO) -> None:
    """One line for each reason, behind the steps."""
    progress(events.CacheMissed(2, "COPY src \\\n  /app", "file", "src/a changed", line=3))
    assert stream.getvalue() == "not cached: line 3, COPY src \\ /app: src/a changed\n"


def test_a_build_that_is_skipped(progress: PlainProgress, stream: io.StringIO) -> None:
    """The line names what the registry has."""
    progress(events.BuildSkipped("r/app:1", "r/app@sha256:1"))
    assert stream.getvalue() == "skipped r/app:1: unchanged r/app@sha256:1\n"


def test_an_image_without_a_name(progress: PlainProgress, stream: io.StringIO) -> None:
    """It is called by its ID."""
    progress(events.BuildStarted("", "an engine"))
    progress(events.ImageBuilt("", "sha256:1"))
    progress(events.BuildFinished("", seconds=2.0, size=1500, digest="sha256:1"))
    assert stream.getvalue().splitlines() == [
        "building an image with an engine",
        "built sha256:1",
        "finished in 2.0s, 1.5 kB, sha256:1",
    ]
