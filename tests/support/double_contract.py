"""The engine contract on the double."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from docker.api.client import APIClient

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.docker_engine import BASE_IMAGE, DockerEngineContract
from fakes.contracts.engine.fidelity import known_divergences
from fakes.contracts.engine.registry import further_image, is_evaluated
from fakes.engine.versions import CONTAINERD, LOOKS

_PUBLISHING = frozenset(
    ("container_documents", "container_states", "containers", "port_names", "published_ports")
)
"""Groups of scenarios in which containers with published ports are started."""


def engine_double(look: str, execute: str | None = None) -> FakeDockerEngine:
    """A double that has what the contract asks of an engine."""
    version = LOOKS[look]
    # Some scenarios ask for hosts that nobody has.
    engine = FakeDockerEngine(
        version.name, image_store=version.image_store, network=True, execute=execute
    )
    engine.seed_image(BASE_IMAGE, cmd=["sh"])
    if version.image_store == CONTAINERD:
        _load_base(engine, execute)
    return engine


def _load_base(engine: FakeDockerEngine, execute: str | None) -> None:
    """Let an engine have the base image as the real ones got it: from an older one's archive."""
    older = FakeDockerEngine("20.10", execute=execute)
    older.seed_image(BASE_IMAGE, cmd=["sh"])
    client = FakeDockerClient(older)
    archive = b"".join(client.api.get_image(BASE_IMAGE))
    client.close()
    older.close()
    client = FakeDockerClient(engine)
    client.api.remove_image(BASE_IMAGE)
    client.images.load(archive)
    client.close()


@contextmanager
def _ports_of_this_machine() -> Iterator[None]:
    """Let no other process of the tests do a scenario that publishes ports meanwhile.

    They ask for ports by number, and the double binds them.
    """
    with (Path(tempfile.gettempdir()) / "imagebuilders-published-ports.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class DoubleContract(DockerEngineContract):
    """The contract on a fresh double for each scenario."""

    shared_engine = False

    @pytest.fixture
    def effects(self, request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
        """The double."""
        name = request.getfixturevalue("name")
        with _ports_of_this_machine() if name.partition(".")[0] in _PUBLISHING else nullcontext():
            engine = engine_double(self.engine_version, "shell" if is_evaluated(name) else None)
            if image := further_image(name):
                engine.seed_image(image, cmd=["bash"])
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
