"""The command as a process, with a real engine and a real registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testbed.process import running

if TYPE_CHECKING:
    from testbed.engine import Engine
    from testbed.registry import Registry

COMMAND = [sys.executable, "-m", "imagebuilders"]


@pytest.fixture
def folder(tmp_path: Path, busybox_image: str) -> Path:
    """A working directory with an application."""
    app = tmp_path / "work" / "app"
    app.mkdir(parents=True)
    (app / "Dockerfile").write_text(
        f"FROM {busybox_image}\nARG WORD=none\nCOPY . /app\nRUN echo said $WORD | tee /said\n"
    )
    return app.parent


@pytest.fixture
def environment(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """An environment that leads to the engine, without settings of anybody's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("IMAGEBUILDERS_", "DOCKER_"))
    }
    return {
        **kept,
        "DOCKER_HOST": engine.docker_host,
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


def run(
    folder: Path, environment: dict[str, str], *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_build_and_push(folder: Path, environment: dict[str, str], registry: Registry) -> None:
    """What is printed is what the registry has; a second build sends no step anew."""
    name = f"{registry.address}/command/app:1"
    arguments = ("build", "app", "-t", name, "--build-arg", "WORD=hello", "--push")
    first = run(folder, environment, *arguments)
    assert first.returncode == 0, first.stderr
    assert "said hello" in first.stderr
    assert first.stdout == (
        f"{registry.address}/command/app@{registry.manifest('command/app', '1').digest}\n"
    )
    second = run(folder, environment, *arguments, "--json")
    records = [json.loads(line) for line in second.stdout.splitlines()]
    cached = {record["number"] for record in records if record["event"] == "step_cached"}
    assert {2, 3} <= cached  # BuildKit counts no ARG
    assert records[-1]["event"] == "result"
    assert records[-1]["digest"] == registry.manifest("command/app", "1").digest
    assert second.stderr == ""


def test_dockerfile_on_standard_input(
    folder: Path, environment: dict[str, str], engine: Engine, busybox_image: str
) -> None:
    """The image is built from the Dockerfile that was piped in, and nothing of it is left in it."""
    result = run(
        folder,
        environment,
        *("build", "app", "-t", "command/piped", "-q", "-f", "-"),
        stdin=f"FROM {busybox_image}\nCOPY . /app\nRUN ls -A /app > /listing\nLABEL a=b\n",
    )
    assert (result.returncode, result.stderr) == (0, "")
    image = engine.client.images.get("command/piped")
    assert result.stdout.strip() == image.id
    assert image.labels == {"a": "b"}
    listing = engine.client.containers.run("command/piped", ["cat", "/listing"], remove=True)
    assert listing.split() == [b"Dockerfile"]


def test_failed_step(folder: Path, environment: dict[str, str], busybox_image: str) -> None:
    """A failed step is told with its instruction and last output, and ends with 1."""
    (folder / "app" / "Dockerfile").write_text(
        f"FROM {busybox_image}\nRUN echo so far so good; exit 7\n"
    )
    result = run(folder, environment, "build", "app", "-t", "command/failed")
    assert (result.returncode, result.stdout) == (1, "")
    message = result.stderr[result.stderr.index("error: ") :]
    assert "exit 7" in message
    assert "so far so good" in message
    assert "Traceback" not in result.stderr


def test_interrupt_stops_the_build_at_the_engine(
    folder: Path, environment: dict[str, str], engine: Engine, busybox_image: str
) -> None:
    """After Ctrl-C no container of the build runs on."""
    (folder / "app" / "Dockerfile").write_text(f"FROM {busybox_image}\nRUN sleep 1234\n")
    with running(
        [*COMMAND, "build", "app", "-t", "command/endless"], cwd=folder, env=environment
    ) as process:
        _wait_until(lambda: _sleeping(engine))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "error: Interrupted."
    assert "Traceback" not in stderr
    _wait_until(lambda: not _sleeping(engine))


def _sleeping(engine: Engine) -> bool:
    return any(line.endswith("sleep 1234") for line in engine.processes())


def _wait_until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
