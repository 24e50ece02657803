"""Names that lead to doubles of registries, by their hosts, and those that are out of reach."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack
from fakes.registry import SeedImage
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.exceptions import BuildError

_DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that takes everybody."""
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    """Another one, which asks for a user."""
    with FakeRegistry(auth="bearer", users={"me": "secret"}) as registry:
        yield registry


def _client(engine: FakeDockerEngine, request: pytest.FixtureRequest) -> FakeDockerClient:
    client = FakeDockerClient(engine)
    request.addfinalizer(client.close)
    return client


def test_pulls_and_pushes_go_where_the_host_leads(
    registry: FakeRegistry, other: FakeRegistry, request: pytest.FixtureRequest
) -> None:
    """Each host has its own registry; the name of the image stays what it is."""
    engine = FakeDockerEngine(registries={"ghcr.io": registry, "docker.io": other})
    client = _client(engine, request)
    registry.seed("team/app:1", SeedImage(files={"a": "1"}))
    image = client.images.pull("ghcr.io/team/app:1")
    assert image.tags == ["ghcr.io/team/app:1"]
    image.tag("me/app", "2")
    client.login("me", "secret")
    lines = list(client.images.push("me/app", "2", stream=True, decode=True))
    assert "errorDetail" not in lines[-1]
    assert other.tags("me/app") == ["2"]
    assert registry.tags("team/app") == ["1"]


def test_the_hub_by_any_of_its_hosts(
    registry: FakeRegistry, request: pytest.FixtureRequest
) -> None:
    """Names without a host go to its registry, official ones below `library`."""
    engine = FakeDockerEngine(registries={"registry-1.docker.io": registry.url})
    client = _client(engine, request)
    registry.seed("library/base:1", SeedImage(files={"a": "1"}))
    assert client.images.pull("base:1").tags == ["base:1"]


def test_seeds_go_before_the_registry_of_the_hub(
    registry: FakeRegistry, request: pytest.FixtureRequest
) -> None:
    """What a test seeded is what it gets; other tags come from the registry."""
    engine = FakeDockerEngine(registries={"docker.io": registry.address})
    client = _client(engine, request)
    registry.seed("library/base:1", SeedImage(labels={"from": "registry"}))
    registry.seed("library/base:2", SeedImage(labels={"from": "registry"}))
    engine.seed_hub("base:1", labels={"from": "seed"})
    assert client.images.pull("base:1").labels == {"from": "seed"}
    assert client.images.pull("base:2").labels == {"from": "registry"}


def test_bases_of_builds_come_from_there(
    registry: FakeRegistry, request: pytest.FixtureRequest
) -> None:
    """FROM follows the same ways."""
    client = _client(FakeDockerEngine(registries={"quay.io:443": registry}), request)
    registry.seed("base:1", SeedImage(files={"a": "1"}))
    context = io.BytesIO(pack({"Dockerfile": "FROM quay.io:443/base:1\nRUN true"}))
    image, _ = client.images.build(fileobj=context, custom_context=True, tag="app")
    assert image.tags == ["app:latest"]


@pytest.fixture
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a client that has no credentials."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def _build(engine: FakeDockerEngine, dockerfile: str) -> None:
    """Build with BuildKit."""
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    with contextlib.closing(FakeDockerClient(engine)) as client:
        LocalImageBuilder(docker_client=client, builder="buildkit").build("app:1", context)


def test_bases_of_builds_with_buildkit_come_from_there(
    registry: FakeRegistry, other: FakeRegistry, no_logins: Path
) -> None:
    """By host, with the client's credentials for that host; seeds go before the hub's."""
    login = base64.b64encode(b"me:secret").decode()
    document = {"auths": {"ghcr.io": {"auth": login}}}
    (no_logins / "config.json").write_text(json.dumps(document))
    engine = FakeDockerEngine("28.5", registries={"ghcr.io": other, "docker.io": registry})
    other.seed("team/base:1", SeedImage(files={"a": "1"}))
    registry.seed("library/base:1", SeedImage(files={"b": "2"}))
    registry.seed("library/seeded:1", SeedImage(files={"c": "registry"}))
    engine.seed_hub("seeded:1", files={"c": "seed"})
    _build(
        engine,
        "FROM ghcr.io/team/base:1\nCOPY --from=base:1 b /\nCOPY --from=seeded:1 c /\n",
    )
    tree = engine.image_tree("app:1")
    assert tree == {"/a": "1", "/b": "2", "/c": "seed"}


