"""The real SDK against the double, end to end."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry

Build = Callable[..., list[str]]


@pytest.fixture
def engine() -> FakeDockerEngine:
    """A fresh engine."""
    return FakeDockerEngine()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """The SDK's client on it."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


def context(dockerfile: str, **files: str) -> io.BytesIO:
    """A build context."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in {"Dockerfile": dockerfile, **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            archive.addfile(info, io.BytesIO(content.encode()))
    stream.seek(0)
    return stream


def _streamed(log: Iterable[object]) -> list[str]:
    """The text of a build's log, line by line."""
    return [str(line["stream"]) for line in log if isinstance(line, dict) and "stream" in line]


def test_the_sdk_finds_an_engine(client: FakeDockerClient) -> None:
    """Ping and version answer as an engine of the chosen version."""
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.55"


def test_a_build_makes_an_image(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """A Dockerfile becomes an image with files, configuration and tag."""
    image, log = client.images.build(
        fileobj=context('FROM scratch\nCOPY a /x/\nENV A=1\nCMD ["/x/a"]', a="hello"),
        custom_context=True,
        tag="made:1",
        rm=True,
    )
    assert image.tags == ["made:1"]
    assert engine.image_tree("made:1")["x/a"].data == b"hello"
    text = "".join(_streamed(log))
    assert text.startswith("Step 1/4 : FROM scratch\n ---> \nStep 2/4 : COPY a /x/\n ---> ")
    assert image.id is not None
    assert text.endswith(f"Successfully built {image.id[7:19]}\nSuccessfully tagged made:1\n")


def test_a_second_build_uses_the_cache(client: FakeDockerClient) -> None:
    """The same context builds to the same image, each step from the cache."""
    first, _ = client.images.build(
        fileobj=context("FROM scratch\nCOPY a /", a="1"), custom_context=True
    )
    second, log = client.images.build(
        fileobj=context("FROM scratch\nCOPY a /", a="1"), custom_context=True
    )
    assert first.id == second.id
    assert " ---> Using cache\n" in _streamed(log)


def test_a_failed_run_raises_with_its_code(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """A RUN that the test lets fail ends the build as a failed command does."""
    engine.seed_image("base")
    engine.on_run("make *", output="no rule\n", exit_code=2)
    with pytest.raises(docker.errors.BuildError) as caught:
        client.images.build(fileobj=context("FROM base\nRUN make all"), custom_context=True)
    assert caught.value.msg == "The command '/bin/sh -c make all' returned a non-zero code: 2"


def test_push_and_pull_meet_a_registry(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """What is pushed over HTTP can be pulled back as the same image."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app:1"
        image, _ = client.images.build(
            fileobj=context("FROM scratch\nCOPY a /", a="1"), custom_context=True, tag=name
        )
        sent = list(client.images.push(name, stream=True, decode=True))
        digest = registry.manifest("team/app:1").digest
        assert f"1: digest: {digest} size: " in sent[-1]["status"]
        assert image.id == digest
        client.images.remove(name)
        assert client.images.pull(name).id == image.id


def test_a_name_nobody_has_is_not_found(client: FakeDockerClient) -> None:
    """The SDK tells a missing image by the engine's words."""
    with pytest.raises(docker.errors.ImageNotFound, match="pull access denied for nosuch"):
        client.images.pull("nosuch")
    with pytest.raises(docker.errors.ImageNotFound, match="No such image: nosuch:latest"):
        client.images.get("nosuch")


def test_reset_forgets_everything(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """The same client finds an engine that looks as if it had just been made."""
    engine.seed_image("base:1")
    engine.seed_hub("python:3.12-slim")
    engine.on_container("base:1", exit_code=3)
    engine.faults.fail("GET /info", times=None)
    client.containers.run("base:1", "x", detach=True).wait()
    client.networks.create("mine")
    client.volumes.create("mine")
    fresh = FakeDockerEngine()

    engine.reset()

    assert (engine.images.all(), engine.containers.all(), engine.volumes.all()) == ([], [], [])
    assert [network.name for network in client.networks.list()] == [
        network.name for network in fresh.networks.all()
    ]
    assert (engine.events, engine.builds, engine.logins) == ([], [], {})
    assert len(engine.requests) == 1
    assert client.info()["Images"] == 0
    with pytest.raises(docker.errors.NotFound, match="pull access denied"):
        client.images.pull("python:3.12-slim")
    engine.seed_image("base:1")
    assert client.containers.run("base:1", "x", detach=True).wait()["StatusCode"] == 0
