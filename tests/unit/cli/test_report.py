"""`imagebuilders build --report` and `imagebuilders report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerEngine, FakeRegistry

if TYPE_CHECKING:
    from command_line import RecordingBuilder, Run

    from imagebuilders import Stack

VALUE = "a-value-of-an-argument"


@pytest.fixture
def engine(folder: Path, no_settings: pytest.MonkeyPatch) -> Iterator[FakeDockerEngine]:
    """An engine, an application that prints its argument, and nothing of the user's own."""
    text = "FROM base\nARG WORD\nRUN make $WORD\nCOPY big /big\n"
    (folder / "app" / "Dockerfile").write_text(text)
    (folder / "app" / "big").write_bytes(b"x" * 5000)
    engine = FakeDockerEngine("28.5")
    engine.seed_image("base")
    engine.on_run(
        "make *", lambda process: process.print(f"made {process.environment.get('WORD')}")
    )
    with engine.serve() as docker_host:
        no_settings.setenv("DOCKER_HOST", docker_host)
        yield engine


def test_a_page_of_a_build(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """Steps with lines and logs, layers with files; the argument's value is nowhere."""
    flags = ("--build-arg", f"WORD={VALUE}", "--report", "build.html")
    result = run("build", "app", "-t", "shop:1", *flags)
    assert (result.code, result.out) == (0, "shop:1\n")
    page = (folder / "build.html").read_text()
    assert VALUE not in page
    assert "made ****" in page
    assert "RUN make $WORD" in page
    assert "/big" in page
    assert engine.image("shop:1").id in page
    assert "First step that was not cached:" in page
    assert "warning: " not in result.err


def test_a_page_of_a_push(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """The layers are those of the registry."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/shop:1"
        result = run("build", "app", "-t", name, "--push", "--report", "build.html")
    assert result.code == 0, result.err
    page = (folder / "build.html").read_text()
    assert "/big" in page
    assert ", pushed</td>" in page


def test_a_page_of_a_failure(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """It says why, and the exit code is the build's."""
    engine.on_run("make *", error_output="no rule to make it", exit_code=2)
    result = run("build", "app", "-t", "shop:1", "--report", "build.html")
    assert result.code == 1
    page = (folder / "build.html").read_text()
    assert "Why it failed" in page
    assert "no rule to make it" in page
    assert "<details open>" in page


def test_a_page_that_cannot_be_written(run: Run, engine: FakeDockerEngine) -> None:
    """It is an error of a build that was done, and a remark on one that failed."""
    result = run("build", "app", "-t", "shop:1", "--report", "app/Dockerfile/x.html")
    assert result.code == 1
    assert "app/Dockerfile/x.html" in result.err
    engine.on_run("make *", exit_code=2)
    result = run("build", "app", "--no-cache", "--report", "app/Dockerfile/x.html")
    assert "warning: The output cannot be written: app/Dockerfile/x.html" in result.err
    assert "exit code: 2" in result.err


def test_builders_of_others(
    run: Run, builder: RecordingBuilder, stack: Stack, folder: Path
) -> None:
    """One that cannot explain its cache has a page all the same, also of a Dockerfile in a pipe."""
    result = run("build", "-", "--report", "build.html", stdin=b"FROM scratch\n")
    assert result.code == 0
    assert "Image without a name" in (folder / "build.html").read_text()


def test_an_interrupted_build(
    run: Run, builder: RecordingBuilder, stack: Stack, folder: Path
) -> None:
    """Its page says so."""

    def interrupt(call: object) -> None:
        raise KeyboardInterrupt

    builder.before_build = interrupt
    assert run("build", "app", "-t", "a", "--report", "build.html").code == 130
    assert "Interrupted." in (folder / "build.html").read_text()


def test_a_page_from_json_lines(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """With the Dockerfile and the image that are named."""
    lines = run("build", "app", "-t", "shop:1", "--build-arg", f"WORD={VALUE}", "--json").out
    (folder / "build.jsonl").write_text(lines)
    flags = ("-f", "app/Dockerfile", "--image", "shop:1", "--mask", VALUE)
    result = run("report", "build.jsonl", *flags)
    assert result.code == 0, result.err
    assert result.out.startswith("<!DOCTYPE html>")
    assert "RUN make $WORD" in result.out
    assert "/big" in result.out
    assert VALUE not in result.out
    assert run("report", "build.jsonl", *flags, "-o", "page.html").out == ""
    assert (folder / "page.html").read_text() == result.out


def test_no_json_lines(run: Run, folder: Path) -> None:
    """What is wanted is said."""
    (folder / "x").write_text("hello\n")
    result = run("report", "x")
    assert (result.code, result.out) == (1, "")
    assert "imagebuilders build --json" in result.err
