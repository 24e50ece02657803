"""The local builder with BuildKit on real engines: choice, errors, summary, threads, tasks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.image_reading import read_file

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.events import (
    BuildFinished,
    Event,
    ImageBuilt,
    Notice,
    StepOutput,
    StepStarted,
    listen,
)
from imagebuilders.exceptions import BuildError, BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")


@pytest.fixture
def buildkit(buildkit_engine: Engine) -> LocalImageBuilder:
    """A builder for each engine."""
    return LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")


def _context(engine: Engine, *lines: str) -> BuildContext:
    context = BuildContext()
    context.add_file("\n".join([f"FROM {engine.busybox}", *lines, ""]), "Dockerfile")
    context.add_file("content\n", "a")
    return context


def _output(events: list[Event]) -> list[str]:
    return [event.line for event in events if isinstance(event, StepOutput) and event.step_id]


# --- the same call, the same result --------------------------------------------

PARITY = """\
FROM BUSYBOX AS build
ARG VERSION=0
WORKDIR /src
COPY a folder ./
RUN mkdir -p out && echo $VERSION > out/version && chmod 640 out/version && ln -s version out/link
FROM BUSYBOX
ENV A=b PATH=/extra:$PATH
COPY --from=build --chown=3:4 /src/out /out/
ADD a /added/
WORKDIR /out
USER 5
EXPOSE 80 53/udp
VOLUME /data
LABEL one=two
ENTRYPOINT ["cat"]
CMD ["version"]
HEALTHCHECK --interval=5s CMD true
STOPSIGNAL SIGINT
ONBUILD RUN true
"""
CONFIG = (
    *("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "ExposedPorts", "Volumes", "Labels"),
    *("Healthcheck", "StopSignal", "OnBuild"),
)


def test_image_is_that_of_a_classic_build(buildkit_engine: Engine, root: Path) -> None:
    """Configuration and files are the same, and the name leads to what the event says."""
    engine = buildkit_engine
    (root / "folder").mkdir()
    (root / "folder" / "b").write_text("more")
    (root / "a").write_text("content")
    (root / "Dockerfile").write_text(PARITY.replace("BUSYBOX", engine.busybox))
    images = {}
    for setting in ("classic", "buildkit"):
        told: list[Event] = []
        builder = LocalImageBuilder(docker_client=engine.client, builder=setting)
        options: dict[str, object] = {
            "buildargs": {"VERSION": "7"},
            "labels": {"three": "four"},
            "tags": [f"parity-{setting}:2"],
        }
        with listen(told.append):
            name = builder.build(f"parity-{setting}:1", BuildContext(str(root)), options)
        assert name == f"parity-{setting}:1"
        (built,) = [event for event in told if isinstance(event, ImageBuilt)]
        images[setting] = image = engine.client.images.get(name)
        assert image.id == built.image_id
        assert engine.client.images.get(f"parity-{setting}:2").id == image.id
        finished = told[-1]
        assert isinstance(finished, BuildFinished)
        assert finished.steps
        assert finished.size == image.attrs["Size"]
    classic, built_new = (images[setting].attrs["Config"] for setting in ("classic", "buildkit"))
    assert {name: built_new.get(name) or None for name in CONFIG} == {
        name: classic.get(name) or None for name in CONFIG
    }
    for path in ("/out/version", "/out/link", "/added/a"):
        assert read_file(engine, "parity-buildkit:1", path) == read_file(
            engine, "parity-classic:1", path
        )


def test_rebuild_is_cached_and_sends_nothing(
    buildkit_engine: Engine, buildkit: LocalImageBuilder, root: Path
) -> None:
    """The end says how much came from the cache."""
    (root / "a").write_bytes(b"x" * 300_000)
    (root / "Dockerfile").write_text(f"FROM {buildkit_engine.busybox}\nCOPY a /\nRUN cat /a >/b\n")
    ids = []
    for _ in range(2):
        told: list[Event] = []
        with listen(told.append):
            buildkit.build("rebuilt:1", BuildContext(str(root)))
        ids += [event.image_id for event in told if isinstance(event, ImageBuilt)]
    finished = told[-1]
    assert isinstance(finished, BuildFinished)
    assert (finished.steps, finished.cached_steps) == (2, 2)
    assert ids[0] == ids[1]


# --- what the engine is asked for ------------------------------------------------


def test_limits_and_hosts_of_steps(buildkit_engine: Engine) -> None:
    """20.10's BuildKit would pass them over, so it builds classically, and says so."""
    engine = buildkit_engine
    context = _context(engine, "RUN ulimit -n; df -k /dev/shm | tail -n 1; grep gate /etc/hosts")
    told: list[Event] = []
    options = {
        "ulimit": "nofile=77:88",
        "shmsize": "1m",
        "extra_hosts": ["gate:host-gateway"],
        "nocache": True,
    }
    with listen(told.append):
        LocalImageBuilder(docker_client=engine.client).build("limits:1", context, options)
    notices = [event.message for event in told if isinstance(event, Notice)]
    if engine.series == "20.10":
        assert len(notices) == 1
        assert "passes over the option 'ulimit'" in notices[0]
    else:
        assert notices == []
    limit, memory, host = [line for line in _output(told) if line.strip()][-3:]
    assert limit == "77"
    assert "1024" in memory
    assert host.split()[0].count(".") == 3


