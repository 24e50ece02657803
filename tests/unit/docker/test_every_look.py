"""Images are built, pushed and looked at on engines of every version and image store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.engine.versions import CONTAINERD, LOOKS
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import Event, ImagePushed, listen
from imagebuilders.exceptions import PushError
from imagebuilders.oci.digest import Digest


@pytest.fixture(params=LOOKS)
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look."""
    look = LOOKS[request.param]
    engine = FakeDockerEngine(look.name, image_store=look.image_store)
    engine.seed_image("base:1", files={"/bin/sh": ""}, env={"OF": "base"})
    yield engine
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def context() -> BuildContext:
    """A folder with a Dockerfile and a file."""
    context = BuildContext()
    context.add_file("FROM base:1\nCOPY a /a\nLABEL l=x\n", "Dockerfile")
    context.add_file("content", "a")
    return context


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_a_push_tells_the_digest_that_the_registry_has(
    client: FakeDockerClient, context: BuildContext, builder: str
) -> None:
    """Whether or not the engine's last message says it apart from its text."""
    told: list[Event] = []
    with FakeRegistry() as server, listen(told.append):
        registry = DefaultContainerRegistry(uri=server.address, docker_client=client)
        builds = LocalImageBuilder(docker_client=client, builder=builder)
        name = f"{server.address}/team/app:1"
        pushed = builds.build(name, context, None, registry)
        expected = f"{server.address}/team/app@{server.manifest('team/app:1').digest}"
    assert pushed == expected
    assert ImagePushed(pushed) in told


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_an_image_without_a_name_is_told_by_its_id(
    client: FakeDockerClient, context: BuildContext, engine: FakeDockerEngine, builder: str
) -> None:
    """That of the configuration with a graph driver, of the manifest or index with containerd."""
    built = LocalImageBuilder(docker_client=client, builder=builder).build(None, context)
    found = client.images.get(built)
    assert found.id == str(Digest.parse(built))
    assert found.labels == {"l": "x"}
    is_manifest = engine.image(built).config_digest != built
    assert is_manifest is (engine.version.image_store == CONTAINERD)


def test_a_push_without_credentials_says_what_to_do(
    client: FakeDockerClient, context: BuildContext
) -> None:
    """In whichever words the engine says that the registry refused."""
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(uri=server.address, docker_client=client)
        builds = LocalImageBuilder(docker_client=client, builder="classic")
        with pytest.raises(PushError, match=f"docker login {server.address}"):
            builds.build(f"{server.address}/app:1", context, None, registry)
