"""`imagebuilders build --call`, down to the frontend of an engine in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore

if TYPE_CHECKING:
    from command_line import Run

    from imagebuilders.buildkit.proto.gateway_pb2 import SolveRequest

WARNING = {
    "ruleName": "MaintainerDeprecated",
    "location": {"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]},
}


def _frontend(build: ScriptedBuild, question: SolveRequest) -> Mapping[str, bytes]:
    """Warn of every Dockerfile, quoting it."""
    dockerfile = build.session.copy("dockerfile")["Dockerfile"].content or b""
    if question.FrontendOpt["requestid"] == "frontend.targets":
        return {"result.json": b'{"targets": [{"default": true}]}', "result.txt": b"(default)"}
    answer = {"warnings": [WARNING]}
    return {"result.json": json.dumps(answer).encode(), "result.txt": b">>> " + dockerfile}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a stack with an engine whose frontend answers the active one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    buildkit = ScriptedBuildKit(frontend=_frontend)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=buildkit))
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    with Stack(
        image_builder=LocalImageBuilder(docker_client=client), artifact_store=store
    ).activate():
        yield
    client.close()
    buildkit.check()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("arguments", [["-"], ["-f", "-", "app"]])
def test_a_dockerfile_on_standard_input(run: Run, folder: Path, arguments: list[str]) -> None:
    """It is checked as one in a folder; nothing in it steers the terminal."""
    result = run("build", "--call", "check", *arguments, stdin=b"FROM a\nMAINTAINER \x1b[2Jme\n")
    assert result.code == 1
    assert result.out.splitlines() == [
        "Check complete, 1 warning has been found!",
        "",
        ">>> FROM a",
        "MAINTAINER me",
    ]


@pytest.mark.usefixtures("engine")
def test_a_dockerfile_in_a_folder(run: Run, folder: Path) -> None:
    """Its stages are told, as text and as the frontend's own JSON."""
    assert run("build", "--call=targets", "app").out == "(default)\n"
    result = run("build", "--call=targets,format=json", "app")
    assert json.loads(result.out) == {"targets": [{"default": True}]}
    assert result.code == 0