def test_limits_that_it_passes_over_are_built_classically(buildkit_engine: Engine) -> None:
    """With one notice that says why."""
    told: list[Event] = []
    context = _context(buildkit_engine, "RUN true")
    with listen(told.append):
        LocalImageBuilder(docker_client=buildkit_engine.client).build(
            "limits:2", context, {"container_limits": {"memory": "64m"}}
        )
    (notice,) = [event.message for event in told if isinstance(event, Notice)]
    assert "passes over the option 'container_limits'" in notice


@pytest.mark.parametrize("frontend", ["dockerfile", "builtin"])
def test_frontend_that_cannot_be_pulled(buildkit_engine: Engine, frontend: str) -> None:
    """The engine's own does without it; else the error says what helps."""
    context = BuildContext()
    context.add_file(
        f"# syntax=127.0.0.1:1/no/frontend:1\nFROM {buildkit_engine.busybox}\n", "Dockerfile"
    )
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, frontend=frontend)
    if frontend == "builtin":
        assert builder.build("frontend:1", context) == "frontend:1"
        return
    with pytest.raises(BuildError, match="frontend='builtin'") as caught:
        builder.build("frontend:1", context)
    assert "'# syntax='" in str(caught.value)


def test_image_layout_as_a_named_context(
    containerd_engine: Engine, engine: Engine, tmp_path: Path
) -> None:
    """An image that one store exports is a base for another build."""
    builder = LocalImageBuilder(docker_client=containerd_engine.client)
    layout = tmp_path / "layout"
    builder.build(
        "layout:1",
        _context(containerd_engine, "RUN echo laid out > /file"),
        {"outputs": f"type=oci,tar=false,dest={layout}"},
    )
    context = BuildContext()
    context.add_file("FROM base\nRUN cat /file\n", "Dockerfile")
    told: list[Event] = []
    with listen(told.append):
        builder.build("layout:2", context, {"build_contexts": {"base": f"oci-layout://{layout}:1"}})
    assert "laid out" in _output(told)


def test_named_contexts_need_a_frontend_that_knows_them(engine_20_10: Engine) -> None:
    """20.10's does not, and is not asked."""
    builder = LocalImageBuilder(docker_client=engine_20_10.client)
    context = _context(engine_20_10)
    with pytest.raises(BuildOptionsError, match="knows no 'build_contexts'"):
        builder.build("named:1", context, {"build_contexts": {"a": "docker-image://b"}})


# --- how it is told ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "instruction", "marked"),
    [
        (["ARG A=3", "RUN true", "RUN echo out; exit $A"], "RUN", ["RUN echo out; exit $A"]),
        (["COPY missing /x"], "COPY missing /x", ["COPY missing /x"]),
        (["RUM true"], None, ["RUM true"]),
        (["RUN true && \\", "  false"], "RUN", ["RUN true && \\", "  false"]),
    ],
)
def test_error_shows_the_lines(
    buildkit_engine: Engine,
    buildkit: LocalImageBuilder,
    lines: list[str],
    instruction: str | None,
    marked: list[str],
) -> None:
    """On every engine, with details or without."""
    with pytest.raises(BuildError) as caught:
        buildkit.build("failing:1", _context(buildkit_engine, *lines))
    error = caught.value
    assert error.excerpt is not None
    found = [line.partition("| ")[2] for line in error.excerpt.splitlines() if line[0] == ">"]
    assert found == marked
    assert error.excerpt in f"{error}\n"
    if instruction is None:
        assert error.instruction is None
    else:
        assert (error.instruction or "").startswith(instruction)
    if "exit $A" in marked[0]:
        assert (error.exit_code, error.output, error.log) == (3, ("out",), ("out",))


