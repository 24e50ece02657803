"""A build's log, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from imagebuilders.aws.calls import AWSCalls
from imagebuilders.aws.code_build.log_reader import LogReader
from imagebuilders.aws.code_build.state import BuildState
from imagebuilders.exceptions import AWSError

BUILD = BuildState("p:1", log_group="group", log_stream="stream")


class _Pages:
    """CloudWatch Logs, which has pages of messages; at their end the same token comes back."""

    def __init__(self, *pages: list[str] | AWSError) -> None:
        self.pages = list(pages)
        self.asked: list[Mapping[str, object]] = []

    def call(self, operation: str, **arguments: object) -> Mapping[str, object]:
        """Answer with the page that is asked for."""
        assert operation == "get_log_events"
        self.asked.append(arguments)
        number = int(str(arguments.get("nextToken", "f/0"))[2:])
        if number >= len(self.pages):
            return {"events": [], "nextForwardToken": f"f/{number}"}
        page = self.pages[number]
        if isinstance(page, AWSError):
            self.pages[number] = []
            raise page
        events = [{"message": message} for message in page]
        return {"events": events, "nextForwardToken": f"f/{number + 1}"}


def _reader(pages: _Pages) -> LogReader:
    return LogReader(cast("AWSCalls", pages))


def test_all_pages_are_read_and_none_twice() -> None:
    """What comes later is read from where the reading ended."""
    pages = _Pages(["a\n"], ["b\n", "c\n"])
    reader = _reader(pages)
    assert list(reader.read(BUILD)) == ["a", "b", "c"]
    assert len(pages.asked) == 3  # the last one tells that there is no more
    pages.pages.append(["d\r\n"])
    assert list(reader.read(BUILD)) == ["d"]
    assert pages.asked[0]["startFromHead"] is True
    assert all("startFromHead" not in each for each in pages.asked[1:])


def test_pages_without_lines_are_not_the_end() -> None:
    """CloudWatch gives some while there is more behind them; of very many some at a time."""
    pages = _Pages([], [], ["a\n"], *([[]] * 30), ["b\n"])
    reader = _reader(pages)
    assert list(reader.read(BUILD)) == ["a"]
    assert len(pages.asked) == 3 + 20
    assert list(reader.read(BUILD)) == ["b"]


def test_a_line_that_was_cut_is_put_together() -> None:
    """A status of buildx may be longer than a message can be; other lines need no line break."""
    pages = _Pages(['{"logs":[', "1]"], ["}\nnext", "other\nlast\n"])
    assert list(_reader(pages).read(BUILD)) == ['{"logs":[1]}', "next", "other", "last"]


def test_a_log_that_is_not_there_yet() -> None:
    """It begins some time after the build; before its name is known, nothing is asked."""
    missing = AWSError(
        "none", service="logs", operation="get_log_events", code="ResourceNotFoundException"
    )
    pages = _Pages(missing)
    reader = _reader(pages)
    assert list(reader.read(BuildState("p:1"))) == []
    assert pages.asked == []
    assert list(reader.read(BUILD)) == []
    assert reader.lack == ""
    pages.pages[0] = ["a\n"]
    assert list(reader.read(BUILD)) == ["a"]


@pytest.mark.parametrize("is_transient", [True, False])
def test_a_log_that_cannot_be_read(is_transient: bool) -> None:
    """It is told; what may pass is asked again."""
    error = AWSError(
        "refused", service="logs", operation="get_log_events", is_transient=is_transient
    )
    reader = _reader(_Pages(error, ["a\n"]))
    assert list(reader.read(BUILD)) == []
    assert "refused" in reader.lack
    assert list(reader.read(BUILD)) == (["a"] if is_transient else [])
    assert bool(reader.lack) is not is_transient


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"events": None, "nextForwardToken": None},
        {"events": [{}, None, {"message": None}], "nextForwardToken": 5},
        {"events": "x"},
    ],
)
def test_answers_with_fields_missing(answer: Any) -> None:
    """They have no lines, and end the reading."""

    class _Answer:
        def call(self, operation: str, **arguments: object) -> Mapping[str, object]:
            return cast("Mapping[str, object]", answer)

    assert list(LogReader(cast("AWSCalls", _Answer())).read(BUILD)) == []
