"""Several pieces of work at once, whose events are told in the one thread that waits for them."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from imagebuilders.cancellation import Cancellation, stopped_by
from imagebuilders.events import Event, listen_alone
from imagebuilders.lazy_dataclass import dataclass

ResultT = TypeVar("ResultT")
Tell = Callable[[Event], None]


class _StoppedError(BaseException):
    """Ends a piece of work at its next event."""


@dataclass(frozen=True)
class _Told:
    """An event, and whether it was taken."""

    event: Event
    taken: Future[None]


@dataclass(frozen=True)
class _Ended(Generic[ResultT]):
    """The end of a piece of work."""

    number: int
    result: ResultT | None = None
    error: BaseException | None = None


def run_side_by_side(works: Sequence[Callable[[Tell], ResultT]], tell: Tell) -> list[ResultT]:
    """Do several things at once, each in a thread of its own, and wait for all of them.

    The first one that fails stops the others, as does what `tell` raises, and Ctrl-C.

    Args:
        works: what to do; each is given what to do with events, which reach `tell` in this thread.
            So do those that it emits.
        tell: what to do with events.

    Returns:
        What they return, in order.
    """
    running = _Running(works, tell)
    with stopped_by(running.stop):
        return running.results()


class _Running(Generic[ResultT]):
    def __init__(self, works: Sequence[Callable[[Tell], ResultT]], tell: Tell) -> None:
        self._tell = tell
        self._cancellation = Cancellation()
        self._inbox: queue.SimpleQueue[_Told | _Ended[ResultT]] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(
                target=contextvars.copy_context().run,
                args=(self._run, number, work),
                name=f"imagebuilders build {number}",
            )
            for number, work in enumerate(works)
        ]

    def stop(self) -> None:
        self._cancellation.cancel()

    def results(self) -> list[ResultT]:
        ended: dict[int, _Ended[ResultT]] = {}
        first: BaseException | None = None
        started = 0
        try:
            for thread in self._threads:
                thread.start()
                started += 1
        except RuntimeError as error:  # the system has no more threads
            first = error
            self.stop()
        while len(ended) < started:
            failed = self._take(ended)
            if failed is not None and first is None:
                first = failed
                self.stop()
        for thread in self._threads[:started]:
            thread.join()
        if first is not None:
            raise first
        return [one.result for _, one in sorted(ended.items())]  # type: ignore[misc]

    def _take(self, ended: dict[int, _Ended[ResultT]]) -> BaseException | None:
        """Take the next thing that comes; return what failed, be it work, a listener or Ctrl-C."""
        try:
            came = self._inbox.get()
            if isinstance(came, _Told):
                self._deliver(came)
                return None
        except BaseException as error:
            return error
        ended[came.number] = came
        return came.error

    def _deliver(self, told: _Told) -> None:
        try:
            if not self._cancellation.is_cancelled:
                self._tell(told.event)
        except BaseException:
            told.taken.set_exception(_StoppedError())
            raise
        told.taken.set_result(None)

    # --- in the threads ----------------------------------------------------------

    def _run(self, number: int, work: Callable[[Tell], ResultT]) -> None:
        try:
            with self._cancellation.as_current(), listen_alone(self._hand_over):
                result = work(self._hand_over)
        except BaseException as error:
            self._inbox.put(_Ended(number, error=error))
        else:
            self._inbox.put(_Ended(number, result))

    def _hand_over(self, event: Event) -> None:
        """Tell an event in the other thread, and wait until it was taken."""
        if self._cancellation.is_cancelled:
            raise _StoppedError
        taken: Future[None] = Future()
        self._inbox.put(_Told(event, taken))
        taken.result()
