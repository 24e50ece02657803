"""What buildx prints as JSON, read as a daemon's messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.aws.code_build.progress import CodeBuildProgress
from imagebuilders.aws.code_build.rawjson import parse_status
from imagebuilders.events import Event, Notice, StepFinished, StepOutput, StepProgress, StepStarted

STEP = "sha256:" + "a" * 64


def _line(**status: Any) -> str:
    return json.dumps(status)


def test_a_build_as_buildx_prints_it() -> None:
    """Steps, output, parts and warnings become the same events as a daemon's messages."""
    told: list[Event] = []
    progress = CodeBuildProgress(told.append)
    started = "2026-01-02T03:04:05.123456789Z"
    lines = [
        _line(vertexes=[{"digest": STEP, "name": "[1/2] RUN make", "started": started}]),
        _line(
            statuses=[
                {
                    "id": "part",
                    "vertex": STEP,
                    "current": 5,
                    "total": 10,
                    "timestamp": "2026-01-02T03:04:06Z",
                }
            ]
        ),
        _line(
            logs=[
                {
                    "vertex": STEP,
                    "stream": 2,
                    "data": base64.b64encode(b"hi\n").decode(),
                    "timestamp": "2026-01-02T04:04:07+01:00",
                }
            ]
        ),
        _line(
            warnings=[
                {
                    "vertex": STEP,
                    "short": base64.b64encode(b"Rule: words").decode(),
                    "url": "https://x",
                    "range": [{"start": {"line": 3}}],
                }
            ]
        ),
        "plain",
        _line(
            vertexes=[
                {
                    "digest": STEP,
                    "name": "[1/2] RUN make",
                    "started": started,
                    "completed": "2026-01-02T03:04:08Z",
                    "error": "exit code: 1",
                }
            ]
        ),
    ]
    for line in lines:
        progress.take_line(line)
    progress.close()
    assert told == [
        StepStarted(1, 2, "RUN make"),
        StepProgress(1, "part", 5, 10),
        StepOutput(1, "hi"),
        Notice("Rule: words"),
        StepOutput(0, "plain"),
        StepFinished(1, False, "exit code: 1"),
    ]
    assert isinstance(told[0], StepStarted)
    assert told[0].started_at == pytest.approx(1767323045.123456789)
    assert isinstance(told[3], Notice)
    assert told[3].line == 3
    assert progress.lines == ["plain"]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2026-01-02T03:04:05.123456789Z", 1767323045_123456789),
        ("2026-01-02T03:04:05.5z", 1767323045_500000000),
        ("2026-01-02T03:04:05Z", 1767323045_000000000),
        ("2026-01-02T04:04:05.000000001+01:00", 1767323045_000000001),
        ("1971-01-01T00:00:00Z", 31536000_000000000),
        ("1970-12-31T23:59:59Z", 0),
        ("2026-01-02T03:04:05", 1767323045_000000000),
        ("2026-13-02T03:04:05Z", 0),
        ("soon", 0),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    """To the nanosecond; none is told where it cannot be read, or is before buildx was made."""
    status = parse_status(json.dumps({"vertexes": [{"digest": STEP, "started": text}]}))
    assert status is not None
    started = status.vertexes[0].started
    assert started.seconds * 10**9 + started.nanos == nanoseconds
    assert 0 <= started.nanos < 10**9


@pytest.mark.parametrize(
    "line",
    ["", "{", "{}", "[]", '{"a": 1}', '{"vertexes": [], "other": 1}', "null", "{" * 100_000],
)
def test_what_is_no_status(line: str) -> None:
    """It is a line of the log like others."""
    assert parse_status(line) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
_FIELDS = (
    *("digest", "name", "inputs", "cached", "error", "started", "completed", "progressGroup", "id"),
    *("vertex", "current", "total", "timestamp", "stream", "data", "level", "short", "detail"),
    *("url", "range"),
)
_ITEMS = st.lists(st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6) | _JSON, max_size=3)


@given(
    st.dictionaries(
        st.sampled_from(["vertexes", "statuses", "logs", "warnings"]), _ITEMS | _JSON, min_size=1
    )
)
def test_no_log_can_break_the_reader(status: Any) -> None:
    """Whatever stands in the fields, it is read or left out."""
    progress = CodeBuildProgress(lambda _: None)
    progress.take_line(json.dumps(status))
    progress.close()
