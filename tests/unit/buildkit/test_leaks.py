"""Builds leave nothing behind: no thread, no descriptor, no memory."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from typing import Literal

import pytest
from comparison_size import size

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.exceptions import BuildError

resource_tracker.ensure_running()  # it stays, with a pipe, once a process was spawned

ROWS = size(12, 100)
AT_ONCE = 8
SPARE_OBJECTS = 2000
"""Caches may grow by so many objects; what a build leaves would be more in a row of them."""


def _script(build: ScriptedBuild) -> dict[str, str]:
    session = build.session
    session.copy("dockerfile")
    session.copy("context")
    assert session.check_health()
    assert session.secret("token") == b"correct-horse"
    build.step("[1/1] RUN make", output="made\n" * 50)
    if build.image_names[0].startswith("bad"):
        build.fail_step("[2/2] RUN fail")
    return build.export()


def _build(name: str) -> None:
    engine = FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(_script))
    context = BuildContext()
    context.add_file("FROM scratch\n", "Dockerfile")
    context.add_file("x" * 200_000, "large")
    secrets = [{"id": "token", "env": "TOKEN"}]
    with contextlib.closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        if name.startswith("bad"):
            with pytest.raises(BuildError):
                builder.build(name, context, {"secrets": secrets})
        else:
            builder.build(name, context, {"secrets": secrets})


def _counted() -> tuple[int, int, int]:
    """Count threads, descriptors and objects, once those that end have ended."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and "ThreadPool" not in thread.name:
            thread.join(10)
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(gc.get_objects())


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret."""
    monkeypatch.setenv("TOKEN", "correct-horse")


def test_builds_in_a_row_leave_nothing() -> None:
    """Those that fail like those that succeed."""
    for name in ("app:1", "bad:1") * 2:
        _build(name)
    threads, descriptors, objects = _counted()
    for number in range(ROWS):
        _build("bad:1" if number % 4 == 3 else "app:1")
    after = _counted()
    assert after[0] <= threads
    assert after[1] <= descriptors
    assert after[2] - objects < SPARE_OBJECTS


def test_builds_at_once_leave_nothing() -> None:
    """Several threads build at the same time."""
    _build("app:1")
    threads, descriptors, objects = _counted()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_build, ["app:1"] * (AT_ONCE * size(1, 5))))
    after = _counted()
    assert after[0] <= threads
    assert after[1] <= descriptors
    assert after[2] - objects < SPARE_OBJECTS


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_same_build_in_another_process(method: Literal["fork", "spawn"]) -> None:
    """Forked or spawned."""
    _build("app:1")
    process: multiprocessing.process.BaseProcess
    if method == "fork":
        process = multiprocessing.get_context("fork").Process(target=_build, args=("app:1",))
    else:
        process = multiprocessing.get_context("spawn").Process(target=_build, args=("app:1",))
    process.start()
    process.join(60)
    assert process.exitcode == 0
