"""The BuildKit builder with daemons of their own for platforms."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fakes import FakeRegistry
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, BuildKitImageBuilder, DefaultContainerRegistry
from imagebuilders.buildkit import fleet_build
from imagebuilders.buildkit.daemon import daemon_at
from imagebuilders.buildkit.platform_builds import group_platforms
from imagebuilders.buildkit.proto import ops_pb2
from imagebuilders.buildkit.proto.worker_pb2 import WorkerRecord
from imagebuilders.distribution.client import RegistryClient
from imagebuilders.events import BuildStarted, Event, ImagePushed, listen
from imagebuilders.exceptions import BuildError, BuildOptionsError, PushError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_MANIFEST
from imagebuilders.oci.platform import Platform


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give daemons time to answer: a busy machine is slow."""
    monkeypatch.setattr(fleet_build, "HEALTH_SECONDS", 60.0)


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    """Give a registry."""
    with FakeRegistry() as server:
        yield server


class Pushing:
    """A script that pushes an image for each platform, as a daemon does that is to by digest."""

    manifest_type, config_type = OCI_MANIFEST, OCI_CONFIG

    def __call__(self, build: ScriptedBuild) -> Mapping[str, str]:
        """Push."""
        (exporter,) = build.request.Exporters
        assert exporter.Attrs["push-by-digest"] == "true"
        build.step("[1/1] FROM base:1")
        domain, _, path = exporter.Attrs["name"].partition("/")
        with RegistryClient(domain) as client:
            repository = client.repository(path)
            entries = []
            for text in build.request.FrontendAttrs["platform"].split(","):
                platform = Platform.parse(text)
                config = json.dumps(platform.to_json()).encode()
                repository.upload_blob(config)
                manifest = Manifest(
                    Descriptor.of(config, self.config_type), media_type=self.manifest_type
                ).to_bytes()
                digest = repository.write_manifest(manifest, self.manifest_type)
                described = Descriptor.of(manifest, self.manifest_type)
                entries.append(
                    Descriptor(described.media_type, digest, described.size, platform=platform)
                )
            if len(entries) > 1:
                index = Index(tuple(entries))
                digest = repository.write_manifest(index.to_bytes(), index.media_type)
        return {"containerimage.digest": str(digest)}


@pytest.fixture
def daemons() -> Iterator[list[tuple[str, ScriptedBuildKit]]]:
    """Give two daemons and their addresses."""
    with contextlib.ExitStack() as serving:
        found = [ScriptedBuildKit(Pushing(), containerd_store=True) for _ in range(2)]
        yield [(serving.enter_context(daemon.serve()), daemon) for daemon in found]


@pytest.fixture
def builder(daemons: list[tuple[str, ScriptedBuildKit]]) -> BuildKitImageBuilder:
    """A builder whose second daemon builds for arm64."""
    (anything, _), (arm, _) = daemons
    return BuildKitImageBuilder(addresses=anything, platform_addresses={"linux/arm64": arm})


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file("FROM base:1\n", "Dockerfile")
    return context


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_one_index_of_what_several_daemons_built(
    daemons: list[tuple[str, ScriptedBuildKit]],
    builder: BuildKitImageBuilder,
    server: FakeRegistry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    form: str,
) -> None:
    """Each daemon builds what it is there for; every name leads to the index of all."""
    if form == "docker":
        monkeypatch.setattr(Pushing, "manifest_type", DOCKER_MANIFEST)
        monkeypatch.setattr(Pushing, "config_type", DOCKER_CONFIG)
    (_, anything), (_, arm) = daemons
    name = f"{server.address}/team/app"
    platforms = "linux/amd64,linux/arm64" + (",linux/s390x" if form == "oci" else "")
    options = {
        "platform": platforms,
        "tags": [f"{name}:latest"],
        "push": True,
        "iidfile": str(tmp_path / "id"),
    }
    told: list[Event] = []
    with listen(told.append):
        pushed = builder.build(f"{name}:1", _context(), options)
    (first,), (second,) = anything.requests, arm.requests
    assert second.FrontendAttrs["platform"] == "linux/arm64"
    assert first.FrontendAttrs["platform"] == platforms.replace("linux/arm64,", "").replace(
        ",linux/arm64", ""
    )
    assert {exporter.Attrs["name"] for exporter in (*first.Exporters, *second.Exporters)} == {name}
    with RegistryClient(server.address) as client:
        repository = client.repository("team/app")
        stored = repository.read_manifest("1")
        assert repository.resolve("latest") == stored.descriptor
        assert pushed == f"{name}@{stored.descriptor.digest}"
        index = stored.parse()
    assert isinstance(index, Index)
    found = {str(entry.platform) for entry in index.manifests}
    assert found == {str(Platform.parse(text).normalized()) for text in platforms.split(",")}
    assert ("docker" in index.media_type) == (form == "docker")
    assert (tmp_path / "id").read_text() == str(stored.descriptor.digest)
    assert len([event for event in told if isinstance(event, BuildStarted)]) == 2
    assert [event.reference for event in told if isinstance(event, ImagePushed)] == [pushed]


