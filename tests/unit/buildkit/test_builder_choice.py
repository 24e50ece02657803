"""Which builder builds, by the options, the setting and the engine; and what each build asks."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.builder_choice import BuilderSetting
from imagebuilders.buildkit.proto.worker_pb2 import BuildkitVersion, WorkerRecord
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import RpcStatus
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import BuildFinished, Event, ImageBuilt, Notice
from imagebuilders.exceptions import BuildError, BuildOptionsError, ConfigurationError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.media_types import OCI_MANIFEST

GATEWAY = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"


class _Engine:
    """An engine with a scripted BuildKit, or without any."""

    def __init__(self, buildkit: ScriptedBuildKit | None, version: str) -> None:
        self.buildkit = buildkit
        self.engine = FakeDockerEngine(version, buildkit=buildkit)
        self.engine.seed_image("base:1", files={"/bin/sh": ""})
        self.client = FakeDockerClient(self.engine)

    def build(self, options: Mapping[str, object] | None = None, **settings: Any) -> str:
        builder = LocalImageBuilder(docker_client=self.client, **settings)
        return builder.build("app:1", _context(), options)

    @property
    def by_buildkit(self) -> int:
        return len(self.buildkit.requests) if self.buildkit is not None else 0

    @property
    def classically(self) -> int:
        return len(self.engine.builds)


MakeEngine = Callable[..., _Engine]


@pytest.fixture
def make_engine() -> Iterator[MakeEngine]:
    """Make engines; their scripts must not have failed at the end."""
    with contextlib.ExitStack() as open_engines:

        def make(buildkit: ScriptedBuildKit | None = None, version: str = "28.5") -> _Engine:
            made = _Engine(buildkit, version)
            open_engines.callback(made.client.close)
            if buildkit is not None:
                open_engines.callback(buildkit.check)
            return made

        yield make


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file("FROM base:1\nRUN make\n", "Dockerfile")
    return context


def _notices(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Notice)]


WITHOUT_MEANING = [
    ("squash", True),
    ("isolation", "hyperv"),
    ("network_mode", "my-network"),
]


@pytest.mark.parametrize(("option", "value"), WITHOUT_MEANING)
def test_what_buildkit_has_no_meaning_for_is_built_classically(
    make_engine: MakeEngine, events: list[Event], option: str, value: object
) -> None:
    """With one notice that says why; the setting `buildkit` refuses it."""
    engine = make_engine(ScriptedBuildKit())
    with contextlib.suppress(BuildError):  # the double may refuse what it does not know
        engine.build({option: value})
    assert engine.by_buildkit == 0
    assert [r.path for r in engine.engine.requests].count("/grpc") == 0
    (notice,) = _notices(events)
    assert f"no meaning for the option {option!r}" in notice
    with pytest.raises(BuildOptionsError, match="no meaning in BuildKit") as caught:
        engine.build({option: value}, builder="buildkit")
    assert caught.value.option == option


@pytest.mark.parametrize("option", ["rm", "forcerm", "gzip", "encoding"])
def test_what_means_nothing_is_no_reason(
    make_engine: MakeEngine, events: list[Event], option: str
) -> None:
    """Containers are always removed, and contexts are not archives."""
    engine = make_engine(ScriptedBuildKit())
    value = "gzip" if option == "encoding" else True
    for setting in ("auto", "buildkit"):
        engine.build({option: value}, builder=setting)
    assert (engine.by_buildkit, engine.classically) == (2, 0)
    assert _notices(events) == []


def test_the_setting_classic_asks_for_no_buildkit(
    make_engine: MakeEngine, events: list[Event]
) -> None:
    """Nothing is said of it either."""
    engine = make_engine(ScriptedBuildKit())
    engine.build(builder="classic")
    assert (engine.by_buildkit, engine.classically) == (0, 1)
    assert _notices(events) == []


def test_the_environment_may_ask_for_the_classic_builder(
    make_engine: MakeEngine, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the setting leaves it open; what needs BuildKit is then refused, with the reason."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    engine = make_engine(ScriptedBuildKit())
    engine.build()
    assert (engine.by_buildkit, engine.classically) == (0, 1)
    assert _notices(events) == []
    engine.build(builder="buildkit")
    assert engine.by_buildkit == 1
    with pytest.raises(BuildOptionsError, match="the environment has DOCKER_BUILDKIT=0"):
        engine.build({"sbom": True})


@pytest.mark.parametrize("value", ["1", "", "true"])
def test_the_environment_asks_for_nothing_else(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """BuildKit builds anyway."""
    monkeypatch.setenv("DOCKER_BUILDKIT", value)
    engine = make_engine(ScriptedBuildKit())
    engine.build()
    assert engine.by_buildkit == 1


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_environment_has_a_default_platform(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, builder: BuilderSetting
) -> None:
    """For either builder; the option goes before."""
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
    buildkit = ScriptedBuildKit()
    engine = make_engine(buildkit)
    for options, expected in (({}, "linux/arm64"), ({"platform": "linux/386"}, "linux/386")):
        with contextlib.suppress(BuildError):  # the double has one platform
            engine.build(options, builder=builder)
        if builder == "buildkit":
            assert buildkit.requests[-1].FrontendAttrs["platform"] == expected
        else:
            request = [each for each in engine.engine.requests if each.path.endswith("/build")][-1]
            assert request.query["platform"] == [expected]


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        ("123", {}, "123"),
        ("", {}, None),
        ("123", {"buildargs": {"SOURCE_DATE_EPOCH": "5"}}, "5"),
        ("123", {"buildargs": ["SOURCE_DATE_EPOCH"]}, "123"),
    ],
)
def test_the_environment_has_the_time_of_the_image(
    make_engine: MakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    options: dict[str, object],
    expected: str | None,
) -> None:
    """BuildKit is told it as a build argument; one that is given goes before."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", environment)
    buildkit = ScriptedBuildKit()
    make_engine(buildkit).build(options)
    assert buildkit.requests[0].FrontendAttrs.get("build-arg:SOURCE_DATE_EPOCH") == expected


