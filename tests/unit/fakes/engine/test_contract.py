"""The double shows what real engines showed; no engine is needed to see that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker.api.client import APIClient

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.docker_engine import BASE_IMAGE, DockerEngineContract
from fakes.contracts.engine.effects import Effects
from fakes.contracts.engine.registry import scenarios
from fakes.contracts.engine.transcripts import VERSIONS, recorded_engine
from fakes.engine.fidelity import KNOWN_DIVERGENCES

pytest.register_assert_rewrite("fakes.contracts.docker_engine")


# Where engine versions differ; the integration tests run every scenario on each.
_TELLING = (
    "failures.",
    "configuration.health",
    "arguments.modifier",
    "commits.names",
    "container_documents.made",
    "container_documents.network_modes",
    "container_documents.running",
    "container_files.put_",
    "container_lists.filters",
    "container_output.attach_with_upgrade",
    "container_states.kill",
    "container_states.start",
    "containers.create_with_bad",
    "containers.remove_states",
    "execs.bad_requests",
    "execs.started_twice",
    "networks.create_",
    "connections.stopped",
    "volumes.prune",
    "events.container_life",
    "events.volume_life",
    "system.",
    "naming.list_",
    "pulled_manifests.index_of_indexes",
    "pulled_manifests.other_architecture",
    "pulled_manifests.platform",
    "pushes.headers",
    "pushes.platform",
    "registries.log_in_b",
    "registries.pull_b",
    "registry_failures.pull_manifest_get",
    "request_bodies.of_create_with_wrong_fields",
    "request_bodies.of_exec",
)


class _Double(DockerEngineContract):
    """The contract on a fresh double for each scenario."""

    __test__ = False
    shared_engine = False

    @pytest.fixture
    def effects(self) -> FakeDockerEngine:
        engine = FakeDockerEngine(self.engine_version)
        engine.seed_image(BASE_IMAGE, cmd=["sh"])
        return engine

    @pytest.fixture
    def api(self, effects: FakeDockerEngine) -> Iterator[APIClient]:
        client = FakeDockerClient(effects)
        yield client.api
        client.close()


class TestLike20(_Double):
    """Docker 20.10."""

    __test__ = True
    engine_version = "20.10"
    known_divergences = KNOWN_DIVERGENCES["20.10"]


class _Telling(_Double):
    """Only the scenarios that tell versions apart."""

    __test__ = False

    @pytest.mark.parametrize("name", [n for n in sorted(scenarios()) if n.startswith(_TELLING)])
    def test_scenario(
        self,
        name: str,
        api: APIClient,
        effects: Effects | None,
        registry_port: int,
        request: pytest.FixtureRequest,
    ) -> None:
        """The scenario sees what it saw on a real engine of that version."""
        super().test_scenario(name, api, effects, registry_port, request)


class TestLike26(_Telling):
    """Docker 26.1."""

    __test__ = True
    engine_version = "26.1"
    known_divergences = KNOWN_DIVERGENCES["26.1"]


class TestLike28(_Telling):
    """Docker 28.5."""

    __test__ = True
    engine_version = "28.5"
    known_divergences = KNOWN_DIVERGENCES["28.5"]


@pytest.mark.parametrize("version", VERSIONS)
def test_transcripts_name_the_engine_they_are_of(version: str) -> None:
    """Each transcript says which full version was recorded and when."""
    assert recorded_engine(version).startswith(version)
