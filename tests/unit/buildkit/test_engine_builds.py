"""Builds of the local builder with the BuildKit of an engine in memory."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from comparison_size import size

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit, SourceLines
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.builder_choice import BuilderSetting
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import (
    Event,
    ImageBuilt,
    Notice,
    StepCached,
    StepFinished,
    StepOutput,
    StepStarted,
    listen,
)
from imagebuilders.exceptions import BuildError, BuildOptionsError, ImageNameError

Response = Mapping[str, str] | None


class _Engine:
    """An engine whose BuildKit follows the script that a test sets."""

    def __init__(self) -> None:
        self.buildkit = ScriptedBuildKit()
        self.engine = FakeDockerEngine("28.5", buildkit=self.buildkit)
        self.engine.seed_image("base:1", files={"/bin/sh": ""})
        self.client = FakeDockerClient(self.engine)

    def builder(self) -> LocalImageBuilder:
        return LocalImageBuilder(docker_client=self.client, builder="auto")


@pytest.fixture
def engine() -> Iterator[_Engine]:
    """Give an engine with BuildKit; scripts must not have failed at the end."""
    engine = _Engine()
    yield engine
    engine.client.close()
    engine.buildkit.check()


def _context(dockerfile: str = "FROM base:1\nRUN make\n") -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


def test_a_build_that_succeeds(engine: _Engine, events: list[Event]) -> None:
    """Its steps are told as they come, the image is the engine's, and BuildKit was asked once."""

    def script(build: ScriptedBuild) -> Response:
        build.step("[1/2] FROM base:1", cached=True)
        build.step("[2/2] RUN make", output="one\ntwo\n")
        return build.export()

    engine.buildkit.script = script
    assert engine.builder().build("app:1", _context()) == "app:1"

    assert engine.engine.image("app:1")
    (request,) = engine.buildkit.requests
    assert request.Frontend == "dockerfile.v0"
    assert request.ExporterDeprecated == "moby"
    assert [exporter.Type for exporter in request.Exporters] == ["moby"]
    assert request.ExporterAttrsDeprecated["name"] == "app:1"
    steps = [event.instruction for event in events if isinstance(event, StepStarted)]
    assert steps == ["FROM base:1", "RUN make"]
    assert [event.number for event in events if isinstance(event, StepCached)] == [1]
    assert [event.line for event in events if isinstance(event, StepOutput)] == ["one", "two"]
    assert len([event for event in events if isinstance(event, StepFinished)]) == 2
    (built,) = [event for event in events if isinstance(event, ImageBuilt)]
    assert built.image_id == engine.engine.image("app:1").id
    assert not [event for event in events if isinstance(event, Notice)]


def test_the_image_is_pushed_after_the_build(engine: _Engine) -> None:
    """With a registry, the engine pushes what its BuildKit has built; the digest comes back."""
    with FakeRegistry() as server:
        registry = DefaultContainerRegistry(uri=server.address, docker_client=engine.client)
        digest = LocalImageBuilder(builder="auto").build(
            f"{server.address}/app:1", _context(), container_registry=registry
        )
        assert digest == f"{server.address}/app@{server.manifest('app:1').digest}"
    assert len(engine.buildkit.requests) == 1


@pytest.mark.parametrize("setting", ["auto", "classic"])
def test_an_option_pushes_to_the_registries_that_the_names_name(
    engine: _Engine, setting: BuilderSetting
) -> None:
    """Each name; with a registry component, its further names too."""
    builder = LocalImageBuilder(docker_client=engine.client, builder=setting)
    with FakeRegistry() as server, FakeRegistry() as other:
        name, further = f"{server.address}/app:1", f"{other.address}/team/app:2"
        digest = builder.build(name, _context(), {"push": True, "tags": [further]})
        pushed = server.manifest("app:1").digest
        assert digest == f"{server.address}/app@{pushed}"
        assert other.manifest("team/app:2").digest == pushed
        registry = DefaultContainerRegistry(uri=server.address, docker_client=engine.client)
        options = {"push": True, "tags": [f"{server.address}/app:2"]}
        digest = builder.build(name, _context(), options, registry)
        assert digest == f"{server.address}/app@{server.manifest('app:2').digest}"


def test_what_names_no_registry_is_not_pushed(engine: _Engine) -> None:
    """So that nothing is published by mistake: it is told before the engine is asked."""
    with pytest.raises(BuildOptionsError, match="'app' names no registry") as caught:
        engine.builder().build("localhost:5000/app", _context(), {"push": True, "tags": ["app"]})
    assert caught.value.option == "push"
    registry = DefaultContainerRegistry(uri="localhost:5000", docker_client=engine.client)
    with pytest.raises(ImageNameError, match="does not belong"):
        engine.builder().build(
            "localhost:5000/app", _context(), {"push": True, "tags": ["app"]}, registry
        )
    assert engine.engine.requests == []


