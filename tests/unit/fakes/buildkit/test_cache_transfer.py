"""Caches that the BuildKit double hands on: in images, in registries, in folders of the client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.clock import ManualClock
from imagebuilders import BuildContext, BuildKitImageBuilder, LocalImageBuilder
from imagebuilders.distribution import RegistryClient
from imagebuilders.exceptions import BuildError
from imagebuilders.oci.manifest import Index, Manifest

DOCKERFILE = """\
FROM base:1 AS tools
RUN make tools
FROM base:1
COPY f /
COPY --from=tools /tool /
RUN finish
"""
STEPS = ["COPY f /", "COPY --from=tools /tool /", "RUN finish"]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry for everybody."""
    with FakeRegistry() as registry:
        yield registry


Build = Callable[..., dict[str, bool]]


@pytest.fixture
def worker() -> Iterator[Callable[[], Build]]:
    """Make a new daemon; it builds, and returns which steps were in a cache."""
    served = []
    clock = ManualClock()

    def make() -> Build:
        buildkit = FakeBuildKit(clock=clock)
        clock.advance(60)
        buildkit.seed_image("base:1", platforms=("linux/amd64", "linux/arm64"))
        buildkit.on_run("make tools", files={"/tool": "made"})
        buildkit.on_run("finish", files={"/end": "1"}, env={"DONE": "1"})
        serving = buildkit.serve()
        builder = BuildKitImageBuilder(addresses=serving.__enter__())
        served.append(serving)

        def build(content: str = "1", name: str = "app:1", **options: Any) -> dict[str, bool]:
            context = BuildContext()
            context.add_file(DOCKERFILE, "Dockerfile")
            context.add_file(content, "f")
            builder.build(name, context, {"outputs": f"type=image,name={name}", **options})
            assert buildkit.image_tree(name).env["DONE"] == "1"
            assert buildkit.image_tree(name).read_text("/end") == "1"
            return {step.instruction: step.cached for step in buildkit.records[-1].steps}

        return build

    yield make
    for serving in served:
        serving.__exit__(None, None, None)


def _kept(name: str, registry: FakeRegistry) -> dict[str, Any]:
    with RegistryClient(registry.address) as client:
        repository = client.repository("cache")
        found = repository.read_manifest(name).parse()
        described = found.config if isinstance(found, Manifest) else found.manifests[-1]
        assert described.media_type == "application/vnd.buildkit.cacheconfig.v0"
        config: dict[str, Any] = json.loads(repository.read_blob(described.digest))
    return config


def test_a_cache_in_a_registry(registry: FakeRegistry, worker: Callable[[], Build]) -> None:
    """Another daemon does only what changed; of `mode=min` it has nothing of other stages."""
    ref = f"type=registry,ref={registry.address}/cache"
    first = worker()
    exports = [f"{ref}:max,mode=max", f"{ref}:min", f"{ref}:list,image-manifest=false"]
    assert not any(first(cache_to=exports).values())

    done = worker()(cache_from=f"{ref}:max")
    assert [done[step] for step in ("RUN make tools", *STEPS)] == [True, True, True, True]
    # Nothing of another stage is done again whose result is not asked for.
    done = worker()(cache_from=f"{ref}:min")
    assert [done[step] for step in ("RUN make tools", *STEPS)] == [False, True, True, True]
    done = worker()(content="2", cache_from=f"{ref}:list")
    assert [done[step] for step in STEPS] == [False, False, False]

    config = _kept("max", registry)
    assert len(config["records"]) == 4
    assert {layer["parent"] for layer in config["layers"]} >= {-1, 0}
    assert len(_kept("min", registry)["records"]) == 3
    with RegistryClient(registry.address) as client:
        kept = client.repository("cache").read_manifest("list").parse()
        assert isinstance(kept, Index)


def test_a_cache_in_a_folder_of_the_client(worker: Callable[[], Build], tmp_path: Path) -> None:
    """As an image layout, which the client finds the newest cache in."""
    folder = tmp_path / "cache"
    worker()(cache_to=f"type=local,dest={folder},mode=max")
    assert json.loads((folder / "index.json").read_text())["manifests"]
    done = worker()(cache_from=f"type=local,src={folder}")
    assert [done[step] for step in ("RUN make tools", *STEPS)] == [True, True, True, True]


def test_a_cache_in_an_image(registry: FakeRegistry, worker: Callable[[], Build]) -> None:
    """The image itself has the layers; its configuration says what they were made of."""
    name = f"{registry.address}/team/app:1"
    output = f"type=image,name={name},push=true"
    worker()(name=name, cache_to="type=inline", outputs=output)
    with RegistryClient(registry.address) as client:
        repository = client.repository("team/app")
        manifest = repository.read_manifest("1").parse()
        assert isinstance(manifest, Manifest)
        config = json.loads(repository.read_blob(manifest.config.digest))
    assert "moby.buildkit.cache.v0" in config

    done = worker()(cache_from=name)
    assert [done[step] for step in ("RUN make tools", *STEPS)] == [False, True, True, True]


def test_an_image_that_was_built_from_a_cache_has_the_same_layers(
    registry: FakeRegistry, worker: Callable[[], Build]
) -> None:
    """Bit by bit."""
    names = [f"{registry.address}/app:{number}" for number in (1, 2)]
    ref = f"type=registry,ref={registry.address}/cache:1"
    for name, options in zip(names, ({"cache_to": ref}, {"cache_from": ref}), strict=True):
        worker()(name=name, outputs=f"type=image,name={name},push=true", **options)
    with RegistryClient(registry.address) as client:
        repository = client.repository("app")
        first, second = (repository.read_manifest(tag).parse() for tag in ("1", "2"))
    assert isinstance(first, Manifest)
    assert isinstance(second, Manifest)
    assert first.layers[-3:] == second.layers[-3:]


@pytest.mark.parametrize(
    ("export", "words"),
    [
        ("type=gha,token=t,url=http://127.0.0.1:1/", "the BuildKit double exports no caches"),
        ("type=s3,region=eu", r"bucket \(\$AWS_BUCKET\) not set for s3 cache"),
        ("type=nope", 'unknown cache exporter: "nope"'),
    ],
)
def test_caches_that_are_not_there(worker: Callable[[], Build], export: str, words: str) -> None:
    """A build that shall export one fails; one that shall import it goes on."""
    with pytest.raises(BuildError, match=words):
        worker()(cache_to=export)
    worker()(cache_from=export)


def test_a_registry_that_refuses_a_cache(worker: Callable[[], Build]) -> None:
    """It fails the build, unless errors are to be ignored."""
    with FakeRegistry(auth="basic", users={"ci": "pass"}) as registry:
        ref = f"type=registry,ref={registry.address}/cache:1"
        with pytest.raises(BuildError, match="error writing layer blob"):
            worker()(cache_to=ref)
        worker()(cache_to=f"{ref},ignore-error=true")


def test_an_engine_reads_the_cache_in_its_own_image(tmp_path: Path) -> None:
    """Also when its own cache is pruned; what is not there is built anew."""
    engine = FakeDockerEngine("28.5")
    engine.seed_image("base:1")
    context = BuildContext()
    context.add_file("FROM base:1\nCOPY f /\n", "Dockerfile")
    context.add_file("1", "f")
    with closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        builder.build("app:1", context, {"cache_to": "type=inline"})
        client.api.prune_builds(all=True)
        builder.build("app:2", context, {"cache_from": ["app:1"]})
        client.api.prune_builds(all=True)
        builder.build("app:3", context, {"cache_from": ["other:1"]})
    cached = [build.steps[-1].cached for build in engine.builds]
    assert cached == [False, True, False]