@pytest.mark.parametrize("name", ["ghcr.io/a:1", "registry.example:5000/a:1"])
@pytest.mark.usefixtures("no_logins")
def test_other_hosts_are_out_of_reach_of_buildkit(name: str) -> None:
    """As for pulls: no request leaves this machine, and the refusal says how one could."""
    engine = FakeDockerEngine("28.5")
    with pytest.raises(BuildError) as caught:
        _build(engine, f"FROM {name}\n")
    host = name.partition("/")[0]
    assert f"registries={{'{host}': fake_registry}}" in str(caught.value)
    assert "network=True" in str(caught.value)


@pytest.mark.parametrize("name", ["ghcr.io/a:1", "registry.example:5000/a:1"])
def test_other_hosts_are_out_of_reach(client: FakeDockerClient, name: str) -> None:
    """No request leaves this machine, and the refusal says how one could."""
    with pytest.raises(docker.errors.APIError) as caught:
        client.images.pull(name)
    host = name.partition("/")[0]
    assert f"registries={{'{host}': fake_registry}}" in str(caught.value)
    assert "network=True" in str(caught.value)


def test_the_hub_is_out_of_reach_of_pushes(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """A name without a host leads nowhere that anything could be pushed to."""
    engine.seed_image("me/app:1")
    lines = list(client.images.push("me/app", "1", stream=True, decode=True))
    assert "registries={'docker.io': fake_registry}" in lines[-1]["error"]


def test_a_registry_that_does_not_listen(request: pytest.FixtureRequest) -> None:
    """It may begin to later; before that the refusal says so."""
    registry = FakeRegistry()
    client = _client(FakeDockerEngine(registries={"ghcr.io": registry}), request)
    with pytest.raises(docker.errors.APIError, match="does not listen: start it"):
        client.images.pull("ghcr.io/a:1")
    with registry:
        registry.seed("a:1", SeedImage())
        assert client.images.pull("ghcr.io/a:1").tags == ["ghcr.io/a:1"]


@pytest.mark.parametrize(
    ("registries", "error"),
    [
        ({1: "127.0.0.1:5000"}, TypeError),
        ({"ghcr.io": 5000}, TypeError),
        ({"": "127.0.0.1:5000"}, ValueError),
        ({"ghcr.io/team": "127.0.0.1:5000"}, ValueError),
        ({"ghcr.io": "127.0.0.1:5000/team"}, ValueError),
        ({"ghcr.io": ""}, ValueError),
    ],
)
def test_wrong_registries_are_refused(registries: object, error: type[Exception]) -> None:
    """A mistake is told where it is made."""
    with pytest.raises(error, match="registries: "):
        FakeDockerEngine(registries=registries)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [f"python@{_DIGEST}", f"python:3.12@{_DIGEST}"])
def test_seeds_under_a_given_digest(
    client: FakeDockerClient, engine: FakeDockerEngine, name: str
) -> None:
    """A digest that somebody wrote into a Dockerfile need not be that of the seed's content."""
    engine.seed_hub(name, files={"bin/python": "x"})
    image = client.images.pull(f"python@{_DIGEST}")
    assert image.attrs["RepoDigests"] == [f"python@{_DIGEST}"]
    context = io.BytesIO(pack({"Dockerfile": f"FROM {name}"}))
    built, _ = client.images.build(fileobj=context, custom_context=True)
    assert built.id == image.id
    with pytest.raises(docker.errors.NotFound):
        client.images.pull("python@sha256:" + "cd" * 32)