@pytest.mark.parametrize("setting", ["auto", "classic"])
def test_other_programs_are_told_what_was_built(
    engine: _Engine, setting: BuilderSetting, tmp_path: Path, events: list[Event]
) -> None:
    """The ID is the engine's, whoever has built."""
    builder = LocalImageBuilder(docker_client=engine.client, builder=setting)
    files = {"iidfile": tmp_path / "id", "metadata_file": tmp_path / "m.json"}
    builder.build("team/app:1", _context(), files)
    (built,) = [event for event in events if isinstance(event, ImageBuilt)]
    assert (tmp_path / "id").read_text() == built.image_id
    said = json.loads((tmp_path / "m.json").read_text())
    assert said["containerimage.digest"] == built.image_id
    assert said["image.name"] == "team/app:1"


@pytest.mark.parametrize("setting", ["auto", "classic"])
def test_a_file_that_cannot_be_written_in_the_end(
    engine: _Engine, setting: BuilderSetting, tmp_path: Path
) -> None:
    """The error says that the image was built."""

    def fill(event: Event) -> None:
        if isinstance(event, ImageBuilt):
            (tmp_path / "id").mkdir()

    builder = LocalImageBuilder(docker_client=engine.client, builder=setting)
    with listen(fill), pytest.raises(BuildError, match="was built, but"):
        builder.build("team/app:1", _context(), {"iidfile": tmp_path / "id"})


def test_a_question_is_no_build(engine: _Engine) -> None:
    """It is asked elsewhere; `build` is what every build is."""
    assert engine.builder().build("app:1", _context(), {"call": "build"}) == "app:1"
    with pytest.raises(BuildOptionsError, match="asks for 'check'") as caught:
        engine.builder().build("app:1", _context(), {"call": "check"})
    assert caught.value.option == "call"


@pytest.mark.parametrize("policy", [None, "disabled=true"])
def test_a_policy_beside_the_dockerfile_is_told_of(
    engine: _Engine, events: list[Event], tmp_path: Path, policy: str | None
) -> None:
    """`docker buildx` would follow it; unless the caller knows that nobody does here."""
    (tmp_path / "Dockerfile").write_text("FROM base:1\n")
    (tmp_path / "Dockerfile.rego").write_text("package docker\n")
    engine.builder().build("app:1", BuildContext(str(tmp_path)), {"policy": policy})
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert [f"{tmp_path}/Dockerfile.rego is not evaluated" in text for text in notices] == (
        [] if policy else [True]
    )


def test_a_failing_step(engine: _Engine) -> None:
    """The error has the lines of the Dockerfile, the exit code, and what the step printed."""

    def script(build: ScriptedBuild) -> Response:
        dockerfile = build.session.copy("dockerfile")["Dockerfile"].content or b""
        build.step("[1/3] FROM base:1")
        build.step("[2/3] RUN first", output="fine\n")
        build.fail_step(
            "[3/3] RUN make",
            exit_code=7,
            output="compiling\n",
            error_output="no such file\n",
            source=SourceLines(dockerfile, [(3, 3)]),
        )

    engine.buildkit.script = script
    with pytest.raises(BuildError) as caught:
        engine.builder().build("app:1", _context("FROM base:1\nRUN first\nRUN make\n"))
    error = caught.value
    assert error.exit_code == 7
    assert error.instruction == "RUN make"
    assert sorted(error.output) == ["compiling", "no such file"]
    assert error.log[0] == "fine"
    assert "> 3 | RUN make" in str(error)
    assert error.excerpt is not None
    assert error.excerpt in str(error)
    assert "exit code: 7" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.exit_code) == (str(error), 7)


def test_a_failing_step_without_details(engine: _Engine) -> None:
    """Of 20.10, which has none, the exit code is in the words."""

    def script(build: ScriptedBuild) -> Response:
        build.fail_step("[2/2] RUN make", exit_code=3, has_details=False)

    engine.buildkit.script = script
    with pytest.raises(BuildError, match="executor failed running") as caught:
        engine.builder().build("app:1", _context())
    assert caught.value.exit_code == 3
    assert caught.value.instruction == "RUN make"


