"""Several BuildKit daemons: which one builds what, and which of them answer.

A context goes to the same daemon each time, as that has its cache and its files; when a daemon
leaves, only its own contexts go elsewhere. That is rendezvous hashing:
https://en.wikipedia.org/wiki/Rendezvous_hashing
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebuilders.buildkit.daemon import Daemon, advice_on, failure_reason, open_daemon
from imagebuilders.buildkit.daemon_features import DaemonFeatures
from imagebuilders.buildkit.engine_client import OpenDaemon
from imagebuilders.buildkit.transport.errors import CallTimeoutError
from imagebuilders.cancellation import stopped_by
from imagebuilders.exceptions import BuildKitError, ImageBuilderError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


_LATE = (TimeoutError, CallTimeoutError)


class DaemonAwayError(BuildKitError):
    """A daemon did not answer; the text says why, in a few words."""


def in_order(daemons: Sequence[Daemon], key: str) -> list[Daemon]:
    """Return daemons in the order in which they are to be tried for a key.

    The order depends on nothing but their names and the key, and each daemon comes first for the
    same share of all keys.

    Args:
        daemons: the daemons, in any order.
        key: stands for what is built.
    """

    def score(daemon: Daemon) -> bytes:
        return hashlib.sha256(f"{daemon.name}\0{key}".encode("utf-8", "surrogateescape")).digest()

    return sorted(daemons, key=score, reverse=True)


class Roll:
    """Asks daemons for their workers, all at once; to be used in a `with` block.

    What was opened is closed at the end of the block, but for what was taken.
    """

    def __init__(self, daemons: Sequence[Daemon], seconds: float) -> None:
        """Begin to ask.

        Args:
            daemons: the daemons.
            seconds: so long each may take in all.
        """
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._asked = {daemon: _Asked(daemon, seconds) for daemon in daemons}

    def take(self, daemon: Daemon) -> OpenDaemon | DaemonAwayError:
        """Wait for a daemon's answer, and take the connection over.

        Returns:
            The connection; or an error if it did not answer in time, or cannot be reached.
        """
        asked = self._asked[daemon]
        if not asked.wait(max(0.0, self._end - time.monotonic())):
            return self._late()
        answer = asked.take()
        # What gives up first, this clock or the connection's own with what is left, is chance.
        if isinstance(answer, DaemonAwayError) and isinstance(answer.__cause__, _LATE):
            late = self._late()
            late.__cause__ = answer.__cause__
            return late
        return answer

    def _late(self) -> DaemonAwayError:
        return DaemonAwayError(f"it did not answer within {self._seconds:g} s")

    def close(self) -> None:
        """Close what was opened, now or later."""
        for asked in self._asked.values():
            asked.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Asked:
    """One daemon that is asked, in a thread of its own."""

    def __init__(self, daemon: Daemon, seconds: float) -> None:
        self._daemon = daemon
        self._seconds = seconds
        self._lock = threading.Lock()
        self._is_done = threading.Event()
        self._is_abandoned = False
        self._opened: OpenDaemon | None = None
        self._problem: Exception | None = None
        thread = threading.Thread(
            target=self._run, name=f"imagebuilders asks {daemon.name}", daemon=True
        )
        thread.start()

    def wait(self, seconds: float) -> bool:
        with stopped_by(self._is_done.set):
            return self._is_done.wait(seconds)

    def take(self) -> OpenDaemon | DaemonAwayError:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            return opened
        if self._problem is None:
            return DaemonAwayError("it was not waited for")
        away = DaemonAwayError(failure_reason(self._problem))
        away.__cause__ = self._problem
        return away

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.client.close()

    def _run(self) -> None:
        try:
            opened = _ask(self._daemon, self._seconds)
        except (OSError, ImageBuilderError) as error:
            self._problem = error
        else:
            with self._lock:
                is_late = self._is_abandoned
                if not is_late:
                    self._opened = opened
            if is_late:
                opened.client.close()
        finally:
            self._is_done.set()


def _ask(daemon: Daemon, seconds: float) -> OpenDaemon:
    """Open a connection to a daemon, and ask it for its workers."""
    end = time.monotonic() + seconds
    client = open_daemon(daemon, seconds)
    try:
        workers = client.workers(max(0.0, end - time.monotonic()))
        if not workers:
            raise BuildKitError("it has no workers")
        version = client.version(max(0.1, end - time.monotonic()))
    except BaseException:
        client.close()
        raise
    features = DaemonFeatures.of(f"The BuildKit at {daemon.name}", workers)
    name = " ".join(filter(None, ("BuildKit", version, f"at {daemon.name}")))
    return OpenDaemon(name, client, features, daemon.addresses)


@contextmanager
def all_that_answer(daemons: Sequence[Daemon], seconds: float) -> Iterator[list[OpenDaemon]]:
    """Lend connections to the daemons that answer, at least one, for a `with` block.

    Args:
        daemons: the daemons.
        seconds: so long each may take.

    Raises:
        BuildKitError: none answers.
    """
    found: list[OpenDaemon] = []
    problems: list[tuple[Daemon, DaemonAwayError]] = []
    try:
        with Roll(daemons, seconds) as roll:
            for daemon in daemons:
                answer = roll.take(daemon)
                if isinstance(answer, DaemonAwayError):
                    problems.append((daemon, answer))
                else:
                    found.append(answer)
        if not found:
            raise none_answers(problems)
        yield found
    finally:
        for opened in found:
            opened.client.close()


def none_answers(problems: Sequence[tuple[Daemon, Exception]]) -> BuildKitError:
    """Return the error of daemons of which none can build.

    Args:
        problems: the daemons, in the order in which they were tried, and what each came to.
    """
    advice = advice_on(problems[0][1].__cause__ or problems[0][1])
    if len(problems) == 1:
        ((daemon, problem),) = problems
        error = BuildKitError(f"No BuildKit daemon answers at {daemon.name}: {problem}. {advice}")
    else:
        lines = "".join(f"\n  {daemon.name}: {problem}" for daemon, problem in problems)
        error = BuildKitError(f"None of {len(problems)} BuildKit daemons answers. {advice}{lines}")
    error.__cause__ = problems[0][1] if problems else None
    return error
