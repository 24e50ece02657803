"""Names of the public hub that were seeded for several platforms: indexes, as the hub has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from buildkit_builds import Build

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders import LocalImageBuilder
from imagebuilders.exceptions import BuildError

_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
_LOOKS = pytest.mark.parametrize(
    ("version", "store"),
    [("28.5", "overlay2"), ("28.5", "containerd"), ("20.10", None), ("29.7", None)],
)


@pytest.fixture
def engine(version: str, store: str | None) -> Iterator[FakeDockerEngine]:
    """An engine whose hub has a name for three platforms."""
    with closing(FakeDockerEngine(version, image_store=store)) as engine:
        first = engine.seed_hub("base:1", platforms=_PLATFORMS, labels={"of": "hub"})
        assert str(first.platform) == "linux/amd64"
        yield engine


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """A client of it."""
    with closing(FakeDockerClient(engine)) as client:
        yield client


@_LOOKS
def test_a_pull_takes_the_platform_of_the_machine(client: FakeDockerClient) -> None:
    """The name is that of an index, which the pull chooses from."""
    assert client.images.pull("base", "1").attrs["Architecture"] == "amd64"


@pytest.mark.parametrize(("version", "store"), [("28.5", "overlay2"), ("20.10", None)])
def test_a_pull_takes_the_platform_that_is_asked_for(client: FakeDockerClient) -> None:
    """One that the index has not is refused within the answer."""
    found = client.images.pull("base", "1", platform="linux/arm64")
    assert found.attrs["Architecture"] == "arm64"
    told = list(client.api.pull("base", "1", platform="linux/s390x", stream=True, decode=True))
    assert "no matching manifest for linux/s390x" in told[-1]["error"]


@_LOOKS
def test_the_registry_tells_all_platforms(client: FakeDockerClient) -> None:
    """The name leads to an index."""
    told = client.api.inspect_distribution("base:1")  # type: ignore[no-untyped-call]
    found = [(each["architecture"], each.get("variant", "")) for each in told["Platforms"]]
    assert found == [("amd64", ""), ("arm64", ""), ("arm", "v7")]
    assert told["Descriptor"]["mediaType"].endswith("manifest.list.v2+json")


@_LOOKS
@pytest.mark.parametrize("platform", [*_PLATFORMS, "linux/arm/v6"])
def test_a_build_begins_with_the_image_of_its_platform(
    platform: str, client: FakeDockerClient, engine: FakeDockerEngine, tmp_path: Path
) -> None:
    """A platform that the index has not is refused."""
    build = Build(LocalImageBuilder(docker_client=client, builder="buildkit"), tmp_path / "context")
    if platform == "linux/arm/v6":
        with pytest.raises(BuildError, match="no match for platform in manifest: not found"):
            build("FROM base:1\nENV A=1\n", platform=platform)
        return
    build("FROM base:1\nENV A=1\n", platform=platform)
    assert str(engine.image("app:1").platform) == platform


@_LOOKS
def test_each_manifest_has_a_name_by_its_digest(
    client: FakeDockerClient, engine: FakeDockerEngine, tmp_path: Path
) -> None:
    """As in a Dockerfile that pins the digest of one platform, or of the index."""
    found = engine.registries.hub.find("library/base", "1", None)
    assert found is not None
    entry, index = found
    build = Build(LocalImageBuilder(docker_client=client, builder="buildkit"), tmp_path / "context")
    for digest, expected in ((index, "amd64"), (list(entry.manifests)[1], "arm64")):
        build(f"FROM base@{digest}\nENV A=1\n")
        assert engine.image("app:1").platform.architecture == expected


@_LOOKS
def test_one_image_serves_every_platform(
    client: FakeDockerClient, engine: FakeDockerEngine, tmp_path: Path
) -> None:
    """Without platforms a name leads to a manifest; what is built of it is for what was asked."""
    base = engine.seed_hub("single:1")
    build = Build(LocalImageBuilder(docker_client=client, builder="buildkit"), tmp_path / "context")
    build("FROM single:1\nENV A=1\n", platform="linux/arm64")
    built = engine.image("app:1")
    assert built.platform.architecture == "arm64"
    assert built.layers[0].diff_id == base.layers[0].diff_id


@pytest.mark.parametrize(
    ("platforms", "error"),
    [("linux/amd64", TypeError), ([1], TypeError), (["linux/"], ValueError)],
)
def test_wrong_platforms_are_named(platforms: object, error: type[Exception]) -> None:
    """One word is no list, and a platform has a system and an architecture."""
    with closing(FakeDockerEngine()) as engine, pytest.raises(error):
        engine.seed_hub("base:1", platforms=platforms)  # type: ignore[arg-type]