def test_a_secret_is_handed_out_and_shown_nowhere(
    engine: _Engine,
    events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A step gets its value; what prints it does so masked, in events, log and error."""
    monkeypatch.setenv("TOKEN", "correct-horse-battery")
    handed_out: list[bytes] = []

    def script(build: ScriptedBuild) -> Response:
        handed_out.append(build.session.secret("token"))
        build.fail_step("[2/2] RUN show", output=b"it is " + handed_out[0] + b"\n")

    engine.buildkit.script = script
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BuildError) as caught:
        engine.builder().build("app:1", _context(), {"secrets": [{"id": "token", "env": "TOKEN"}]})
    assert handed_out == [b"correct-horse-battery"]
    told = f"{events!r} {caught.value} {caught.value.log} {caplog.text}"
    assert "it is ****" in told
    assert "correct-horse" not in told
    assert "correct-horse" not in str(engine.buildkit.requests)


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_an_exception_in_a_listener_ends_the_build(
    engine: _Engine, kind: type[BaseException]
) -> None:
    """It comes out of `build` as it is, and the daemon is told to stop."""
    stopped: list[bool] = []
    done = threading.Event()

    def script(build: ScriptedBuild) -> Response:
        session = build.session
        build.start_step("[2/2] RUN sleep")
        stopped.append(build.wait_cancelled() and session.wait_closed())
        done.set()
        return None

    def listener(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise kind("enough")

    engine.buildkit.script = script
    with listen(listener), pytest.raises(kind, match="enough"):
        engine.builder().build("app:1", _context())
    assert done.wait(10)
    assert stopped == [True]


@pytest.mark.parametrize("_round", range(size(10, 300)))
def test_ctrl_c_ends_a_build_at_any_moment(engine: _Engine, _round: int) -> None:
    """While it still asks, or waits for a daemon that says nothing; nobody waits for ever."""
    stopped = threading.Event()

    def script(build: ScriptedBuild) -> Response:
        build.begin()
        signal.pthread_kill(main, signal.SIGINT)
        if build.wait_cancelled():
            stopped.set()
        return None

    main = threading.main_thread().ident or 0
    engine.buildkit.script = script
    with pytest.raises(KeyboardInterrupt):
        engine.builder().build("app:1", _context())
    assert stopped.wait(10)


@pytest.mark.parametrize("status", [200, 302, 403, 404, 501])
def test_a_refused_upgrade_means_the_classic_builder(
    engine: _Engine, events: list[Event], status: int
) -> None:
    """What is answered is not read; one notice tells why the build is a classic one."""
    fault = engine.engine.faults.answer(
        "POST /grpc", b"x" * 64, status=status, then="hang", times=None
    )
    assert engine.builder().build("app:1", _context()) == "app:1"
    assert fault.hits == 1
    assert fault.abandoned.wait(10)
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert f"HTTP status {status}" in notice.message
    assert engine.engine.builds
    assert not engine.buildkit.requests


def test_an_early_end_means_the_classic_builder(engine: _Engine, events: list[Event]) -> None:
    """An engine, or a proxy before it, may close the connection without a word."""
    engine.engine.faults.drop("POST /grpc", times=None)
    assert engine.builder().build("app:1", _context()) == "app:1"
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "without an answer" in notice.message


def test_an_engine_without_buildkit_is_not_asked_for_it_in_vain(events: list[Event]) -> None:
    """The setting `buildkit` refuses, and says why; the setting `classic` does not ask."""
    engine = FakeDockerEngine(buildkit=False)
    engine.seed_image("base:1", files={"/bin/sh": ""})
    with contextlib.closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        with pytest.raises(BuildError, match="HTTP status 501"):
            builder.build("app:1", _context())
        LocalImageBuilder(docker_client=client, builder="classic").build("app:1", _context())
    assert [r.path for r in engine.requests].count("/grpc") == 1
    assert not [event for event in events if isinstance(event, Notice)]


def test_a_daemon_that_dies_is_a_failed_build(engine: _Engine) -> None:
    """The error keeps what was printed so far."""

    def script(build: ScriptedBuild) -> Response:
        build.step("[2/2] RUN make", output="compiling\n")
        heard.wait(10)
        build.connection.cut()
        return None

    heard = threading.Event()

    def listener(event: Event) -> None:
        if isinstance(event, StepFinished):
            heard.set()

    engine.buildkit.script = script
    with listen(listener), pytest.raises(BuildError, match="closed the connection") as caught:
        engine.builder().build("app:1", _context())
    assert list(caught.value.log) == ["compiling"]


def test_a_daemon_that_sends_garbage_is_a_failed_build(engine: _Engine) -> None:
    """What is no HTTP/2 ends the connection, with an error of this package."""

    def script(build: ScriptedBuild) -> Response:
        build.begin()
        build.connection.send_raw(b"\xff" * 64)
        build.wait_cancelled()
        return None

    engine.buildkit.script = script
    with pytest.raises(BuildError, match="HTTP/2"):
        engine.builder().build("app:1", _context())


def test_a_session_that_is_refused_is_a_failed_build(engine: _Engine) -> None:
    """An engine may let the one connection through and not the other."""
    engine.engine.faults.fail("POST /session", 403, "denied")
    with pytest.raises(BuildError, match="HTTP status 403"):
        engine.builder().build("app:1", _context())


def test_a_reproducible_build_asks_for_fixed_times(
    engine: _Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the image, beside those of the files; an argument of the user's goes before."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    told: list[int] = []

    def script(build: ScriptedBuild) -> Response:
        told.extend(file.mtime_ns for file in build.session.copy("context").values())
        return build.export()

    engine.buildkit.script = script
    context = _context()
    context.add_file("x", "x")
    engine.builder().build("app:1", context, {"reproducible": True})
    engine.builder().build(
        "app:1", context, {"reproducible": True, "buildargs": {"SOURCE_DATE_EPOCH": "7"}}
    )
    first, second = engine.buildkit.requests
    assert first.FrontendAttrs["build-arg:SOURCE_DATE_EPOCH"] == "1700000000"
    assert second.FrontendAttrs["build-arg:SOURCE_DATE_EPOCH"] == "7"
    assert {time // 10**9 for time in told} == {1700000000}
