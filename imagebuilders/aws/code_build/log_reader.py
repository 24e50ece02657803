"""A build's log in CloudWatch, line by line, as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagebuilders.aws.calls import items_at, text_at
from imagebuilders.exceptions import AWSError

if TYPE_CHECKING:
    from imagebuilders.aws.calls import AWSCalls
    from imagebuilders.aws.code_build.state import BuildState

_MAX_PAGES = 1_000
"""So many pages are read at a time at most, so that a log that grows fast keeps nothing waiting."""

_MAX_LINE_CHARS = 16 * 1024 * 1024
"""A longer line is not waited for."""

_MOST_EMPTY = 20
"""So many pages without a line are passed over at a time: there may be lines behind them."""

_NOT_YET = "ResourceNotFoundException"
"""The log begins some time after the build."""


class LogReader:
    """Reads what was not read yet. A log that cannot be read is told once, and is no failure."""

    def __init__(self, calls: AWSCalls) -> None:
        """Note what is needed; nothing is asked yet.

        Args:
            calls: requests to the service `logs`.
        """
        self._calls = calls
        self._token = ""
        self._partial = ""
        self._last_fault = ""
        self.problem = ""

    @property
    def lack(self) -> str:
        """Why the log, or its end, was not read; empty when it was."""
        return self.problem or self._last_fault

    def read(self, build: BuildState) -> Iterator[str]:
        """Yield the lines that came since the last time.

        Args:
            build: says where the log is.
        """
        if self.problem or not build.log_group or not build.log_stream:
            return
        empty = 0
        for _ in range(_MAX_PAGES):
            token = {"nextToken": self._token} if self._token else {"startFromHead": True}
            try:
                answer = self._calls.call(
                    "get_log_events",
                    logGroupName=build.log_group,
                    logStreamName=build.log_stream,
                    **token,
                )
            except AWSError as error:
                told = f"The build's log, and so its steps, cannot be read. {error}"
                if error.is_transient:
                    self._last_fault = told
                elif error.code != _NOT_YET:
                    self.problem = told
                return
            self._last_fault = ""
            events = items_at(answer, "events")
            for event in events:
                yield from self._lines(text_at(event, "message"))
            next_token = text_at(answer, "nextForwardToken")
            # At the end of the log the same token comes back.
            if not next_token or next_token == self._token:
                return
            self._token = next_token
            empty = 0 if events else empty + 1
            if empty == _MOST_EMPTY:
                return

    def _lines(self, message: str) -> Iterator[str]:
        """Put the pieces of lines together that CloudWatch has cut."""
        *whole, rest = (self._partial + message).split("\n")
        yield from (line.rstrip("\r") for line in whole)
        # Events end with a line break, but for those that are cut and those of other agents.
        is_cut = rest.startswith("{") and not rest.endswith("}") and len(rest) < _MAX_LINE_CHARS
        if rest and not is_cut:
            yield rest.rstrip("\r")
            rest = ""
        self._partial = rest
