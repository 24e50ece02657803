"""The page of a build, from its events."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from imagebuilders import events
from imagebuilders.event_records import event_record
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.report import (
    BuildReport,
    ReportedFile,
    ReportedLayer,
    ReportRecorder,
    read_json_lines,
    render_page,
)
from imagebuilders.report.recorder import MAX_LINES

DOCKERFILE = b"""\
ARG TOKEN
FROM debian AS base
WORKDIR /src
FROM base
RUN --mount=type=cache,target=/c \\
    make $TOKEN
COPY --from=base /a /b
"""
SECRET = "a-value-of-an-argument"


def _events() -> list[tuple[float, events.Event]]:
    step = events.StepStarted
    return [
        (100.0, events.BuildStarted("shop:1", "Docker Engine 28.5")),
        (100.5, events.ContextProgress(2000, done=True, name="context")),
        (101.0, step(1, 2, "FROM debian", step_id="a", stage="base", started_at=101.0)),
        (101.0, events.StepFinished(1, True, step_id="a", started_at=101.0, ended_at=101.0)),
        (101.1, step(1, 2, "RUN x", step_id="x", stage="nowhere", started_at=101.1)),
        (
            101.0,
            step(2, 3, f"RUN make {SECRET}", step_id="b", stage="stage-1", started_at=101.0),
        ),
        (102.0, events.StepOutput(2, f"<b>hello</b>\x1b[31m {SECRET}\r", step_id="b")),
        (103.0, events.StepFinished(2, step_id="b", started_at=101.0, ended_at=103.0)),
        (103.0, events.LayerProgress("l1", "Pushing", 500, 900)),
        (103.0, events.LayerProgress("l1", "Pushed", 900, 900)),
        (103.0, events.LayerProgress("l2", "Downloading", 70, 70, step_id="a")),
        (103.0, events.Notice(f"beware {SECRET}", line=5, url="https://docs.example/x")),
        (103.0, events.Notice("no", url="javascript:alert(1)")),
        (
            104.0,
            events.CacheMissed(2, "RUN make $TOKEN", "file", "m.c changed", line=5, step_id="b"),
        ),
        (104.0, events.BuildFinished("shop:1", seconds=4.0, size=12_300_000, digest="sha256:1")),
    ]


def _heard(**settings: object) -> BuildReport:
    recorder = ReportRecorder(DOCKERFILE, masked=[SECRET], clock=lambda: 0.0)
    for moment, event in _events():
        recorder.hear(event, moment)
    (report,) = recorder.reports(**settings)  # type: ignore[arg-type]
    return report


def test_steps_have_their_lines_and_times() -> None:
    """By the stage and the number in it; the title is the Dockerfile's, variables not replaced."""
    cached, foreign, made = _heard().steps
    assert (cached.state, cached.title) == ("cached", "[base 1/2] FROM debian AS base")
    assert [line.number for line in cached.source] == [2]
    assert (made.state, made.intervals, made.seconds) == ("done", ((1.0, 3.0),), 2.0)
    assert made.title.startswith("[stage-1 2/3] RUN --mount=type=cache,target=/c")
    assert made.title.endswith("make $TOKEN")
    assert [(line.number, line.text) for line in made.source] == [
        (5, "RUN --mount=type=cache,target=/c \\"),
        (6, "    make $TOKEN"),
    ]
    assert made.misses == ("m.c changed",)
    assert (foreign.state, foreign.source) == ("stopped", ())


def test_what_the_build_comes_to() -> None:
    """Its sum, its transfers, and the first miss."""
    report = _heard()
    assert (report.image_name, report.engine, report.size) == (
        "shop:1",
        "Docker Engine 28.5",
        12_300_000,
    )
    assert (report.began, report.seconds, report.digest) == (100.0, 4.0, "sha256:1")
    assert {each.name: each.size for each in report.transfers} == {
        "context, sent": 2000,
        "1 layer, pushed": 900,
        "1 layer, fetched": 70,
    }
    assert report.first_miss == "line 5, RUN make $TOKEN: m.c changed"
    assert report.error == ""


def test_steps_are_counted_as_in_the_last_line_of_a_build() -> None:
    """Those of the Dockerfile, FROM left out, which is cached here."""
    report = _heard()
    assert len(report.steps) == len(report.counted_steps) + 1
    assert (report.count("cached"), report.count("done"), report.count("stopped")) == (0, 1, 1)
    assert "<dt>cached</dt><dd>0 of 2</dd>" in render_page([report])


