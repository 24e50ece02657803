"""Work for asyncio that runs in a thread, and is stopped with its task."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest
from left_threads import left_threads

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.async_build import run_in_thread
from imagebuilders.cancellation import stopped_by
from imagebuilders.events import Event, Notice, StepStarted, emit, listen
from imagebuilders.exceptions import BuildError


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """See that a test leaves no thread behind."""
    before = set(threading.enumerate())
    yield
    assert left_threads(before) == []


def test_events_are_told_in_the_thread_of_the_loop() -> None:
    """To the listeners of the caller's context, one after the other; the result comes back."""
    told: list[tuple[Event, threading.Thread]] = []

    def work() -> str:
        assert threading.current_thread() is not threading.main_thread()
        for number in range(3):
            emit(Notice(str(number)))
        return "done"

    async def main() -> str:
        with listen(lambda event: told.append((event, threading.current_thread()))):
            return await run_in_thread(work)

    assert asyncio.run(main()) == "done"
    assert told == [(Notice(str(number)), threading.main_thread()) for number in range(3)]


def test_without_listeners_events_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """As those of a build that is not for asyncio."""
    asyncio.run(run_in_thread(lambda: emit(Notice("look"))))
    assert caplog.messages == ["look"]


def test_what_a_listener_raises_ends_the_work() -> None:
    """It is raised where the event was emitted, and comes out."""
    passed: list[int] = []

    def work() -> None:
        emit(Notice("look"))
        passed.append(1)

    async def main() -> None:
        def listener(event: Event) -> None:
            raise RuntimeError("enough")

        with listen(listener):
            await run_in_thread(work)

    with pytest.raises(RuntimeError, match="enough"):
        asyncio.run(main())
    assert passed == []


def test_cancelled_work_is_stopped_and_waited_for() -> None:
    """What waits says how it is stopped."""
    waiting, stopped = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        with stopped_by(stopped.set):
            waiting.set()
            ended.append(stopped.wait(10))

    async def main() -> None:
        task = asyncio.create_task(run_in_thread(work))
        await asyncio.to_thread(waiting.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # once more while it is being stopped
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]

    asyncio.run(main())


def test_work_that_tells_events_is_stopped_at_the_next_one() -> None:
    """A listener hears nothing more."""
    told: list[Event] = []
    begun, cancelled = threading.Event(), threading.Event()

    def work() -> None:
        emit(Notice("first"))
        begun.set()
        cancelled.wait(10)
        emit(Notice("second"))

    async def main() -> None:
        with listen(told.append):
            task = asyncio.create_task(run_in_thread(work))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            asyncio.get_running_loop().call_later(0.05, cancelled.set)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert told == [Notice("first")]


def test_what_would_be_stopped_later_is_stopped_at_once() -> None:
    """A cancellation counts for waits that begin after it."""
    cancelled = threading.Event()
    stopped: list[bool] = []

    def work() -> None:
        cancelled.wait(10)
        event = threading.Event()
        with stopped_by(event.set):
            stopped.append(event.wait(10))

    async def main() -> None:
        task = asyncio.create_task(run_in_thread(work))
        await asyncio.sleep(0)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, cancelled.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert stopped == [True]


# --- builds -------------------------------------------------------------------


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file("FROM base:1\nRUN make\n", "Dockerfile")
    return context


def _fail(build: ScriptedBuild) -> None:
    build.step("[2/2] COPY missing /", error="missing: not found")
    build.fail("missing: not found")


@contextlib.contextmanager
def _builder(
    buildkit: ScriptedBuildKit, setting: str = "auto"
) -> Iterator[tuple[LocalImageBuilder, FakeDockerEngine]]:
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    engine.seed_image("base:1", files={"/bin/sh": ""})
    with contextlib.closing(FakeDockerClient(engine)) as client:
        yield LocalImageBuilder(docker_client=client, builder=setting), engine


@pytest.mark.parametrize("setting", ["buildkit", "classic"])
def test_a_build_for_asyncio_is_the_same_build(setting: str) -> None:
    """Result, events and errors are those of `build`; several run at a time."""
    told: list[Event] = []

    async def main(builder: LocalImageBuilder) -> list[str]:
        with listen(told.append):
            return list(
                await asyncio.gather(*(builder.abuild(f"app:{n}", _context()) for n in range(3)))
            )

    buildkit = ScriptedBuildKit()
    with _builder(buildkit, setting) as (builder, engine):
        assert asyncio.run(main(builder)) == ["app:0", "app:1", "app:2"]
        assert engine.image("app:2")
        broken = BuildContext()
        broken.add_file("FROM base:1\nCOPY missing /\n", "Dockerfile")
        buildkit.script = _fail
        with pytest.raises(BuildError, match="missing"):
            asyncio.run(builder.abuild("app:1", broken))
    assert any(isinstance(event, StepStarted) for event in told)


def test_a_cancelled_task_stops_the_build_at_the_daemon() -> None:
    """Also one that says nothing, as a step that sleeps."""
    begun, stopped = threading.Event(), threading.Event()

    def script(build: ScriptedBuild) -> None:
        build.start_step("[2/2] RUN sleep")
        begun.set()
        if build.wait_cancelled():
            stopped.set()

    async def main(builder: LocalImageBuilder) -> None:
        task = asyncio.create_task(builder.abuild("app:1", _context()))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    buildkit = ScriptedBuildKit(script)
    with _builder(buildkit) as (builder, _):
        asyncio.run(main(builder))
        assert stopped.wait(10)
        buildkit.check()


def test_a_cancelled_task_stops_a_classic_build() -> None:
    """Its connection is closed, upon which an engine stops."""
    with _builder(ScriptedBuildKit(), "classic") as (builder, engine):
        fault = engine.faults.answer("POST /build", b"{}", then="hang", times=None)

        async def main() -> None:
            task = asyncio.create_task(builder.abuild("app:1", _context()))
            while not fault.hits:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert fault.abandoned.wait(10)
