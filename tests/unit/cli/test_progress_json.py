"""Progress as JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from imagebuilders import Stack, events
from imagebuilders.cli.progress_json import JsonProgress
from imagebuilders.event_records import event_name

if TYPE_CHECKING:
    from command_line import Run

DOCUMENT = Path(__file__).parents[3] / "docs" / "command-line.md"


def test_one_object_per_line() -> None:
    """Each event is its name and its fields, on one ASCII line."""
    stream = io.StringIO()
    progress = JsonProgress(stream, clock=lambda: 1.5)
    progress(events.StepStarted(1, 2, "RUN a \\\n b ä"))
    progress(events.UploadProgress("p", 5))

    def head(event: str) -> dict[str, str]:
        return {"event": event, "time": "1970-01-01T00:00:01.500Z"}

    assert stream.getvalue().isascii()
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {**head("step_started"), "number": 1, "total": 2, "instruction": "RUN a \\\n b ä"},
        {**head("upload_progress"), "path": "p", "bytes_sent": 5, "total": 0, "done": False},
    ]


def documented_fields(event: str) -> list[str]:
    """Give the fields that the documentation lists for an event."""
    row = re.search(rf"^\| `{event}` \| (.*?) \|", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert row is not None, event
    return re.findall(r"`(\w+)`", row[1])


@pytest.mark.parametrize("event_class", get_args(events.Event))
def test_every_event_is_documented(event_class: type) -> None:
    """The documented table names each event and each of its fields."""
    names = [field.name for field in dataclasses.fields(event_class)]
    assert documented_fields(event_name(event_class)) == names


def test_records_of_other_commands_are_documented(run: Run, stack: Stack, folder: Path) -> None:
    """What the other commands write has the documented keys, in that order."""
    (folder / "app" / ".env").touch()
    with (folder / "app" / "data").open("wb") as file:
        file.truncate(1_000_000)
    (folder / "app" / "large").mkdir()
    (folder / "app" / "data").rename(folder / "app" / "large" / "data")
    seen = set()
    for arguments in [
        ("context", "ls", "app"),
        ("context", "digest", "app"),
        ("context", "explain", ".env", "-C", "app"),
        ("stack", "show"),
        ("flavors",),
    ]:
        for record in run(*arguments, "--json").records:
            event, *names = record
            assert event == "event"
            assert documented_fields(str(record["event"])) == names
            seen.add(record["event"])
    assert seen - {"notice"} == {
        "entry",
        "large_folder",
        "secret",
        "context",
        "digest",
        "explanation",
        "stack",
        "flavor",
    }
