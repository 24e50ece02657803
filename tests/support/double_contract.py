"""The engine contract on the double."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from docker.api.client import APIClient

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.docker_engine import BASE_IMAGE, DockerEngineContract
from fakes.contracts.engine.fidelity import known_divergences
from fakes.engine.versions import LOOKS


def engine_double(look: str) -> FakeDockerEngine:
    """A double that has what the contract asks of an engine."""
    version = LOOKS[look]
    # Some scenarios ask for hosts that nobody has.
    engine = FakeDockerEngine(version.name, image_store=version.image_store, network=True)
    engine.seed_image(BASE_IMAGE, cmd=["sh"])
    return engine


class DoubleContract(DockerEngineContract):
    """The contract on a fresh double for each scenario."""

    shared_engine = False

    @pytest.fixture
    def effects(self) -> Iterator[FakeDockerEngine]:
        """The double."""
        engine = engine_double(self.engine_version)
        yield engine
        engine.close()

    @pytest.fixture
    def api(self, effects: FakeDockerEngine) -> Iterator[APIClient]:
        """Its client."""
        client = FakeDockerClient(effects)
        yield client.api
        client.close()


def double_contract(look: str, only: Sequence[str] = ()) -> type[DoubleContract]:
    """Make the tests that a double is like an engine of a version."""
    return type(
        f"TestLike{look.replace('.', '_').replace('-', '_')}",
        (DoubleContract,),
        {
            "__doc__": f"Docker {look}.",
            "engine_version": look,
            "known_divergences": known_divergences(look),
            "only": only,
        },
    )