def test_a_frontend_in_the_environment_does_not_count(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `docker buildx`, which knows it as a build argument alone."""
    monkeypatch.setenv("BUILDKIT_SYNTAX", "mine:1")
    buildkit = ScriptedBuildKit()
    make_engine(buildkit).build()
    assert buildkit.requests[0].Frontend == "dockerfile.v0"
    assert not [name for name in buildkit.requests[0].FrontendAttrs if "SYNTAX" in name]


@pytest.mark.parametrize(
    ("option", "value"),
    [("ulimit", "nofile=1:2"), ("shmsize", "1m"), ("extra_hosts", "h:host-gateway")],
)
def test_what_an_old_buildkit_passes_over_is_built_classically(
    make_engine: MakeEngine, events: list[Event], option: str, value: str
) -> None:
    """20.10 would build on in silence; the setting `buildkit` refuses it."""
    buildkit = ScriptedBuildKit(version=None, workers=[WorkerRecord(ID="moby")])
    engine = make_engine(buildkit, "20.10")
    engine.build({option: value})
    assert (engine.by_buildkit, engine.classically) == (0, 1)
    (notice,) = _notices(events)
    assert f"passes over the option {option!r}" in notice
    with pytest.raises(BuildOptionsError, match="classic builder, or use a newer") as caught:
        engine.build({option: value}, builder="buildkit")
    assert caught.value.option == option


@pytest.mark.parametrize(
    ("version", "by_buildkit"),
    [("v0.0.0+unknown", 0), ("", 0), ("v0.30.1", 0), ("v0.31.0-rc1", 1), ("v1.2.0", 1)],
)
def test_limits_of_memory_are_for_a_buildkit_that_knows_them(
    make_engine: MakeEngine, events: list[Event], version: str, by_buildkit: int
) -> None:
    """An older one would build on without them, so the classic builder builds."""
    told = BuildkitVersion(version=version)
    buildkit = ScriptedBuildKit(workers=[WorkerRecord(ID="moby", BuildkitVersion=told)])
    engine = make_engine(buildkit)
    with contextlib.suppress(BuildError):  # the double may refuse what it does not know
        engine.build({"container_limits": {"memory": "512m"}})
    assert engine.by_buildkit == by_buildkit
    assert len(_notices(events)) == 1 - by_buildkit
    if by_buildkit:
        assert buildkit.requests[0].FrontendAttrs["memory"] == str(512 * 1024**2)


@pytest.mark.parametrize(("version", "by_buildkit"), [(None, 0), ("v0.30.1", 0), ("v0.31.0", 1)])
def test_workers_of_the_containerd_store_are_of_the_daemon_s_version(
    make_engine: MakeEngine, version: str | None, by_buildkit: int
) -> None:
    """Those of Docker Engine 29 do not tell one of their own."""
    engine = make_engine(ScriptedBuildKit(version=version, containerd_store=True))
    with contextlib.suppress(BuildError):  # the double may refuse what it does not know
        engine.build({"container_limits": {"memory": "512m"}})
    assert engine.by_buildkit == by_buildkit


BUILDKIT_ONLY = [
    ("secrets", {"id": "a", "get": lambda: b"x"}),
    ("ssh", "default"),
    ("cache_to", "type=inline"),
    ("outputs", "out"),
    ("build_contexts", {"a": "docker-image://b"}),
    ("no_cache_filter", "a"),
    ("annotations", "a=b"),
    ("allow", "device"),
    ("attest", "type=sbom"),
    ("provenance", True),
    ("sbom", True),
    ("platform", "linux/amd64,linux/arm64"),
]


@pytest.mark.parametrize(("option", "value"), BUILDKIT_ONLY)
def test_what_needs_buildkit_is_refused_where_there_is_none(
    make_engine: MakeEngine, events: list[Event], option: str, value: object
) -> None:
    """The error names the option, what the engine has, and what would do; nothing is built."""
    engine = make_engine(None)
    with pytest.raises(BuildOptionsError, match="needs BuildKit") as caught:
        engine.build({option: value})
    assert caught.value.option == option
    assert "Docker Engine 28.5" in str(caught.value)
    assert "offers no BuildKit (it answered with HTTP status 501)" in str(caught.value)
    assert engine.classically == 0
    assert _notices(events) == []


def test_options_that_need_different_builders_are_refused(make_engine: MakeEngine) -> None:
    """The error names both, before the engine is asked."""
    engine = make_engine(ScriptedBuildKit())
    with pytest.raises(BuildOptionsError, match=r"'secrets' needs BuildKit.*'squash'") as caught:
        engine.build({"squash": True, "secrets": {"id": "a", "get": lambda: b"x"}})
    assert caught.value.option == "secrets"
    assert engine.engine.requests == []


def test_a_daemon_that_does_not_say_what_it_can_do_is_a_failed_build(
    make_engine: MakeEngine,
) -> None:
    """With the daemon's words."""

    def deny(call: Call) -> None:
        raise CallError(RpcStatus(7, "not for you"))

    buildkit = ScriptedBuildKit(handlers={"/moby.buildkit.v1.Control/ListWorkers": deny})
    engine = make_engine(buildkit)
    with pytest.raises(BuildError, match="not for you"):
        engine.build()
    assert engine.classically == 0


# --- what is asked ------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "frontend", "attributes"),
    [
        ("dockerfile", "dockerfile.v0", {}),
        ("builtin", "dockerfile.v0", {"cmdline": "dockerfile.v0"}),
        ("r.example/f:1", "gateway.v0", {"source": "r.example/f:1", "cmdline": "r.example/f:1"}),
    ],
)
def test_the_frontend_is_a_setting(
    make_engine: MakeEngine, setting: str, frontend: str, attributes: dict[str, str]
) -> None:
    """Of the builder."""
    buildkit = ScriptedBuildKit()
    make_engine(buildkit).build(frontend=setting)
    (request,) = buildkit.requests
    assert request.Frontend == frontend
    assert {**request.FrontendAttrs, **attributes} == dict(request.FrontendAttrs)
    assert ("cmdline" in request.FrontendAttrs) == bool(attributes)