def test_a_platform_that_fails_ends_the_build(
    daemons: list[tuple[str, ScriptedBuildKit]],
    builder: BuildKitImageBuilder,
    server: FakeRegistry,
) -> None:
    """The others are stopped, and no index is pushed."""
    (_, anything), (_, arm) = daemons
    stopped: list[bool] = []

    def wait(build: ScriptedBuild) -> None:
        build.start_step("[1/1] RUN sleep")
        stopped.append(build.wait_cancelled())
        build.fail("nobody waits")

    def fail(build: ScriptedBuild) -> None:
        build.fail_step("[1/1] RUN make", exit_code=3)

    anything.script, arm.script = wait, fail
    registry = DefaultContainerRegistry(uri=server.address)
    options = {"platform": "linux/amd64,linux/arm64"}
    with pytest.raises(BuildError, match="RUN make") as caught:
        builder.build(f"{server.address}/app:1", _context(), options, registry)
    assert caught.value.exit_code == 3
    anything.check()
    assert stopped in ([True], [])  # it may not have begun


def test_one_platform_is_built_as_ever(
    daemons: list[tuple[str, ScriptedBuildKit]], builder: BuildKitImageBuilder
) -> None:
    """By the daemon that is there for it, without an index."""
    (_, anything), (_, arm) = daemons
    arm.script = lambda build: build.export()
    registry = DefaultContainerRegistry(uri="registry.example")
    builder.build("registry.example/app:1", _context(), {"platform": "linux/arm64/v8"}, registry)
    assert (len(anything.requests), len(arm.requests)) == (0, 1)
    assert "push-by-digest" not in arm.requests[0].Exporters[0].Attrs


def test_several_daemons_can_only_push(builder: BuildKitImageBuilder, tmp_path: Path) -> None:
    """An archive of both platforms cannot be made of two."""
    options = {"platform": "linux/amd64,linux/arm64", "outputs": f"type=oci,dest={tmp_path}/a"}
    with pytest.raises(BuildOptionsError, match="different daemons"):
        builder.build("registry.example/app:1", _context(), options)


