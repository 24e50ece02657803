"""Several builds side by side, each with its own result or error.

They share one connection and one session for each context with the daemon, as far as the builder
has them, so that a context of several builds is sent once. Events reach listeners in the thread
that waits.

It is longer than other modules: what the threads of the builds share has one lock.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.cancellation import Cancellation, stopped_by
from imagebuilders.events import Event, ImageBuilt, OneOfMany, emit, listen_alone
from imagebuilders.exceptions import ConfigurationError, DependencyFailedError, ImageBuilderError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sharing import Shared

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry

_MAX_EVENTS = 1000
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class BuildTask:
    """One of several builds: what `build` takes.

    A context of the option `build_contexts` may be another task's image, as in
    `{"base": "target:base"}`: then that one is built first.

    Attributes:
        image_name: the name, with an optional tag, that the image gets; `None` for none.
        build_context: the files the build may use.
        docker_build_options: options with the Docker SDK's keyword names, or typed ones.
        container_registry: where to push the image.
        name: what events and other tasks call this one; the image's name by default, or `image`.
    """

    image_name: str | None
    build_context: BuildContext
    docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None
    container_registry: BaseContainerRegistry | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """What events and other tasks call this one."""
        return self.name or self.image_name or "image"


@dataclass(frozen=True)
class BuildResult:
    """What became of one of several builds.

    Attributes:
        task: what was to be built.
        reference: what `build` returns; `None` when it failed.
        image_id: the image's ID; `None` when there is no image, or the builder does not tell.
        error: why it failed; `None` when it did not.
    """

    task: BuildTask
    reference: str | None = None
    image_id: str | None = None
    error: Exception | None = None

    def result(self) -> str:
        """Return what `build` returns.

        Raises:
            Exception: the error that the build failed by.
        """
        if self.error is not None:
            raise self.error
        return self.reference or ""


def run_builds(
    build: Callable[[BuildTask], str], tasks: Sequence[BuildTask], *, max_parallel: int
) -> list[BuildResult]:
    """Do several builds side by side, and wait for all.

    An exception of a listener, or `KeyboardInterrupt`, stops all builds, and is raised here.

    Args:
        build: does one.
        tasks: what is to be built.
        max_parallel: so many may run at a time.

    Returns:
        What became of each, in the order of the tasks.

    Raises:
        ConfigurationError: two tasks are called the same, or need each other.
    """
    from imagebuilders.auth.keychain import shared_keychain

    if max_parallel < 1:
        raise ConfigurationError("max_parallel is at least 1.")
    with shared_keychain():
        return _Builds(build, tasks, max_parallel).run()


def needed_by(task: BuildTask) -> tuple[str, ...]:
    """Return the names of the tasks whose images are contexts of one.

    Raises:
        BuildOptionsError: the task's options are wrong.
    """
    contexts = DockerBuildOptions.from_any(task.docker_build_options).build_contexts
    return tuple(
        value.removeprefix(TARGET_SCHEME)
        for value in contexts.values()
        if value.startswith(TARGET_SCHEME)
    )


class _Stopped(BaseException):
    """Ends a build at its next event, and all of them for who waits."""


class _Stop:
    """All builds are to end: the task that waits for them was cancelled."""


@dataclass
class _Ended:
    """A build has ended."""

    result: BuildResult
    fault: BaseException | None = None


@dataclass
class _Work:
    """What is known of one task."""

    task: BuildTask
    needs: tuple[str, ...] = ()
    result: BuildResult | None = None
    thread: threading.Thread | None = field(default=None, repr=False)


class _Builds:
    """The builds of one call."""

    def __init__(
        self, build: Callable[[BuildTask], str], tasks: Sequence[BuildTask], max_parallel: int
    ) -> None:
        self._build = build
        self._max_parallel = max_parallel
        self._work = _named(tasks)
        needs = {name: work.needs for name, work in self._work.items()}
        self._order = list(TopologicalSorter(needs).static_order())
        self._needed = frozenset(name for work in self._work.values() for name in work.needs)
        self._shared = Shared()
        self._cancellation = Cancellation()
        self._news: queue.Queue[Event | _Ended | _Stop] = queue.Queue(_MAX_EVENTS)
        self._running: dict[str, threading.Thread] = {}

    def run(self) -> list[BuildResult]:
        try:
            with stopped_by(lambda: self._news.put(_Stop())):
                self._start_ready()
                while self._running:
                    self._take(self._news.get())
                    self._start_ready()
        except BaseException:
            self._stop()
            raise
        finally:
            self._shared.close()
        results = (work.result for work in self._work.values())
        return [result for result in results if result is not None]

    # --- in the thread that waits ----------------------------------------------

    def _start_ready(self) -> None:
        for name in self._order:
            work = self._work[name]
            if work.result is not None or name in self._running:
                continue
            failed = self._failed_need(work)
            if failed is not None:
                work.result = BuildResult(
                    work.task,
                    error=DependencyFailedError(
                        f"{work.task.label} was not built, as {failed} failed, which it needs.",
                        needed=failed,
                    ),
                )
            elif len(self._running) < self._max_parallel and all(map(self._is_done, work.needs)):
                self._start(name, work)

    def _start(self, name: str, work: _Work) -> None:
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._do, name, work.task), name=f"imagebuilders {name}"
        )
        self._running[name] = thread
        thread.start()

    def _is_done(self, name: str) -> bool:
        return self._work[name].result is not None

    def _failed_need(self, work: _Work) -> str | None:
        for name in work.needs:
            result = self._work[name].result
            if result is not None and result.error is not None:
                return name
        return None

    def _take(self, news: Event | _Ended | _Stop) -> None:
        if isinstance(news, _Stop):
            raise _Stopped
        if not isinstance(news, _Ended):
            emit(news)
            return
        name = news.result.task.label
        self._running.pop(name).join()
        self._work[name].result = news.result
        if news.fault is not None:
            raise news.fault

    def _stop(self) -> None:
        """Stop all builds, and wait until they have ended, however often this is interrupted."""
        # Closing connections takes a moment, in which builds may want to tell something.
        stopper = threading.Thread(target=self._cancellation.cancel, name="imagebuilders stop")
        has_ended = False
        while not has_ended:
            with suppress(KeyboardInterrupt):
                if stopper.ident is None:
                    stopper.start()
                while self._running:
                    self._drop_ended()
                stopper.join()
                has_ended = True

    def _drop_ended(self) -> None:
        try:
            news = self._news.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            # One that was interrupted before it began says nothing.
            for name, thread in list(self._running.items()):
                if not thread.is_alive():
                    del self._running[name]
            return
        if isinstance(news, _Ended) and news.result.task.label in self._running:
            self._running.pop(news.result.task.label).join()

    # --- in the build's thread ---------------------------------------------------

    def _do(self, name: str, task: BuildTask) -> None:
        image_id: str | None = None

        def tell(event: Event) -> None:
            nonlocal image_id
            if isinstance(event, ImageBuilt):
                image_id = event.image_id
            if self._cancellation.is_cancelled:
                raise _Stopped
            self._news.put(OneOfMany(name, event))

        fault: BaseException | None = None
        try:
            with (
                self._cancellation.as_current(),
                self._shared.as_current(name, is_needed=name in self._needed),
                listen_alone(tell),
            ):
                result = BuildResult(task, self._build(task), image_id)
        except Exception as error:
            result = BuildResult(task, error=error)
        except BaseException as error:
            result = BuildResult(task)
            fault = error
        self._news.put(_Ended(result, fault))


def _named(tasks: Sequence[BuildTask]) -> dict[str, _Work]:
    """Return the tasks by their names, with what each needs.

    Raises:
        ConfigurationError: two are called the same, or need each other.
    """
    named: dict[str, _Work] = {}
    for task in tasks:
        if task.label in named:
            raise ConfigurationError(
                f"Two builds are called {task.label!r}. Tell them apart by 'name'."
            )
        needs: tuple[str, ...] = ()
        with suppress(ImageBuilderError):  # the build itself raises it
            needs = needed_by(task)
        named[task.label] = _Work(task, needs)
    for work in named.values():
        for name in work.needs:
            if name not in named:
                raise ConfigurationError(
                    f"The build {work.task.label!r} needs {name!r}, which is none of the builds."
                )
    try:
        TopologicalSorter({name: work.needs for name, work in named.items()}).prepare()
    except CycleError as error:
        raise ConfigurationError(
            f"The builds need one another without end: {' → '.join(error.args[1])}."
        ) from error
    return named
