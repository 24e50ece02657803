"""`imagebuilders plan`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeRegistry
from fakes.registry import SeedImage

if TYPE_CHECKING:
    from command_line import Run

_DOCKERFILE = """\
FROM base AS build
ARG WHAT=all
RUN make $WHAT
FROM scratch
COPY --from=build /out /
COPY *.txt /texts/
ONBUILD ENV A=1
"""


@pytest.fixture
def app(folder: Path) -> Path:
    """A folder with a Dockerfile of two stages."""
    app = folder / "app"
    (app / "Dockerfile").write_text(_DOCKERFILE)
    (app / "a.txt").write_text("a")
    return app


@pytest.mark.usefixtures("app")
def test_steps_are_listed(run: Run) -> None:
    """With their lines and files; of a command what is run."""
    result = run("plan", "app", "--offline", "--build-arg", "WHAT=docs")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "linux/amd64",
        "  stage 0 build: FROM base",
        "      2  ARG WHAT=docs",
        "      3  RUN /bin/sh -c 'make $WHAT'",
        "  stage 1: FROM scratch (built)",
        "      5  COPY /out /",
        "      6  COPY *.txt /texts/",
        "           a.txt -> /texts/a.txt",
        "      7  ONBUILD ENV A=1",
    ]


@pytest.mark.usefixtures("app")
def test_json(run: Run) -> None:
    """One object; the target, platforms and labels count."""
    result = run(
        *("plan", "app", "--offline", "--json", "--target", "build"),
        *("--platform", "linux/arm64,linux/amd64", "--label", "a=b"),
    )
    document = json.loads(result.out)
    assert [build["platform"] for build in document["builds"]] == ["linux/arm64", "linux/amd64"]
    assert [stage["index"] for stage in document["builds"][0]["stages"]] == [0]
    assert document["builds"][0]["image"]["config"]["Labels"] == {"a": "b"}


@pytest.mark.usefixtures("app")
def test_a_dockerfile_on_standard_input(run: Run) -> None:
    """Warnings go to stderr, and leave the result as it is."""
    result = run("plan", "app", "-f", "-", "--offline", stdin=b"FROM scratch\nCMD run\n")
    assert result.code == 0
    assert result.out.splitlines()[-1] == '      2  CMD ["/bin/sh" "-c" "run"]'
    assert result.err.startswith("warning: JSONArgsRecommended: ")


@pytest.mark.usefixtures("app")
def test_what_cannot_be_resolved(run: Run) -> None:
    """It is one error, with the line."""
    result = run("plan", "app", "-f", "-", "--offline", stdin=b"FROM scratch\nNOPE x\n")
    assert result.code == 1
    assert "error: dockerfile parse error on line 2: unknown instruction: NOPE" in result.err
    assert run("plan", "app", "--label", "x").code == 2


def test_named_contexts(run: Run, app: Path) -> None:
    """A folder stands for an image, and nobody is asked for it."""
    (app / "Dockerfile").write_text("FROM scratch\nCOPY --from=assets x /\n")
    result = run("plan", "app", "--json", "--build-context", "assets=.")
    step = json.loads(result.out)["builds"][0]["stages"][0]["steps"][0]
    assert step["origin"] == {"kind": "context", "name": "assets"}


def test_as_a_process(app: Path, tmp_path: Path) -> None:
    """With a base in a registry, whose configuration counts."""
    with FakeRegistry() as registry:
        registry.seed("team/base:1", SeedImage(files={"/a": "a"}, env={"WHO": "you"}))
        name = f"{registry.address}/team/base:1"
        (app / "Dockerfile").write_text(f"FROM {name}\nENV GREETING=hello-$WHO\n")
        environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path / "docker")}
        done = subprocess.run(
            [sys.executable, "-m", "imagebuilders", "plan", str(app), "--json"],
            capture_output=True,
            check=False,
            env=environment,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    build = json.loads(done.stdout)["builds"][0]
    assert "GREETING=hello-you" in build["image"]["config"]["Env"]