def test_no_value_of_an_argument_is_in_the_page() -> None:
    """Nor anything that a browser would run or fetch."""
    page = render_page([_heard(error=f"it failed: {SECRET}")])
    assert SECRET not in page
    assert "<b>hello" not in page
    assert "&lt;b&gt;hello&lt;/b&gt; ****" in page
    assert "\x1b" not in page
    assert "javascript:" not in page
    for word in ("<script", "<link", "<img", "@import", "url(", "src="):
        assert word not in page
    assert "default-src 'none'" in page


class _Tags(HTMLParser):
    """Checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [str(values["id"])] if "id" in values else []
        self.links += [str(values["href"])] if str(values.get("href")).startswith("#") else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("error", ["", "it failed"])
def test_the_page_is_whole(error: str) -> None:
    """Every tag is closed, and every link of the timeline leads to a step's log."""
    layers = [
        ReportedLayer("sha256:1", 5000, "COPY <x> /x", (ReportedFile("/a&b", 4000),)),
        ReportedLayer("sha256:2", None),
    ]
    page = render_page([_heard(layers=layers, error=error), _heard()])
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids) == 6
    assert tags.links == [f"#{name}" for name in tags.ids]
    assert ("Why it failed" in page) is bool(error)
    assert "/a&amp;b" in page
    assert "5.0 kB" in page


def test_failed_and_stopped_steps() -> None:
    """The failed one is told of without an error of the program; what still ran is stopped."""
    recorder = ReportRecorder(clock=lambda: 0.0)
    recorder.hear(events.BuildStarted("a", "e"), 0.0)
    recorder.hear(events.StepStarted(1, 2, "RUN bad", step_id="a"), 1.0)
    recorder.hear(events.StepStarted(2, 2, "RUN long", step_id="b"), 1.0)
    recorder.hear(events.StepFinished(1, error="exit code: 2", step_id="a"), 3.0)
    (report,) = recorder.reports()
    assert [step.state for step in report.steps] == ["failed", "stopped"]
    assert report.error == "[1/2] RUN bad: exit code: 2"
    assert "<details open>" in render_page([report])


def test_builders_without_ids() -> None:
    """One step ends where the next begins, or the image is built; all instructions count."""
    recorder = ReportRecorder(b"FROM a\nENV x=y\nRUN z\n", clock=lambda: 0.0)
    recorder.hear(events.BuildStarted("a", "e"), 0.0)
    for number, text in enumerate(("FROM a", "ENV x=y", "RUN z"), 1):
        recorder.hear(events.StepStarted(number, 3, text), float(number))
    recorder.hear(events.StepCached(3), 3.0)
    recorder.hear(events.ImageBuilt("a", "sha256:1"), 9.0)
    (report,) = recorder.reports()
    assert [step.intervals for step in report.steps] == [((1, 2),), ((2, 3),), ((3, 9),)]
    assert [step.state for step in report.steps] == ["done", "done", "cached"]
    assert [line.number for step in report.steps for line in step.source] == [1, 2, 3]
    assert report.digest == "sha256:1"


def test_long_output_keeps_its_end() -> None:
    """And says how much is left out."""
    recorder = ReportRecorder(clock=lambda: 0.0)
    recorder(events.StepStarted(1, 1, "RUN x", step_id="a"))
    for number in range(MAX_LINES + 5):
        recorder(events.StepOutput(1, f"line {number}", step_id="a"))
    (report,) = recorder.reports()
    assert (report.steps[0].left_out, len(report.steps[0].output)) == (5, MAX_LINES)
    assert "5 lines before these left out" in render_page([report])


def test_json_lines_are_the_same_report() -> None:
    """Of an earlier build, whatever else stands between its lines."""
    records = [json.dumps(event_record(event, moment)) for moment, event in _events()]
    lines = ["not json", *records, "[]", json.dumps({"event": "result", "image": "shop:1"})]
    (report,) = read_json_lines(lines, DOCKERFILE, masked=[SECRET])
    assert report == _heard()


def test_json_lines_of_several_builds() -> None:
    """Each has its report, and its error."""
    lines = [
        json.dumps(event_record(events.OneOfMany(name, event), moment))
        for name in ("web", "worker")
        for moment, event in _events()
    ]
    lines.append(json.dumps({"event": "error", "build": "worker", "message": "no"}))
    web, worker = read_json_lines(lines)
    assert (web.build, web.error) == ("web", "")
    assert (worker.build, worker.error) == ("worker", "no")
    assert "worker: shop:1" in render_page([web, worker])


def test_lines_without_events_are_refused() -> None:
    """The error says what is wanted."""
    with pytest.raises(ImageFormatError, match="imagebuilders build --json"):
        read_json_lines(["{}", "x"])


def test_nothing_heard() -> None:
    """A build that failed before it began has a page, too."""
    (report,) = ReportRecorder(clock=lambda: 0.0).reports(error="There is no Dockerfile.")
    assert "There is no Dockerfile." in render_page([report])