def test_parallel_stages_are_told_apart(
    buildkit_engine: Engine, buildkit: LocalImageBuilder
) -> None:
    """Two steps run at a time; each line carries its step."""
    busybox = buildkit_engine.busybox
    context = BuildContext()
    context.add_file(
        f"FROM {busybox} AS one\nRUN echo of one; sleep 2; touch /1\n"
        f"FROM {busybox} AS two\nRUN echo of two; sleep 2; touch /2\n"
        f"FROM {busybox}\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n",
        "Dockerfile",
    )
    told: list[Event] = []
    with listen(told.append):
        buildkit.build("parallel:1", context, {"nocache": True})
    steps = {event.step_id: event for event in told if isinstance(event, StepStarted)}
    lines = {
        steps[event.step_id].stage: event.line for event in told if isinstance(event, StepOutput)
    }
    assert lines == {"one": "of one", "two": "of two"}
    finished = told[-1]
    assert isinstance(finished, BuildFinished)
    assert finished.seconds < 3.9


def test_warnings_of_the_frontend(engine_28_5: Engine) -> None:
    """With rule, line and page, once."""
    builder = LocalImageBuilder(docker_client=engine_28_5.client)
    context = BuildContext()
    context.add_file(f"FROM {engine_28_5.busybox} AS Base\nRUN true\n", "Dockerfile")
    for _ in range(2):
        told: list[Event] = []
        with listen(told.append):
            builder.build("warned:1", context)
        (notice,) = [event for event in told if isinstance(event, Notice)]
        assert (notice.rule, notice.line) == ("StageNameCasing", 1)
        assert notice.url.startswith("https://docs.docker.com/")


# --- threads, processes, tasks ------------------------------------------------------


def test_one_builder_for_eight_threads(
    buildkit_engine: Engine, buildkit: LocalImageBuilder
) -> None:
    """Each build gets its own image, and no thread is left."""
    before = set(threading.enumerate())

    def build(number: int) -> bytes:
        context = _context(buildkit_engine, f"RUN echo {number} > /number")
        buildkit.build(f"eight-{number}:1", context)
        return read_file(buildkit_engine, f"eight-{number}:1", "/number").content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(build, range(8))) == [b"%d\n" % number for number in range(8)]
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(threading.enumerate()) <= before


def _build_in_child(host: str, busybox: str) -> tuple[str, list[str]]:
    os.environ["DOCKER_HOST"] = host
    context = BuildContext()
    context.add_file(f"FROM {busybox}\nRUN echo in a child\n", "Dockerfile")
    told: list[Event] = []
    with listen(told.append):
        name = LocalImageBuilder(builder="buildkit").build("child:1", context, {"nocache": True})
    return name, _output(told)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_build_in_another_process(buildkit_engine: Engine, method: str) -> None:
    """One that was forked after a build of its parent, and one that begins anew."""
    context = _context(buildkit_engine, "RUN true")
    LocalImageBuilder(docker_client=buildkit_engine.client).build("parent:1", context)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        built = pool.submit(_build_in_child, buildkit_engine.docker_host, buildkit_engine.busybox)
        assert built.result(120) == ("child:1", ["in a child"])


@pytest.mark.parametrize("setting", ["buildkit", "classic"])
def test_cancelled_task_stops_the_build(buildkit_engine: Engine, setting: str) -> None:
    """The step's process is gone, and no thread is left."""
    before = set(threading.enumerate())
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder=setting)
    context = _context(buildkit_engine, "RUN echo on; sleep 4441")

    async def main() -> None:
        heard = asyncio.Event()

        def listener(event: Event) -> None:
            if isinstance(event, StepOutput) and event.line == "on":
                heard.set()

        with listen(listener):
            task = asyncio.create_task(builder.abuild("cancelled:1", context, {"nocache": True}))
            await asyncio.wait_for(heard.wait(), 60)
        assert any("sleep 4441" in line for line in buildkit_engine.processes())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert set(threading.enumerate()) <= before
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(line.startswith("sleep 4441") for line in buildkit_engine.processes()):
            return
        time.sleep(0.1)
    pytest.fail("the step goes on")