def test_a_frontend_that_is_no_image_is_a_wrong_setting() -> None:
    """It is told when the builder is made."""
    with pytest.raises(ConfigurationError, match="builtin"):
        LocalImageBuilder(frontend="not an image")


def test_the_host_gateway_is_what_the_worker_says(make_engine: MakeEngine) -> None:
    """Its label has the address."""
    worker = WorkerRecord(ID="id", Labels={GATEWAY: "172.30.0.1"})
    buildkit = ScriptedBuildKit(workers=[worker])
    make_engine(buildkit).build({"extra_hosts": "h:host-gateway"})
    assert buildkit.requests[0].FrontendAttrs["add-hosts"] == "h=172.30.0.1"


def test_the_end_says_what_the_build_comes_to(make_engine: MakeEngine, events: list[Event]) -> None:
    """As of a classic build."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.step("[1/3] FROM base:1", cached=True)
        build.step("[2/3] RUN make", cached=True)
        build.step("[3/3] RUN more")
        return build.export()

    make_engine(ScriptedBuildKit(script)).build()
    finished = events[-1]
    assert isinstance(finished, BuildFinished)
    assert (finished.steps, finished.cached_steps) == (2, 1)
    assert finished.size is not None


def test_a_silent_daemon_ends_a_build_with_a_time_limit(make_engine: MakeEngine) -> None:
    """The option `timeout` is the seconds of silence, as of a classic build."""

    def script(build: ScriptedBuild) -> None:
        build.start_step("[2/2] RUN sleep")
        if build.wait_cancelled():
            stopped.set()

    stopped = threading.Event()
    engine = make_engine(ScriptedBuildKit(script))
    with pytest.raises(BuildError, match=r"said nothing for 0\.2 s at step 2/2: RUN sleep"):
        engine.build({"timeout": 0.2})
    assert stopped.wait(10)


# --- outputs and caches --------------------------------------------------------


def test_an_output_in_place_of_the_image(
    make_engine: MakeEngine, events: list[Event], tmp_path: Path
) -> None:
    """It is there once the build has succeeded; the engine keeps no image."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.session.send_file(b"content", exporter=0)
        return {}

    engine = make_engine(ScriptedBuildKit(script))
    out = tmp_path / "out" / "a.tar"
    assert engine.build({"outputs": f"type=tar,dest={out}"}) == "app:1"
    assert out.read_bytes() == b"content"
    assert not [event for event in events if isinstance(event, ImageBuilt)]
    finished = events[-1]
    assert isinstance(finished, BuildFinished)
    assert finished.size is None


