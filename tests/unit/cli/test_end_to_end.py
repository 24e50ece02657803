"""The command with the real builder and registry, against the doubles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerEngine, FakeRegistry

if TYPE_CHECKING:
    from command_line import Run


@pytest.fixture(params=["containerd", "overlay2"])
def engine(
    folder: Path, no_settings: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[FakeDockerEngine]:
    """The newest engine with either store, which `DOCKER_HOST` leads to; no other settings."""
    engine = FakeDockerEngine(image_store=request.param)
    with engine.serve() as docker_host:
        no_settings.setenv("DOCKER_HOST", docker_host)
        yield engine


def test_build_in_a_pipe(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """A whole build: its steps are plain lines, its name is the result."""
    result = run("build", "app", "-t", "shop:1", "--label", "a=b")
    assert (result.code, result.out) == (0, "shop:1\n")
    lines = result.err.splitlines()
    assert lines[0].startswith("building shop:1 with ")
    assert any(line.endswith("COPY . /") for line in lines)
    assert lines[-2].startswith("built shop:1 sha256:")
    assert re.fullmatch(
        r"finished shop:1 in \d.*s, 0 of 1 step cached, [\d.]+ k?B, sha256:[0-9a-f]{64}", lines[-1]
    )
    assert engine.image("shop:1").parsed["config"]["Labels"] == {"a": "b"}
    again = run("build", "app", "-t", "shop:1", "--label", "a=b")
    assert "1 of 1 step cached" in again.err


def test_quiet_gives_the_image_id(run: Run, engine: FakeDockerEngine) -> None:
    """The ID that is printed is the engine's."""
    result = run("build", "app", "-t", "shop:1", "-q")
    assert result.out.strip() == engine.image("shop:1").id
    assert result.err == ""


def test_push(run: Run, engine: FakeDockerEngine) -> None:
    """What is printed is where the registry has the image."""
    with FakeRegistry() as registry:
        result = run("build", "app", "-t", f"{registry.address}/team/shop:1", "--push")
        assert result.code == 0
        repository, _, digest = result.out.strip().partition("@")
        assert repository == f"{registry.address}/team/shop"
        assert registry.manifest("team/shop:1").digest == digest
        records = run(
            "build", "app", "-t", f"{registry.address}/team/shop:1", "--push", "--json"
        ).records
    assert records[-1]["digest"] == digest
    assert "image_pushed" in {str(record["event"]) for record in records}


def test_dockerfile_on_standard_input(run: Run, engine: FakeDockerEngine) -> None:
    """The Dockerfile of standard input is what is built."""
    result = run("build", "app", "-t", "shop:1", "-f", "-", stdin=b"FROM scratch\nLABEL x=y\n")
    assert result.code == 0
    assert engine.image("shop:1").parsed["config"]["Labels"] == {"x": "y"}


def test_several_names_are_one_image(run: Run, engine: FakeDockerEngine) -> None:
    """All names are for the same image, also without the cache."""
    assert run("build", "app", "-t", "shop:1", "-t", "shop:2", "--no-cache").code == 0
    assert engine.image("shop:1").id == engine.image("shop:2").id


@pytest.mark.parametrize(
    ("dockerfile", "code", "says"),
    [
        ("FROM busybox\n", 1, "busybox"),
        ("FROM scratch\nCOPY nowhere /\n", 1, "nowhere"),
        ("FROMM scratch\n", 1, "FROMM"),
        (None, 1, "Dockerfile"),
    ],
)
def test_failed_build(
    run: Run, engine: FakeDockerEngine, folder: Path, dockerfile: str | None, code: int, says: str
) -> None:
    """A failed build ends with 1 and a message that names the cause, without a traceback."""
    if dockerfile is None:
        (folder / "app" / "Dockerfile").unlink()
    else:
        (folder / "app" / "Dockerfile").write_text(dockerfile)
    result = run("build", "app", "-t", "shop:1")
    assert (result.code, result.out) == (code, "")
    message = result.err[result.err.index("error: ") :]
    assert says in message
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", ["SHOP", "shop@sha256:" + "0" * 64, "shop:", ":1"])
def test_wrong_name(run: Run, engine: FakeDockerEngine, name: str) -> None:
    """A malformed image name is wrong usage, and nothing is built."""
    assert run("build", "app", "-t", name).code == 2
    assert engine.builds == []


def test_name_of_another_registry(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """A name that does not belong to the stack's registry is wrong usage."""
    (folder / "imagebuilders.toml").write_text('[container_registry]\nuri = "localhost:5000"\n')
    result = run("build", "app", "-t", "localhost:6000/shop", "--push")
    assert result.code == 2
    assert "localhost:5000" in result.err
    assert engine.builds == []


def test_denied_push(run: Run, engine: FakeDockerEngine) -> None:
    """A push that the registry denies ends with 1, after the build."""
    engine.faults.deny_push("denied: requested access to the resource is denied")
    result = run("build", "app", "-t", "localhost:5000/shop", "--push", "--json")
    assert result.code == 1
    assert result.records[-1]["error"] == "PushError"
    assert "image_built" in {str(record["event"]) for record in result.records}


def test_no_engine(
    run: Run, engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without an engine the message says what was tried."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    result = run("build", "app", "-t", "shop")
    assert result.code == 1
    assert f"{tmp_path}/nowhere.sock" in result.err
