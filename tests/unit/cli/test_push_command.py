"""`imagebuilders push`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerEngine, FakeRegistry
from imagebuilders.exceptions import PushError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import RecordingRegistry, Run

DIGEST = "sha256:" + "2" * 64


@pytest.fixture
def engine(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    """An engine that `DOCKER_HOST` leads to."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    engine = FakeDockerEngine()
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        yield engine


def test_push_to_the_registry_that_the_name_begins_with(run: Run, engine: FakeDockerEngine) -> None:
    """The digest is the result, once for each name."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app:1"
        engine.seed_image(name)
        result = run("push", name, name)
        pushed = f"{registry.address}/team/app@{registry.manifest('team/app:1').digest}"
    assert (result.code, result.out) == (0, f"{pushed}\n")
    assert f"pushed {pushed}" in result.err


def test_push_to_the_registry_of_the_stack(run: Run, registry: RecordingRegistry) -> None:
    """Also where the name is one of it, and quietly or as JSON."""
    result = run("push", "registry.example/a:1", "registry.example/b:1", "-q")
    assert result.out.splitlines() == [f"registry.example/{name}@{DIGEST}" for name in "ab"]
    assert result.err == ""
    records = run("push", "registry.example/a:1", "--json").records
    assert records[-1] == {
        "event": "result",
        "image": "registry.example/a:1",
        "reference": f"registry.example/a@{DIGEST}",
        "digest": DIGEST,
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Missing argument 'NAME...'"),
        (("app",), "as in localhost:5000/app"),
        (("Localhost:5000/App",), "malformed"),
        (("-q", "--json", "x.example/a"), "cannot be used together"),
    ],
)
def test_wrong_usage(run: Run, engine: FakeDockerEngine, words: tuple[str, ...], says: str) -> None:
    """It ends with 2, and nothing is pushed."""
    result = run("push", *words)
    assert result.code == 2
    assert says in result.out + result.err


def test_an_image_that_is_not_there(run: Run, engine: FakeDockerEngine) -> None:
    """The error is the engine's."""
    result = run("push", "localhost:5000/nowhere:1", "--json")
    assert result.code == 1
    assert result.records[-1]["error"] == PushError.__name__
