"""Builds that are stopped, and engines that die, for real."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.process import running

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.events import (
    ContextProgress,
    Event,
    StepOutput,
    listen,
)
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")

MIB = 1024 * 1024


def test_ctrl_c_stops_the_build_at_the_engine(every_engine: Engine, root: Path) -> None:
    """The command that runs in the engine is gone, and its container with it."""
    (root / "Dockerfile").write_text(f"FROM {every_engine.busybox}\nRUN sleep 4321\n")
    script = textwrap.dedent(
        """
        import signal, sys
        from imagebuilders import BuildContext, LocalImageBuilder

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        context = BuildContext(sys.argv[1])
        LocalImageBuilder(builder="classic").build("stopped:1", context, {"nocache": True})
        """
    )
    environment = {**os.environ, "DOCKER_HOST": every_engine.docker_host}
    with running(
        [sys.executable, "-c", script, str(root)],
        env=environment,
    ) as process:
        assert process.stderr is not None
        _wait_until(lambda: _runs(every_engine, "sleep 4321"))
        process.send_signal(signal.SIGINT)
        error = process.stderr.read()
        process.wait(20)
    assert "KeyboardInterrupt" in error
    _wait_until(lambda: not _runs(every_engine, "sleep 4321"))
    _wait_until(lambda: not every_engine.client.containers.list(all=True))


def test_an_exception_in_a_listener_stops_the_build_at_the_engine(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """As Ctrl-C does."""
    context = BuildContext()
    context.add_file(f"FROM {every_engine.busybox}\nRUN echo on; sleep 4322\n", "Dockerfile")

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "on":
            raise ZeroDivisionError

    with listen(stop), pytest.raises(ZeroDivisionError):
        builder.build("stopped:2", context, {"nocache": True})
    _wait_until(lambda: not _runs(every_engine, "sleep 4322"))


@pytest.mark.parametrize("moment", ["context", "step"])
def test_an_engine_that_dies_is_told(disposable_engine: Engine, root: Path, moment: str) -> None:
    """While it takes the context, or in the middle of a step."""
    (root / "Dockerfile").write_text(f"FROM {disposable_engine.busybox}\nRUN echo on; sleep 60\n")
    for number in range(12):
        (root / f"{number}.bin").write_bytes(os.urandom(4 * MIB))

    def kill(event: Event) -> None:
        during_context = isinstance(event, ContextProgress) and not event.done
        during_step = isinstance(event, StepOutput) and event.line == "on"
        if during_context if moment == "context" else during_step:
            disposable_engine.kill()

    builder = LocalImageBuilder(docker_client=disposable_engine.client, builder="classic")
    where = "before the first step" if moment == "context" else "after step 2/2: RUN echo on"
    with listen(kill), pytest.raises(BuildError, match=f"Engine went away {where}"):
        builder.build("dead:1", BuildContext(str(root)))


def test_an_engine_that_is_dead_is_told(
    disposable_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is built; the address is named."""
    address = disposable_engine.docker_host
    disposable_engine.kill()
    monkeypatch.setenv("DOCKER_HOST", address)
    context = BuildContext()
    context.add_file("FROM scratch\nENV A=1\n", "Dockerfile")
    with pytest.raises(RuntimeError, match=address) as caught:
        LocalImageBuilder(builder="classic").build("dead:1", context)
    assert "DOCKER_HOST" in str(caught.value)


def _runs(engine: Engine, command: str) -> bool:
    return any(line.endswith(command) for line in engine.processes())


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