def test_an_output_of_a_failed_build_is_not_there(make_engine: MakeEngine, tmp_path: Path) -> None:
    """Nor is a part of it."""

    def script(build: ScriptedBuild) -> None:
        build.session.send_file(b"content", exporter=0)
        build.fail("no")

    out = tmp_path / "out"
    with pytest.raises(BuildError):
        make_engine(ScriptedBuildKit(script)).build({"outputs": f"type=tar,dest={out}/a.tar"})
    assert not out.exists() or list(out.iterdir()) == []


def test_without_an_image_none_can_be_pushed(make_engine: MakeEngine, tmp_path: Path) -> None:
    """It is told before the build; an image among the outputs is pushed by the engine."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.session.send_file(b"content", exporter=0)
        return build.export()

    engine = make_engine(ScriptedBuildKit(script))
    with FakeRegistry() as server:
        registry = DefaultContainerRegistry(uri=server.address, docker_client=engine.client)
        name = f"{server.address}/app:1"
        output = f"type=tar,dest={tmp_path}/a.tar"
        with pytest.raises(BuildOptionsError, match="Add type=docker") as caught:
            LocalImageBuilder().build(name, _context(), {"outputs": output}, registry)
        assert caught.value.option == "outputs"
        assert engine.by_buildkit == 0
        pushed = LocalImageBuilder().build(
            name, _context(), {"outputs": [output, "type=docker"]}, registry
        )
        assert pushed.endswith(server.manifest("app:1").digest)


def test_a_cache_that_is_not_there_is_a_notice(
    make_engine: MakeEngine, events: list[Event], tmp_path: Path
) -> None:
    """The build goes on."""
    buildkit = ScriptedBuildKit()
    make_engine(buildkit).build({"cache_from": f"type=local,src={tmp_path}/none"})
    assert "cache-imports" not in buildkit.requests[0].FrontendAttrs
    (notice,) = _notices(events)
    assert "is not used" in notice


def test_a_cache_goes_to_a_folder_and_comes_back(make_engine: MakeEngine, tmp_path: Path) -> None:
    """The daemon writes and reads its blobs; the index is the client's."""
    manifest = b"{}"
    descriptor = Descriptor.of(manifest, OCI_MANIFEST)
    digest = str(descriptor.digest)
    cache = tmp_path / "cache"
    store = f"local:{cache}"

    def export(build: ScriptedBuild) -> Mapping[str, str]:
        build.session.write_content(store, digest, manifest)
        return {**build.export(), "cache.manifest": json.dumps(descriptor.to_json())}

    read: list[bytes] = []

    def take(build: ScriptedBuild) -> Mapping[str, str]:
        read.append(build.session.read_content(store, digest))
        return build.export()

    buildkit = ScriptedBuildKit(export, containerd_store=True)
    engine = make_engine(buildkit)
    engine.build({"cache_to": f"type=local,dest={cache}"})
    assert ImageLayout(cache).find() is not None
    buildkit.script = take
    engine.build({"cache_from": f"type=local,src={cache}"})
    imports = json.loads(buildkit.requests[1].FrontendAttrs["cache-imports"])
    assert imports == [{"Type": "local", "Attrs": {"src": str(cache), "digest": digest}}]
    assert read == [manifest]


def test_an_index_that_cannot_be_written_is_a_failed_build(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    """The image is there, and the error says so."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        return {**build.export(), "cache.manifest": "{"}

    engine = make_engine(ScriptedBuildKit(script, containerd_store=True))
    with pytest.raises(BuildError, match="was built, but"):
        engine.build({"cache_to": f"type=local,dest={tmp_path}/cache"})
