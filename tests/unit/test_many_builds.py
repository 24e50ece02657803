"""Several builds side by side."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from left_threads import left_threads

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import (
    BaseImageBuilder,
    BuildContext,
    BuildKitImageBuilder,
    LocalImageBuilder,
)
from imagebuilders.events import BuildStarted, Event, Notice, OneOfMany, emit, listen
from imagebuilders.exceptions import (
    BuildError,
    BuildOptionsError,
    ConfigurationError,
    DependencyFailedError,
)
from imagebuilders.many_builds import BuildResult, BuildTask, run_builds


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """See that a test leaves no thread and no descriptor behind."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    before = set(threading.enumerate())
    descriptors = len(os.listdir("/proc/self/fd"))
    yield
    assert left_threads(before) == []
    if len(os.listdir("/proc/self/fd")) > descriptors:
        gc.collect()  # what only cycles hold is closed late
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def _context(**files: str) -> BuildContext:
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY . /\n", "Dockerfile")
    for name, content in files.items():
        context.add_file(content, name)
    return context


def _tasks(*names: str) -> list[BuildTask]:
    context = _context(large="x" * 1000)
    return [BuildTask(name, context) for name in names]


def _script(build: ScriptedBuild) -> dict[str, str]:
    build.session.copy("dockerfile")
    build.session.copy("context")
    build.step("[1/1] RUN make", output=f"{build.image_names[0]}\n")
    if build.image_names[0].startswith("bad"):
        build.fail_step("[2/2] RUN fail")
    return build.export()


# --- with a builder --------------------------------------------------------------


def test_each_build_has_its_own_result_or_error() -> None:
    """One that fails leaves the others alone; results come in the order of the tasks."""
    daemon = ScriptedBuildKit(_script)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=daemon))
    results = LocalImageBuilder(docker_client=client).build_many(_tasks("a:1", "bad:1", "c:1"))
    client.close()
    daemon.check()
    assert [result.reference for result in results] == ["a:1", None, "c:1"]
    assert results[0].result() == "a:1"
    assert str(results[0].image_id).startswith("sha256:")
    assert isinstance(results[1].error, BuildError)
    with pytest.raises(BuildError, match="bad:1 was not built"):
        results[1].result()


def test_one_connection_and_one_session_serve_all() -> None:
    """A context that all have is served by one session, on one connection."""
    daemon = ScriptedBuildKit(_script)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=daemon))
    results = LocalImageBuilder(docker_client=client).build_many(_tasks(*"abcdef"))
    client.close()
    assert [result.error for result in results] == [None] * 6
    assert len(daemon.connections) == 1
    assert len(daemon.sessions) == 1
    assert {request.Session for request in daemon.requests} == {
        build.request.Session for build in daemon.builds
    }


def test_daemons_of_their_own_are_shared_too() -> None:
    """Each build finds its daemon; those that find the same have one session there."""
    daemon = ScriptedBuildKit(_script, containerd_store=True)
    tasks = [
        BuildTask(task.image_name, task.build_context, {"outputs": "type=image"})
        for task in _tasks("a:1", "bad:1", "c:1")
    ]
    with daemon.serve() as address:
        results = BuildKitImageBuilder(addresses=address).build_many(tasks, max_parallel=2)
    assert [result.error is None for result in results] == [True, False, True]
    assert len(daemon.sessions) == 1
    assert len({build.connection for build in daemon.builds}) == 1