def test_an_index_that_the_registry_does_not_take(
    builder: BuildKitImageBuilder,
    server: FakeRegistry,
    daemons: list[tuple[str, ScriptedBuildKit]],
) -> None:
    """The error says that the images were built."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.step("[1/1] FROM base:1")
        return {"containerimage.digest": "sha256:" + "0" * 64}

    for _, daemon in daemons:
        daemon.script = script
    registry = DefaultContainerRegistry(uri=server.address)
    with pytest.raises(PushError, match="was built, but the index"):
        builder.build(
            f"{server.address}/app:1", _context(), {"platform": "linux/amd64,linux/arm64"}, registry
        )


def test_which_daemons_build_which_platforms() -> None:
    """Those that were named for one build it, others build the rest; without others, all do."""
    anything = daemon_at("tcp://a:1")
    arm = [daemon_at(f"tcp://arm-{number}:1", platforms=("linux/arm64",)) for number in range(2)]
    groups = group_platforms([anything, *arm], ["linux/amd64", "linux/arm64/v8", "linux/386"])
    assert [(group.platforms, list(group.daemons)) for group in groups] == [
        (("linux/amd64", "linux/386"), [anything]),
        (("linux/arm64/v8",), arm),
    ]
    assert [list(group.daemons) for group in group_platforms([anything, *arm], [])] == [[anything]]
    assert [list(group.daemons) for group in group_platforms(arm, ["linux/s390x"])] == [arm]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_daemon_that_runs_the_platform_goes_before_others(is_known: bool) -> None:
    """Whatever the order is; when none runs it, the first builds, as for what runs nothing."""

    daemons = [_daemon("amd64"), _daemon("amd64"), _daemon("arm64" if is_known else "s390x")]
    for one in daemons:
        one.script = lambda build: build.export()
    registry = DefaultContainerRegistry(uri="registry.example")
    with contextlib.ExitStack() as serving:
        addresses = [serving.enter_context(one.serve()) for one in daemons]
        builder = BuildKitImageBuilder(addresses=addresses)
        for number in range(4):
            name = f"registry.example/app-{number}:1"
            builder.build(name, _context(), {"platform": "linux/arm64"}, registry)
    built = [len(one.builds) for one in daemons]
    assert sum(built) == 4
    assert (built[2] == 4) == is_known


def _daemon(*architectures: str) -> ScriptedBuildKit:
    """Return a daemon that runs these."""
    record = WorkerRecord(
        ID="worker",
        Labels={"org.mobyproject.buildkit.worker.executor": "oci"},
        platforms=[ops_pb2.Platform(OS="linux", Architecture=each) for each in architectures],
    )
    return ScriptedBuildKit(Pushing(), workers=[record])


def test_daemons_build_what_they_run(server: FakeRegistry, tmp_path: Path) -> None:
    """Without a word of the user's on platforms; one that is away builds nothing."""
    daemons = [_daemon("amd64", "386"), _daemon("arm64")]
    registry = DefaultContainerRegistry(uri=server.address)
    options = {"platform": "linux/386,linux/amd64,linux/arm64"}
    with contextlib.ExitStack() as serving:
        addresses = [serving.enter_context(one.serve()) for one in daemons]
        builder = BuildKitImageBuilder(addresses=[f"unix://{tmp_path}/none.sock", *addresses])
        builder.build(f"{server.address}/app:1", _context(), options, registry)
    assert [one.requests[0].FrontendAttrs["platform"] for one in daemons] == [
        "linux/386,linux/amd64",
        "linux/arm64",
    ]


@pytest.mark.parametrize("outputs", [False, True])
def test_daemons_that_run_the_same_are_not_told_apart(tmp_path: Path, outputs: bool) -> None:
    """One of them builds all; so it is for what is not pushed, which only one can make."""
    daemons = [_daemon("amd64", "arm64"), _daemon("amd64" if outputs else "arm64", "amd64")]
    options: dict[str, object] = {"platform": "linux/amd64,linux/arm64"}
    for one in daemons:
        one.script = lambda build: build.export()
    options |= {"outputs": f"type=local,dest={tmp_path}/out"} if outputs else {"push": True}
    with contextlib.ExitStack() as serving:
        addresses = [serving.enter_context(one.serve()) for one in daemons]
        BuildKitImageBuilder(addresses=addresses).build(
            "registry.example/app:1", _context(), options
        )
    assert sum(len(one.requests) for one in daemons) == 1
