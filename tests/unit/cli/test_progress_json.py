"""Progress as JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from imagebuilders import events
from imagebuilders.cli.progress_json import JsonProgress, event_name

DOCUMENT = Path(__file__).parents[3] / "docs" / "command-line.md"


def test_one_object_per_line() -> None:
    """Each event is its name and its fields, on one ASCII line."""
    stream = io.StringIO()
    progress = JsonProgress(stream)
    progress(events.StepStarted(1, 2, "RUN a \\\n b ä"))
    progress(events.UploadProgress("p", 5))
    assert stream.getvalue().isascii()
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"event": "step_started", "number": 1, "total": 2, "instruction": "RUN a \\\n b ä"},
        {"event": "upload_progress", "path": "p", "bytes_sent": 5, "total": 0, "done": False},
    ]


@pytest.mark.parametrize("event_class", get_args(events.Event))
def test_every_event_is_documented(event_class: type) -> None:
    """The documented table names each event and each of its fields."""
    row = re.search(rf"^\| `{event_name(event_class)}` \| (.*?) \|", DOCUMENT.read_text(), re.M)
    assert row is not None
    assert re.findall(r"`(\w+)`", row[1]) == [
        field.name for field in dataclasses.fields(event_class)
    ]
