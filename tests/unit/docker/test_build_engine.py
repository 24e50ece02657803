"""The engine that builds, found or given: both lead to the same, one without the Docker SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections.discovery import find_engine
from imagebuilders.connections.upgrade import UpgradeRefusedError
from imagebuilders.docker.build_engine import BuildEngine, DiscoveredEngine, GivenEngine
from imagebuilders.exceptions import EngineDisconnectedError

_BUILD = """
import sys
from pydantic import BaseModel  # some releases of pydantic load asyncio
by_pydantic = set(sys.modules)
from imagebuilders import BuildContext, LocalImageBuilder
context = BuildContext()
context.add_file("FROM scratch\\nLABEL a=b\\n", "Dockerfile")
print(LocalImageBuilder().build("app:1", context))
needless = {"docker", "requests", "urllib3", "asyncio", "pydantic_settings"}
print(sorted(needless & set(sys.modules) - by_pydantic))
"""


_COMMAND = """
import sys
from imagebuilders.cli.main import main
main(["build", "--tag", "app:1", sys.argv[1]])
needless = {
    "cli.bake_command", "cli.cache_commands", "cli.history_commands",
    "buildkit_image_builder", "container_registries", "artifact_stores", "many_builds",
    "docker.classic_build", "docker.registry_errors", "docker.build_steps",
    "dockerfile.checks", "buildkit.control.failure", "buildkit.session.content",
    "buildkit.session.folder_receiver", "buildkit.session.ssh_keys",
    "cache_misses.explanation", "unchanged",
}
print(sorted(name for name in needless if f"imagebuilders.{name}" in sys.modules))
"""


@contextmanager
def _found(engine: FakeDockerEngine) -> Iterator[DiscoveredEngine]:
    with engine.serve() as address:
        found = find_engine(environ={"DOCKER_HOST": address, "HOME": "/nowhere"})
        with closing(DiscoveredEngine(found, DockerConfigFile())) as local:
            yield local


@contextmanager
def _given(engine: FakeDockerEngine) -> Iterator[GivenEngine]:
    with closing(FakeDockerClient(engine)) as client:
        yield GivenEngine(client)


@pytest.fixture(params=["found", "given"])
def build_engine(request: pytest.FixtureRequest, engine: FakeDockerEngine) -> Iterator[BuildEngine]:
    """Give the same engine, in both ways to it."""
    with (_found if request.param == "found" else _given)(engine) as opened:
        yield opened


@pytest.fixture
def engine() -> FakeDockerEngine:
    """Give an engine without BuildKit that has an image."""
    engine = FakeDockerEngine("28.5", buildkit=False)
    engine.seed_image("base:1", files={"/file": "x" * 1000})
    return engine


def test_what_it_says(build_engine: BuildEngine, engine: FakeDockerEngine) -> None:
    """Its version, the size of an image, and the SDK's client, the same each time."""
    assert str(build_engine.version()).startswith("Docker Engine 28.5")
    image = engine.image("base:1")
    assert build_engine.image_size("base:1") == build_engine.image_size(image.id)
    assert (build_engine.image_size("base:1") or 0) >= 1000
    assert build_engine.image_size("absent:1") is None
    assert build_engine.client() is build_engine.client()
    assert build_engine.client().images.get("base:1").id == image.id


def test_a_refused_upgrade(build_engine: BuildEngine) -> None:
    """An engine without BuildKit says so with a status."""
    with pytest.raises(UpgradeRefusedError) as caught:
        build_engine.upgrade("/grpc")
    assert caught.value.status == 501


def test_where_a_found_engine_is(engine: FakeDockerEngine) -> None:
    """Its address is the one that it was found by."""
    with _found(engine) as local:
        (address,) = local.addresses()
        assert address.startswith("unix://")
        endpoint = local.endpoint()
        assert endpoint is not None
        assert f"unix://{endpoint.address.path}" == address


def test_a_found_engine_that_went_away(engine: FakeDockerEngine) -> None:
    """The error is this package's own; a size is not worth one."""
    with engine.serve() as address:
        found = find_engine(environ={"DOCKER_HOST": address, "HOME": "/nowhere"})
    with closing(DiscoveredEngine(found, DockerConfigFile())) as local:
        with pytest.raises(EngineDisconnectedError, match="broke off"):
            local.upgrade("/grpc")
        assert local.image_size("base:1") is None


@pytest.mark.parametrize("program", [_BUILD, _COMMAND], ids=["library", "command"])
def test_a_build_with_buildkit_loads_what_it_needs(tmp_path: Path, program: str) -> None:
    """What a build does not need, its process does not wait for."""

    def script(build: ScriptedBuild) -> dict[str, str]:
        return build.export()

    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    buildkit = ScriptedBuildKit(script)
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    with engine.serve() as address:
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={**os.environ, "DOCKER_HOST": address, "DOCKER_CONFIG": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout == "app:1\n[]\n", done.stderr
    assert len(buildkit.requests) == 1