def test_what_is_not_for_all_has_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of one build cannot be had by another; the folders come from the common session."""
    monkeypatch.setenv("TOKEN", "correct-horse")
    found: dict[str, bool] = {}

    def script(build: ScriptedBuild) -> dict[str, str]:
        name = build.image_names[0]
        with suppress(Exception):
            found[name] = build.session.secret("token") == b"correct-horse"
        found.setdefault(name, False)
        return build.export()

    daemon = ScriptedBuildKit(script)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=daemon))
    open_one, secret_one = _tasks("open:1", "secret:1")
    secret_one = BuildTask(
        "secret:1", secret_one.build_context, {"secrets": ["id=token,env=TOKEN"]}
    )
    LocalImageBuilder(docker_client=client).build_many([open_one, secret_one])
    client.close()
    assert found == {"open:1": False, "secret:1": True}
    requests = {dict(request.Exporters[0].Attrs)["name"]: request for request in daemon.requests}
    taken_from = requests["secret:1"].FrontendAttrs["local-sessionid:context"]
    assert taken_from == requests["open:1"].Session
    assert requests["secret:1"].Session != taken_from


def test_other_contexts_and_dockerfiles_are_told_apart() -> None:
    """Another context has another session; another Dockerfile another name in it."""
    copied: dict[str, bytes | None] = {}

    def script(build: ScriptedBuild) -> dict[str, str]:
        key = build.request.FrontendAttrs.get("dockerfilekey", "dockerfile")
        copied[build.image_names[0]] = build.session.copy(key)["Dockerfile"].content
        return build.export()

    daemon = ScriptedBuildKit(script)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=daemon))
    context = _context(Other="FROM other\n")
    tasks = [
        BuildTask("a:1", context),
        BuildTask("b:1", context, {"dockerfile": "Other"}),
        BuildTask("c:1", _context(more="m")),
    ]
    LocalImageBuilder(docker_client=client).build_many(tasks)
    client.close()
    daemon.check()
    assert copied["b:1"] == b"FROM other\n"
    assert copied["a:1"] == copied["c:1"] != copied["b:1"]
    assert len(daemon.sessions) == 2


def test_events_name_their_build() -> None:
    """They are told in the thread that waits, each with the name of its task."""
    told: list[tuple[Event, threading.Thread]] = []
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script)))
    with listen(lambda event: told.append((event, threading.current_thread()))):
        LocalImageBuilder(docker_client=client).build_many(
            [*_tasks("a:1"), BuildTask("b:1", _context(), name="second")]
        )
    client.close()
    assert {thread for _, thread in told} == {threading.main_thread()}
    started = {
        event.build: event.event.image_name
        for event, _ in told
        if isinstance(event, OneOfMany) and isinstance(event.event, BuildStarted)
    }
    assert started == {"a:1": "a:1", "second": "b:1"}


def test_what_a_listener_raises_stops_all_builds() -> None:
    """It is raised by `build_many`, and nothing is left at the daemon."""
    waiting = threading.Event()

    def script(build: ScriptedBuild) -> dict[str, str]:
        build.step("[1/1] RUN make")
        waiting.wait(10)
        return build.export()

    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(script)))

    def refuse(event: Event) -> None:
        if isinstance(event, OneOfMany) and not isinstance(event.event, BuildStarted):
            raise LookupError

    with listen(refuse), pytest.raises(LookupError):
        LocalImageBuilder(docker_client=client).build_many(_tasks(*"abc"))
    waiting.set()
    client.close()


def test_ctrl_c_stops_all_builds() -> None:
    """However many run: it ends at once, and leaves nothing."""
    begun = threading.Barrier(4)
    waiting = threading.Event()

    def script(build: ScriptedBuild) -> dict[str, str]:
        build.begin()
        with suppress(threading.BrokenBarrierError):
            begun.wait(10)
        waiting.wait(10)
        return build.export()

    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(script)))

    def interrupt() -> None:
        begun.wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presser = threading.Thread(target=interrupt)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        LocalImageBuilder(docker_client=client).build_many(_tasks(*"abcdef"), max_parallel=3)
    waiting.set()
    presser.join()
    client.close()


def test_a_cancelled_task_of_asyncio_stops_all_builds() -> None:
    """As a task that builds one image does."""
    begun, waiting = threading.Event(), threading.Event()

    def script(build: ScriptedBuild) -> dict[str, str]:
        build.begin()
        begun.set()
        waiting.wait(10)
        return build.export()

    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(script)))

    async def main() -> None:
        building = asyncio.create_task(
            LocalImageBuilder(docker_client=client).abuild_many(_tasks(*"abc"))
        )
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 10)
        building.cancel()
        with suppress(asyncio.CancelledError):
            await building
        assert building.cancelled()

    asyncio.run(main())
    waiting.set()
    client.close()


def test_asyncio_has_the_results() -> None:
    """`abuild_many` returns what `build_many` does."""
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script)))
    results = asyncio.run(LocalImageBuilder(docker_client=client).abuild_many(_tasks("a:1", "b:1")))
    client.close()
    assert [result.reference for result in results] == ["a:1", "b:1"]


def test_many_builds_in_a_row_leave_nothing() -> None:
    """Neither threads nor descriptors, whether they fail or not."""
    for _ in range(3):
        client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script)))
        LocalImageBuilder(docker_client=client).build_many(_tasks("a:1", "bad:1", "b:1", "bad:2"))
        client.close()


def test_builders_of_others_build_many_too(kite: type[BaseImageBuilder]) -> None:
    """What has `build` has `build_many`."""
    results = kite().build_many(_tasks("a:1", "b:1"))
    assert [result.reference for result in results] == ["kite a:1", "kite b:1"]


@pytest.fixture
def kite() -> type[BaseImageBuilder]:
    """A third party's builder."""

    class KiteImageBuilder(BaseImageBuilder):
        @property
        def is_building_locally(self) -> bool:
            return False

        def build(
            self,
            image_name: str | None,
            build_context: object,
            docker_build_options: object = None,
            container_registry: object = None,
        ) -> str:
            return f"kite {image_name}"

    return KiteImageBuilder


