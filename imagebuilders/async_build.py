"""Builds for asyncio: in a thread of its own each, stopped when its task is cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

from imagebuilders.cancellation import Cancellation
from imagebuilders.events import Event, emit, has_listeners, listen_alone

ResultT = TypeVar("ResultT")


async def run_in_thread(work: Callable[[], ResultT]) -> ResultT:
    """Do something that takes long and emits events, without holding up the event loop.

    Events reach the listeners of the caller's context in the event loop's thread, and what they
    raise ends the work, as if it were done there.

    Args:
        work: what to do. When the task is cancelled it is stopped, and waited for.

    Returns:
        What it returns.
    """
    running = _Running(work, asyncio.get_running_loop())
    running.start()
    try:
        return await asyncio.shield(running.done)
    except asyncio.CancelledError:
        if not running.done.done():
            await running.stop()
        raise
    finally:
        running.join()


class _Cancelled(BaseException):
    """Ends the work at its next event."""


class _Running(Generic[ResultT]):
    """Work in a thread of its own."""

    def __init__(self, work: Callable[[], ResultT], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._cancellation = Cancellation()
        self._listeners = contextvars.copy_context()
        self.done: asyncio.Future[ResultT] = loop.create_future()
        own = contextvars.copy_context()
        self._thread = threading.Thread(
            target=own.run, args=(self._run, work), name="imagebuilders build"
        )

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    async def stop(self) -> None:
        """Stop the work, and wait until it has ended, however often this is cancelled."""
        # Closing connections may take a moment, which the event loop has not.
        stopper = threading.Thread(target=self._cancellation.cancel, name="imagebuilders stop")
        stopper.start()
        while not self.done.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([self.done])
        if not self.done.cancelled():
            self.done.exception()  # it was stopped: how it ended is of no interest
        stopper.join()

    # --- in the thread -----------------------------------------------------------

    def _run(self, work: Callable[[], ResultT]) -> None:
        try:
            with self._cancellation.as_current():
                if has_listeners():
                    with listen_alone(self._tell):
                        result = work()
                else:
                    result = work()
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._fail, error)
        else:
            self._loop.call_soon_threadsafe(self._succeed, result)

    def _tell(self, event: Event) -> None:
        """Tell an event in the event loop's thread; what a listener raises is raised here."""
        if self._cancellation.is_cancelled:
            raise _Cancelled
        told: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._deliver, event, told, context=self._listeners)
        told.result()

    # --- in the event loop ---------------------------------------------------------

    def _deliver(self, event: Event, told: Future[None]) -> None:
        try:
            if not self._cancellation.is_cancelled:
                emit(event)
        except BaseException as error:
            told.set_exception(error)
        else:
            told.set_result(None)

    def _succeed(self, result: ResultT) -> None:
        if not self.done.done():
            self.done.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
