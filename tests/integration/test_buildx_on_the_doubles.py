"""The real `docker` and buildx of Debian, building with the doubles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from comparison_size import size
from testbed.tools import ClientTool, Completed

from fakes import FakeBuildKit, FakeDockerEngine, FakeRegistry
from fakes.engine.versions import VERSIONS
from imagebuilders.distribution import RegistryClient
from imagebuilders.oci.manifest import Index

WORK = "/buildx-on-doubles"
FILES = {
    "Dockerfile": (
        "# syntax=docker/dockerfile:1\nFROM alpine:3.22 AS one\n"
        "RUN --mount=type=secret,id=token fetch\nFROM alpine:3.22\nCOPY f /x/\n"
        "COPY --from=one /fetched /\n"
    ),
    "bad.Dockerfile": "FROM alpine:3.22\nMAINTAINER me\nRUN broken\n",
    "f": "content",
    "token.txt": "s3cret",
    "docker-bake.hcl": 'target "default" {\n  tags = ["baked:1"]\n  dockerfile = "Dockerfile"\n}\n',
}


@pytest.fixture
def docker(client_tool: Callable[[str], ClientTool], tmp_path: Path) -> ClientTool:
    """The program, with the files in its work folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    tool = client_tool("docker")
    tool.put(folder, WORK)
    return tool


@pytest.mark.parametrize("version", list(VERSIONS)[-size(1, len(VERSIONS)) :])
def test_an_engine_double_builds(docker: ClientTool, version: str) -> None:
    """Build, check, bake, and what the cache holds; a builder in a container is refused."""
    engine = FakeDockerEngine(version)
    engine.seed_hub("alpine:3.22")
    engine.on_run("fetch", files={"/fetched": "1"})
    engine.on_run("broken", exit_code=7, error_output="oh no\n")
    with engine.serve("tcp://127.0.0.1:0") as address:

        def run(*words: str, check: bool = True) -> Completed:
            environment = {"DOCKER_HOST": address}
            return docker.run(*words, environment=environment, workdir=WORK, check=check)

        secret = ("--secret", "id=token,src=token.txt")
        run("build", "-t", "app:1", *secret, ".")
        assert engine.image_tree("app:1").read_text("/x/f") == "content"
        assert engine.builds[-1].secrets == ["token"]
        run("build", "-t", "app:2", *secret, ".")
        assert engine.image("app:1").id == engine.image("app:2").id
        failed = run("build", "-f", "bad.Dockerfile", ".", check=False)
        assert failed.returncode != 0
        # The oldest engines tell no lines of the Dockerfile.
        assert (">>> RUN broken" in failed.stdout + failed.stderr) is (version != "20.10")
        assert "exit code: 7" in failed.stdout + failed.stderr
        checked = run("build", "--check", "-f", "bad.Dockerfile", ".", check=False)
        assert "MaintainerDeprecated" in checked.stdout + checked.stderr
        run("buildx", "bake")
        assert engine.image("baked:1")
        assert "Total:" in run("buildx", "du").stdout
        run("buildx", "prune", "-af")
        refused = run(
            "buildx", "create", "--driver", "docker-container", "--bootstrap", check=False
        )
        assert "engine double runs no BuildKit in a container" in refused.stdout + refused.stderr


def test_a_remote_worker_pushes_for_two_platforms(docker: ClientTool) -> None:
    """With the provenance that buildx asks for, and an archive for the client."""
    buildkit = FakeBuildKit()
    buildkit.seed_image("alpine:3.22", platforms=("linux/amd64", "linux/arm64"))
    buildkit.on_run("fetch", files={"/fetched": "1"})
    with buildkit.serve("tcp://127.0.0.1:0") as address, FakeRegistry() as registry:
        docker.run("buildx", "create", "--name", "double", "--driver", "remote", address)
        try:
            build = ("buildx", "build", "--builder", "double")
            name = f"{registry.address}/team/app:1"
            docker.run(
                *(*build, "--platform", "linux/amd64,linux/arm64", "--push", "-t", name, "."),
                workdir=WORK,
            )
            docker.run(*(*build, "-o", "type=oci,dest=app.tar", "."), workdir=WORK)
            inspected = docker.run("buildx", "imagetools", "inspect", "--raw", name)
        finally:
            docker.run("buildx", "rm", "double")
        with RegistryClient(registry.address) as client:
            index = client.repository("team/app").read_manifest("1").parse()
        assert isinstance(index, Index)
        assert len(index.manifests) == 4
        assert len(json.loads(inspected.stdout)["manifests"]) == 4
    assert buildkit.image_tree(name, "linux/arm64").read_text("/fetched") == "1"
