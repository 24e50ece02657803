"""Starts a build, waits for its end, and stops it when nobody waits any more."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from imagebuilders.aws.code_build.state import BuildState
from imagebuilders.exceptions import AWSError, BuildError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.aws.code_build.log_reader import LogReader
    from imagebuilders.aws.code_build.service import CodeBuildService

logger = logging.getLogger(__name__)

UNSEEN_SECONDS = 60.0
"""For so long a build that was started may be unknown to CodeBuild: it is told with delay."""

LOG_GRACE_SECONDS = 10.0
"""For so long the end of the log is waited for after the build's own end."""

EXPORT_LOOKS = 3
"""So often a build that ended well is looked at once more for the variables that it exports."""

_LOG_END = re.compile(r"Phase complete: (?:UPLOAD_ARTIFACTS|[A-Z_]+ State: FAILED)")


class Progress(Protocol):
    """Hears what a build tells."""

    def take_state(self, state: BuildState) -> None:
        """Take how the build is now."""
        ...

    def take_line(self, line: str) -> None:
        """Take a line of its log."""
        ...


@dataclass(frozen=True)
class Limits:
    """How a build is waited for, in seconds.

    Attributes:
        poll: between one look and the next.
        total: for the whole build; `None` for no limit but CodeBuild's own.
        patience: for which CodeBuild may be out of reach.
    """

    poll: float = 3.0
    total: float | None = None
    patience: float = 600.0


class BuildWatch:
    """One build, from its start to its end."""

    def __init__(
        self,
        service: CodeBuildService,
        log: LogReader | None,
        progress: Progress,
        limits: Limits,
        *,
        image_name: str,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Note what is needed; nothing is asked yet.

        Args:
            service: CodeBuild.
            log: reads the build's log; `None` when it is not to be read.
            progress: hears what the build tells.
            limits: how it is waited for.
            image_name: what errors call the image.
            stop: is set, by any thread, when the build is to stop.
            clock: gives the time in seconds.
        """
        self._service = service
        self._log = log
        self._progress = progress
        self._limits = limits
        self._image_name = image_name
        self._stop = stop
        self._clock = clock
        self._log_has_ended = False

    def run(self, request: Mapping[str, object]) -> BuildState:
        """Start the build and return it when it has ended, well or not.

        Whatever else happens, it is stopped.

        Args:
            request: the arguments of `start_build`.

        Raises:
            BuildError: it was stopped, took too long, vanished, or CodeBuild is out of reach.
            AWSError: CodeBuild refused to start it.
        """
        state = self._start(request)
        try:
            state = self._with_exports(self._wait(state))
            self._read_end_of_log(state)
        except BaseException as error:
            self._take_back(state, error)
            raise
        return state

    def _start(self, request: Mapping[str, object]) -> BuildState:
        try:
            return self._service.start(request)
        except AWSError as error:
            note = self._stop_unknown(request) if error.is_transient else ""
            if not note:
                raise
            raise BuildError(f"{self._image_name} was not built. {error} {note}") from error
        except BaseException:
            note = self._stop_unknown(request)
            if note:
                logger.warning("%s", note)
            raise

    def _stop_unknown(self, request: Mapping[str, object]) -> str:
        """Stop a build that may have begun, although its ID is not known; say what may go on.

        The same token leads to it; where there was none, one is begun and stopped at once.
        """
        try:
            build_id = self._service.start(request).id
        except AWSError:
            return "A build may have begun, and may run on: its ID never came."
        return self._stop_build(build_id)

    def _stop_build(self, build_id: str) -> str:
        """Stop a build; when that fails, say so."""
        try:
            self._service.stop(build_id)
        except AWSError as failure:
            return f"The build {build_id} may run on: {failure}"
        return ""

    def _wait(self, state: BuildState) -> BuildState:
        begun = seen = answered = self._clock()
        while True:
            self._progress.take_state(state)
            self._read_log(state)
            if state.is_complete:
                return state
            if self._stop.wait(self._limits.poll):
                raise BuildError(f"{self._image_name} was not built: the build was stopped.")
            now = self._clock()
            if self._limits.total is not None and now - begun >= self._limits.total:
                raise BuildError(
                    f"{self._image_name} was not built: it took longer than "
                    f"{self._limits.total:g} s, which is the setting 'wait_timeout'."
                )
            try:
                found = self._service.look(state.id)
            except AWSError as error:
                if not error.is_transient or now - answered >= self._limits.patience:
                    raise BuildError(
                        f"It is not known whether {self._image_name} was built. {error}"
                        f"{_behind(state)}"
                    ) from error
                continue
            answered = now
            if found is not None:
                state, seen = found, now
            elif now - seen >= UNSEEN_SECONDS:
                raise BuildError(
                    f"It is not known whether {self._image_name} was built: CodeBuild has no "
                    f"build {state.id} any more.{_behind(state)}"
                )

    def _with_exports(self, state: BuildState) -> BuildState:
        """Return a build that ended well with the variables that it exports, if they come late."""
        for _ in range(EXPORT_LOOKS):
            if not state.is_success or state.exported or self._stop.wait(self._limits.poll):
                break
            try:
                found = self._service.look(state.id)
            except AWSError:
                continue
            if found is not None and found.is_complete:
                state = found
        return state

    def _read_log(self, state: BuildState) -> None:
        if self._log is None:
            return
        for line in self._log.read(state):
            self._log_has_ended = self._log_has_ended or _LOG_END.search(line) is not None
            self._progress.take_line(line)

    def _read_end_of_log(self, state: BuildState) -> None:
        """Wait for what the log has still to tell, which comes with delay."""
        if self._log is None or not state.log_stream:
            return
        end = self._clock() + LOG_GRACE_SECONDS
        while not self._log_has_ended and not self._log.problem and self._clock() < end:
            if self._stop.wait(min(self._limits.poll, 1.0)):
                return
            self._read_log(state)

    def _take_back(self, state: BuildState, error: BaseException) -> None:
        """Stop the build; when that fails, say so beside the error that is about to be raised."""
        note = self._stop_build(state.id)
        if note and isinstance(error, BuildError):
            error.args = (f"{error} {note}",)
        elif note:
            logger.warning("%s", note)


def _behind(state: BuildState) -> str:
    return f" Its log: {state.link}" if state.link else ""