# --- order -----------------------------------------------------------------------


def test_no_more_run_than_may() -> None:
    """The bound counts builds at a time."""
    running, most = 0, 0
    lock = threading.Lock()

    def build(task: BuildTask) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        emit(Notice("look"))
        with lock:
            running -= 1
        return task.label

    results = run_builds(build, _tasks(*"abcdefgh"), max_parallel=3)
    assert len(results) == 8
    assert most <= 3


def _needing(name: str, *needed: str) -> BuildTask:
    contexts = {f"c{number}": f"target:{each}" for number, each in enumerate(needed)}
    return BuildTask(name, _context(), {"build_contexts": contexts})


def test_what_others_need_is_built_first() -> None:
    """Whatever the order of the tasks; results keep it."""
    done: list[str] = []

    def build(task: BuildTask) -> str:
        done.append(task.label)
        return task.label

    tasks = [_needing("c", "b"), _needing("b", "a"), BuildTask("a", _context())]
    results = run_builds(build, tasks, max_parallel=4)
    assert done == ["a", "b", "c"]
    assert [result.reference for result in results] == ["c", "b", "a"]


def test_what_needs_a_failed_build_is_not_begun() -> None:
    """Nor what needs that; the errors name the build that was needed."""

    def build(task: BuildTask) -> str:
        if task.image_name == "a":
            raise BuildError("a was not built")
        return task.label

    tasks = [_needing("c", "b"), _needing("b", "a"), *_tasks("a", "d")]
    by_name = {
        result.task.image_name: result for result in run_builds(build, tasks, max_parallel=4)
    }
    skipped = [by_name["b"].error, by_name["c"].error]
    assert [error.needed for error in skipped if isinstance(error, DependencyFailedError)] == [
        "a",
        "b",
    ]
    assert by_name["d"].reference == "d"


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([_needing("a", "b"), _needing("b", "a")], "need one another"),
        ([_needing("a", "z")], "needs 'z', which is none of the builds"),
        ([BuildTask("a", _context()), BuildTask("a", _context())], "Two builds are called 'a'"),
    ],
)
def test_tasks_that_cannot_be_ordered_are_refused(tasks: list[BuildTask], words: str) -> None:
    """Before anything is built."""
    with pytest.raises(ConfigurationError, match=words):
        run_builds(lambda task: task.label, tasks, max_parallel=1)


def test_a_wrong_bound_is_refused() -> None:
    """At least one build runs."""
    with pytest.raises(ConfigurationError, match="at least 1"):
        run_builds(lambda task: task.label, [], max_parallel=0)


def test_wrong_options_are_the_error_of_their_build() -> None:
    """The others are built."""
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script)))
    tasks = [*_tasks("a:1"), BuildTask("b:1", _context(), {"bogus": 1})]
    results = LocalImageBuilder(docker_client=client).build_many(tasks)
    client.close()
    assert results[0].reference == "a:1"
    assert isinstance(results[1].error, BuildOptionsError)


def test_nothing_to_build_is_no_error() -> None:
    """Without tasks there are no results."""
    assert run_builds(lambda task: task.label, [], max_parallel=1) == []


def test_a_fault_is_an_error_of_its_build() -> None:
    """A third party's builder may raise anything."""

    def build(task: BuildTask) -> str:
        raise ZeroDivisionError

    (result,) = run_builds(build, _tasks("a"), max_parallel=1)
    assert isinstance(result, BuildResult)
    assert isinstance(result.error, ZeroDivisionError)


def test_a_target_is_known_to_build_many_alone() -> None:
    """A build by itself says so."""
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script)))
    with pytest.raises(BuildOptionsError, match="target:base"):
        LocalImageBuilder(docker_client=client).build(
            "a:1", _context(), {"build_contexts": {"base": "target:base"}}
        )
    client.close()


def test_a_result_is_handed_on_as_its_definition() -> None:
    """The build that needs it is told how it is made, and what its configuration is."""

    def answer(build: ScriptedBuild, question: object) -> dict[str, bytes]:
        return {"containerimage.config": b"{}"}

    daemon = ScriptedBuildKit(_script, frontend=answer)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=daemon))
    tasks = [*_tasks("base:1"), _needing("app:1", "base:1")]
    results = LocalImageBuilder(docker_client=client).build_many(tasks)
    client.close()
    assert [result.error for result in results] == [None, None]
    asked = daemon.requests[-1]
    assert asked.FrontendAttrs["context:c0"] == "input:0-base:1"
    assert list(asked.FrontendInputs) == ["0-base:1"]
    assert "containerimage.config" in asked.FrontendAttrs["input-metadata:0-base:1"]
