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


# Each scenario runs in the clothes of one version, in turn; the integration tests run all of
# them in the clothes of each.
_NAMES = sorted(scenarios())


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

    @pytest.mark.parametrize("name", _NAMES[0::3])
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


class TestLike26(_Double):
    """Docker 26.1."""

    __test__ = True
    engine_version = "26.1"
    known_divergences = KNOWN_DIVERGENCES["26.1"]

    @pytest.mark.parametrize("name", _NAMES[1::3])
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


class TestLike28(_Double):
    """Docker 28.5."""

    __test__ = True
    engine_version = "28.5"
    known_divergences = KNOWN_DIVERGENCES["28.5"]

    @pytest.mark.parametrize("name", _NAMES[2::3])
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


@pytest.mark.parametrize("version", VERSIONS)
def test_transcripts_name_the_engine_they_are_of(version: str) -> None:
    """Each transcript says which full version was recorded and when."""
    assert recorded_engine(version).startswith(version)
