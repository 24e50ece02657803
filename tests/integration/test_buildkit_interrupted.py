"""Builds with BuildKit that are stopped or whose engine dies, and secrets that leave no trace."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.bed import Testbed
from testbed.engine import Engine
from testbed.images import CONTAINERD
from testbed.tools import run_in

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.build_options.values import BuildSecret
from imagebuilders.events import ContextProgress, Event, StepOutput, listen
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")


@pytest.fixture
def buildkit(buildkit_engine: Engine) -> LocalImageBuilder:
    """A builder for each engine."""
    return LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")


def _context(engine: Engine, *lines: str) -> BuildContext:
    context = BuildContext()
    context.add_file("\n".join([f"FROM {engine.busybox}", *lines, ""]), "Dockerfile")
    return context


def test_stop_in_a_step(buildkit_engine: Engine, buildkit: LocalImageBuilder) -> None:
    """The step's process is gone, no thread is left, and the engine builds on."""
    before = set(threading.enumerate())
    context = _context(buildkit_engine, "RUN echo on; sleep 4331", "RUN touch /never")

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "on":
            raise ZeroDivisionError

    with listen(stop), pytest.raises(ZeroDivisionError):
        buildkit.build("stopped:1", context, {"nocache": True})
    _wait_until(lambda: not _runs(buildkit_engine, "sleep 4331"))
    assert set(threading.enumerate()) <= before
    assert buildkit.build("stopped:1", _context(buildkit_engine, "RUN true")) == "stopped:1"


def test_stop_of_parallel_steps(buildkit_engine: Engine, buildkit: LocalImageBuilder) -> None:
    """Every step that runs is stopped."""
    context = _context(
        buildkit_engine,
        "RUN echo one; sleep 4332",
        f"FROM {buildkit_engine.busybox}",
        "RUN echo two; sleep 4333",
        "COPY --from=0 /etc/passwd /x",
    )
    seen: set[str] = set()

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput):
            seen.add(event.line)
        if {"one", "two"} <= seen:
            raise KeyboardInterrupt

    with listen(stop), pytest.raises(KeyboardInterrupt):
        buildkit.build("stopped:2", context, {"nocache": True})
    _wait_until(lambda: not _runs(buildkit_engine, "sleep 4332"))
    _wait_until(lambda: not _runs(buildkit_engine, "sleep 4333"))


def test_other_build_goes_on(buildkit_engine: Engine, buildkit: LocalImageBuilder) -> None:
    """A build beside the one that is stopped ends well."""
    on = threading.Event()
    results: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "beside":
            on.set()

    def other() -> None:
        context = _context(buildkit_engine, "RUN echo beside; sleep 3; echo end > /end")
        with listen(note):
            results.append(buildkit.build("beside:1", context, {"nocache": True}))

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "stop me":
            assert on.wait(60)
            raise ZeroDivisionError

    thread = threading.Thread(target=other)
    thread.start()
    context = _context(buildkit_engine, "RUN echo stop me; sleep 4334")
    with listen(stop), pytest.raises(ZeroDivisionError):
        buildkit.build("stopped:3", context, {"nocache": True})
    thread.join(60)
    assert results == ["beside:1"]


@pytest.mark.parametrize("moment", ["context", "step"])
def test_engine_dies(testbed: Testbed, root: Path, moment: str) -> None:
    """While it takes the context or runs a step: an error in time, and no thread is left."""
    before = set(threading.enumerate())
    for number in range(8):
        (root / f"{number}.bin").write_bytes(os.urandom(8 << 20))
    with testbed.disposable_engine(CONTAINERD) as engine:
        (root / "Dockerfile").write_text(
            f"FROM {engine.busybox}\nRUN echo on; sleep 60\n"
            if moment == "step"
            else f"FROM {engine.busybox}\nCOPY . /ctx\n"
        )

        def kill(event: Event) -> None:
            transfers = isinstance(event, ContextProgress) and event.bytes_sent > 1 << 20
            steps = isinstance(event, StepOutput) and event.line == "on"
            if transfers if moment == "context" else steps:
                engine.kill()

        builder = LocalImageBuilder(docker_client=engine.client, builder="buildkit")
        began = time.monotonic()
        with listen(kill), pytest.raises(BuildError, match="was not built"):
            builder.build("dead:1", BuildContext(str(root)))
        assert time.monotonic() - began < 60
    _wait_until(lambda: set(threading.enumerate()) <= before)


def test_secret_is_nowhere_in_the_engine(
    buildkit_engine: Engine, buildkit: LocalImageBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    """No file and no process of the engine has it after a build, and no log, event or error."""
    value = f"secret-{os.urandom(12).hex()}"
    seen: list[Event] = []
    lines: list[str] = []

    def note(event: Event) -> None:
        seen.append(event)
        if isinstance(event, StepOutput) and event.line == "on":
            lines.extend(buildkit_engine.processes())

    options = {"secrets": [BuildSecret("token", get=lambda: value)], "nocache": True}
    mount = "RUN --mount=type=secret,id=token"
    good = _context(buildkit_engine, f"{mount} wc -c < /run/secrets/token; echo on; sleep 1")
    bad = _context(buildkit_engine, f"{mount} echo before; cat /run/secrets/token; exit 3")
    with caplog.at_level("DEBUG"), listen(note):
        buildkit.build("secret:1", good, options)
    assert lines
    image = buildkit_engine.client.images.get("secret:1")
    assert value.encode() not in b"".join(image.save())
    assert value not in repr(image.history())
    folders = ["/var/lib/docker", "/run/docker", "/var/log"]
    found = run_in(buildkit_engine.container, ["grep", "-rlF", value, *folders], check=False)
    assert found.stdout == ""

    # What a step itself prints the engine keeps with its log; here it is masked all the same.
    with caplog.at_level("DEBUG"), listen(note), pytest.raises(BuildError) as caught:
        buildkit.build("secret:2", bad, options)
    for text in (str(caught.value), repr(caught.value.log), repr(seen), caplog.text, *lines):
        assert value not in text


def _runs(engine: Engine, command: str) -> bool:
    return any(line.endswith(command) for line in engine.processes())


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
