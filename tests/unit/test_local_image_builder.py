"""The local builder, against an engine and a registry in memory."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry, ScriptedBuildKit
from fakes.buildkit import ScriptedBuild
from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import (
    BuildContext,
    LocalImageBuilder,
    LocalImageBuilderConfig,
    LocalImageBuilderFlavor,
)
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import (
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    Notice,
    StepCached,
    StepOutput,
    StepStarted,
    listen,
)
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    BuildOptionsError,
    EngineNotFoundError,
    ImageBuilderError,
    ImageNameError,
)
from imagebuilders.stack import StackComponentType


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
def engine() -> FakeDockerEngine:
    """Give an engine."""
    engine = FakeDockerEngine()
    engine.seed_image("base:1", files={"/bin/sh": ""})
    return engine


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """A client of that engine."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def builder(client: FakeDockerClient) -> LocalImageBuilder:
    """A builder with that client, which builds classically."""
    return LocalImageBuilder(docker_client=client, builder="classic")


def _context(dockerfile: str = "FROM base:1\nRUN make\n") -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


class TestContract(ImageBuilderContract):
    """The local builder keeps the contract of image builders."""

    @pytest.fixture
    def image_builder(self, builder: LocalImageBuilder) -> LocalImageBuilder:
        """Give the builder."""
        return builder

    @pytest.fixture
    def container_registry(self, engine: FakeDockerEngine) -> Iterator[DefaultContainerRegistry]:
        """Give a registry in memory, and the engine's client to push with."""
        client = FakeDockerClient(engine)
        with FakeRegistry() as server:
            self.server = server
            yield DefaultContainerRegistry(uri=server.address, docker_client=client)
        client.close()

    def digest_in_registry(self, image_name: str) -> str:
        """Ask the registry."""
        return self.server.manifest(image_name.partition("/")[2]).digest


def test_a_builder_needs_no_argument() -> None:
    """It has no settings, and builds on this machine."""
    builder = LocalImageBuilder()
    assert builder.config == LocalImageBuilderConfig()
    assert builder.is_building_locally is True
    assert builder.build_context_class is BuildContext


def test_importing_the_builder_and_its_contract_does_not_import_docker() -> None:
    """The Docker SDK is loaded when a build needs it."""
    script = "import sys, imagebuilders.local_image_builder, fakes.contracts.image_builder"
    script += "; print('docker' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"


def test_the_engine_is_found_and_its_client_closed(
    engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a client of its own, each build looks for the engine."""
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        LocalImageBuilder._check_prerequisites()
        assert LocalImageBuilder().build("app:1", _context()) == "app:1"
    assert engine.image("app:1")


def test_without_an_engine_the_error_tells_the_two_causes(
    monkeypatch: pytest.MonkeyPatch, docker_config: Path
) -> None:
    """It is a `RuntimeError`, from the check and from the build."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    with pytest.raises(RuntimeError, match="not running") as caught:
        LocalImageBuilder._check_prerequisites()
    assert isinstance(caught.value, EngineNotFoundError)
    assert str(docker_config) in str(caught.value)
    assert "DOCKER_CONFIG" in str(caught.value)
    with pytest.raises(EngineNotFoundError):
        LocalImageBuilder().build("app:1", _context())


def test_options_reach_the_engine(builder: LocalImageBuilder, engine: FakeDockerEngine) -> None:
    """Under their names in the engine's API; containers are removed by default."""
    builder.build(
        "app",
        _context("FROM base:1 AS one\nARG V\nFROM base:1\n"),
        {
            "buildargs": {"V": "1"},
            "labels": {"a": "b"},
            "target": "one",
            "nocache": True,
            "extra_hosts": ["h:1.2.3.4"],
            "timeout": 5,
            "quiet": False,
            "gzip": True,
            "use_config_proxy": False,
        },
    )
    query = _query(engine)
    assert query == {
        "t": "app:latest",
        "dockerfile": "Dockerfile",
        "rm": "1",
        "forcerm": "1",
        "nocache": "1",
        "target": "one",
        "buildargs": '{"V": "1"}',
        "labels": '{"a": "b"}',
        "extrahosts": "h:1.2.3.4",
    }


def test_containers_may_be_kept(builder: LocalImageBuilder, engine: FakeDockerEngine) -> None:
    """`rm` and `forcerm` are on unless they are switched off."""
    builder.build("app", _context(), {"rm": False, "forcerm": False})
    query = _query(engine)
    assert (query["rm"], query["forcerm"]) == ("0", "0")


@pytest.mark.parametrize("use", [None, True, False])
def test_the_users_proxies_reach_the_steps(
    builder: LocalImageBuilder, engine: FakeDockerEngine, docker_config: Path, use: bool | None
) -> None:
    """As `docker build` does; a build argument that is given wins."""
    docker_config.write_text(json.dumps({"proxies": {"default": {"httpProxy": "http://p"}}}))
    options = {"use_config_proxy": use, "buildargs": {"HTTP_PROXY": "own"}}
    builder.build("app", _context(), options)
    query = _query(engine)
    expected = {"HTTP_PROXY": "own"}
    if use is not False:
        expected["http_proxy"] = "http://p"
    assert json.loads(query["buildargs"]) == expected


@pytest.mark.parametrize("found_by", ["DOCKER_HOST", "context", "client"])
def test_the_proxies_of_an_engine_count_however_it_was_found(
    engine: FakeDockerEngine,
    docker_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    found_by: str,
) -> None:
    """Its address is the key, and `default` is for all others."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with engine.serve(f"unix://{tmp_path}/d.sock") as address:
        proxies = {address: {"httpProxy": "http://own"}, "default": {"httpProxy": "http://all"}}
        settings: dict[str, object] = {"proxies": proxies}
        client = None
        if found_by == "DOCKER_HOST":
            monkeypatch.setenv("DOCKER_HOST", address)
        elif found_by == "context":
            key = hashlib.sha256(b"far").hexdigest()
            meta = tmp_path / "contexts/meta" / key / "meta.json"
            meta.parent.mkdir(parents=True)
            meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": address}}}))
            settings["currentContext"] = "far"
        else:
            client = docker.DockerClient(address, version="1.41")
        docker_config.write_text(json.dumps(settings))
        LocalImageBuilder(docker_client=client, builder="classic").build("app", _context())
        if client is not None:
            client.close()
    assert json.loads(_query(engine)["buildargs"])["HTTP_PROXY"] == "http://own"


def test_a_registry_token_of_the_user_is_handed_to_the_engine(
    builder: LocalImageBuilder,
    docker_config: Path,
    header_of_build: Callable[[], dict[str, object]],
) -> None:
    """It is none of the kinds that have a username."""
    docker_config.write_text(json.dumps({"auths": {"r.example": {"registrytoken": "tok"}}}))
    builder.build("app", _context())
    assert header_of_build()["r.example"] == {
        "registrytoken": "tok",
        "serveraddress": "r.example",
    }


def test_logins_that_cannot_be_read_are_notices(
    builder: LocalImageBuilder, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that does not need them goes on."""
    docker_config.write_text(json.dumps({"auths": {"r.example": {"auth": "?"}}}))
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{")
    told: list[Event] = []
    with listen(told.append):
        builder.build("app", _context())
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert any("DOCKER_AUTH_CONFIG cannot be used" in notice for notice in notices)
    assert any("the entry 'r.example' under 'auths' is malformed" in notice for notice in notices)


def test_what_needs_buildkit_is_refused_before_anything_is_sent(
    builder: LocalImageBuilder, engine: FakeDockerEngine
) -> None:
    """A secret is not left out in silence."""
    with pytest.raises(BuildOptionsError, match="'secrets' needs BuildKit"):
        builder.build("app", _context(), {"secrets": ["id=tok,env=TOK"]})
    assert not _builds(engine)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("RUN <<EOF\nmake all\nEOF\n", "a here-document (RUN <<EOF) in line 2"),
        ("RUN --mount=type=cache,target=/x make\n", "RUN --mount in line 2"),
        ("COPY --link Dockerfile /\n", "COPY --link in line 2"),
    ],
)
@pytest.mark.parametrize("outside", [False, True])
def test_syntax_of_buildkit_is_named(tmp_path: Path, line: str, found: str, outside: bool) -> None:
    """Where the engine does not read BuildKit's syntax, the error says which it is, and where."""
    dockerfile = f"FROM base:1\n{line}"
    context = _context(dockerfile)
    options = {}
    if outside:
        (tmp_path / "root").mkdir()
        (tmp_path / "app.Dockerfile").write_text(dockerfile)
        context = BuildContext(root=str(tmp_path / "root"))
        options = {"dockerfile": str(tmp_path / "app.Dockerfile")}
    engine = FakeDockerEngine("20.10")
    engine.seed_image("base:1", files={"/bin/sh": ""})
    with contextlib.closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="classic")
        with pytest.raises(BuildError, match="syntax of BuildKit, which the classic") as caught:
            builder.build("app:1", context, options)
    assert f": {found}." in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((7, _context()), "image name must be a text, as in 'app:1', not int"),
        (("app:1", "app"), r"must be a BuildContext, as in BuildContext\(root='app'\), not str"),
        (("app:1", _context(), None, "localhost:5000"), "registry must be a component, .* not str"),
        (("app:1", BuildContext), "must be a BuildContext, .* not the class BuildContext"),
        (
            ("app:1", _context(), None, DefaultContainerRegistry),
            "must be a component, .* not the class DefaultContainerRegistry",
        ),
    ],
)
def test_arguments_of_another_kind(
    builder: LocalImageBuilder, arguments: tuple[Any, ...], says: str
) -> None:
    """What cannot be meant is told with an example of what is."""
    with pytest.raises(ImageBuilderError, match=says) as caught:
        builder.build(*arguments)
    assert isinstance(caught.value, ValueError)


def test_a_missing_dockerfile_is_found_before_anything_is_sent(
    builder: LocalImageBuilder, engine: FakeDockerEngine, tmp_path: Path
) -> None:
    """Not even the engine's version is asked for."""
    with pytest.raises(BuildContextError, match="There is no Dockerfile at"):
        builder.build("app", BuildContext(str(tmp_path)))
    assert not engine.requests


def test_a_failed_command_tells_code_and_output(
    builder: LocalImageBuilder, engine: FakeDockerEngine
) -> None:
    """All that the engine said is in the error."""
    engine.on_run("make", output="cc -o app\n", error_output="no rule\n", exit_code=2)
    with pytest.raises(BuildError, match=r"at step 2/2: RUN make") as caught:
        builder.build("app:1", _context())
    assert caught.value.exit_code == 2
    assert sorted(caught.value.output) == ["cc -o app", "no rule"]


def test_an_engine_that_dies_is_told(builder: LocalImageBuilder, engine: FakeDockerEngine) -> None:
    """After which step, for that is where to look."""
    engine.faults.die_at_step("RUN")
    with pytest.raises(BuildError, match="went away after step"):
        builder.build("app:1", _context())


def test_an_engine_that_is_gone_before_the_build_is_told() -> None:
    """A client that was given may have outlived its engine."""
    client = docker.DockerClient("http://127.0.0.1:1", version="1.41")  # nobody listens there
    with pytest.raises(BuildError, match=r"app:1 was not built\. The connection.* refused"):
        LocalImageBuilder(docker_client=client).build("app:1", _context())
    client.close()


def test_a_build_is_told_step_by_step(builder: LocalImageBuilder) -> None:
    """Which engine, each step, what came from the cache, and the image."""
    told: list[Event] = []
    builder.build("app:1", _context())
    with listen(told.append):
        builder.build("app:1", _context())
    assert told[0] == BuildStarted("app:1", "Docker Engine 29.7.2 (linux/amd64)")
    assert [one for one in told if isinstance(one, StepStarted)] == [
        StepStarted(1, 2, "FROM base:1"),
        StepStarted(2, 2, "RUN make"),
    ]
    assert StepCached(2) in told
    assert isinstance(told[-2], ImageBuilt)
    finished = told[-1]
    assert isinstance(finished, BuildFinished)
    assert (finished.steps, finished.cached_steps) == (1, 1)
    assert finished.size is not None
    assert finished.seconds > 0


def test_a_quiet_build_reports_its_result_alone(builder: LocalImageBuilder) -> None:
    """The steps are not told; errors still carry their output."""
    told: list[Event] = []
    with listen(told.append):
        builder.build("app:1", _context(), {"quiet": True})
    assert [type(one) for one in told] == [BuildStarted, ImageBuilt, BuildFinished]


def test_without_a_listener_the_log_has_the_steps(
    builder: LocalImageBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    """At INFO, under the package's name."""
    with caplog.at_level(logging.INFO, logger="imagebuilders"):
        builder.build("app:1", _context())
    assert "Step 2/2: RUN make" in caplog.messages


def test_a_listener_ends_the_build_at_the_engine(
    builder: LocalImageBuilder, engine: FakeDockerEngine
) -> None:
    """As Ctrl-C does: the image is not made."""

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise KeyboardInterrupt

    with listen(interrupt), pytest.raises(KeyboardInterrupt):
        builder.build("app:1", _context())


def test_with_a_registry_its_client_builds(
    builder: LocalImageBuilder, engine: FakeDockerEngine
) -> None:
    """It may be logged in, and it may belong to another engine."""
    other = FakeDockerEngine()
    other.seed_image("base:1", files={"/a": ""})
    client = FakeDockerClient(other)
    with FakeRegistry() as server:
        registry = DefaultContainerRegistry(uri=server.address, docker_client=client)
        builder.build(f"{server.address}/app:1", _context(), None, registry)
        assert server.tags("app") == ["1"]
    assert not engine.requests
    assert _builds(other)
    client.close()


def test_a_base_image_may_need_the_users_credentials(
    builder: LocalImageBuilder,
    docker_config: Path,
    header_of_build: Callable[[], dict[str, object]],
) -> None:
    """All that are known go to the engine; the registry's own win."""
    auth = base64.b64encode(b"u:p").decode()
    docker_config.write_text(
        json.dumps({"auths": {"https://r.example/v2/": {"auth": auth}}, "credHelpers": {"g": "x"}})
    )
    told: list[Event] = []
    with listen(told.append):
        builder.build("app:1", _context())
    assert header_of_build() == {
        "r.example": {"username": "u", "password": "p", "serveraddress": "r.example"}
    }
    [notice] = [one for one in told if isinstance(one, Notice)]
    assert "docker-credential-x" in notice.message


def test_the_registrys_credentials_serve_the_build_too(
    engine: FakeDockerEngine,
    builder: LocalImageBuilder,
    client: FakeDockerClient,
    header_of_build: Callable[[], dict[str, object]],
) -> None:
    """A base image from the same registry needs no more than the component has."""
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(
            uri=server.address, username="alice", password="s3cret", docker_client=client
        )
        builder.build(f"{server.address}/app:1", _context(), None, registry)
        expected = {"username": "alice", "password": "s3cret", "serveraddress": server.address}
        assert header_of_build() == {server.address: expected}


def test_what_looks_like_a_secret_is_warned_of(
    builder: LocalImageBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    """A key in the context ends in the image more often than not."""
    context = _context()
    context.add_file("x", "id_rsa")
    builder.build("app:1", context)
    assert [record.levelname for record in caplog.records if "id_rsa" in record.message] == [
        "WARNING"
    ]


def test_output_lines_are_events(builder: LocalImageBuilder, engine: FakeDockerEngine) -> None:
    """Each line of a command, with the number of its step."""
    engine.on_run("make", output="one\ntwo\n")
    told: list[Event] = []
    with listen(told.append):
        builder.build("app:1", _context())
    assert [one for one in told if isinstance(one, StepOutput) and one.number == 2] == [
        StepOutput(2, "one"),
        StepOutput(2, "two"),
    ]


def test_the_flavor_introduces_the_builder() -> None:
    """Its name is `local`; its pages are below the project's own."""
    flavor = LocalImageBuilderFlavor()
    assert flavor.name == "local"
    assert flavor.type is StackComponentType.IMAGE_BUILDER
    assert flavor.config_class is LocalImageBuilderConfig
    assert flavor.implementation_class is LocalImageBuilder
    assert flavor.docs_url == flavor.generate_default_docs_url()
    assert flavor.sdk_docs_url == flavor.generate_default_sdk_docs_url()
    assert flavor.logo_url.startswith("https://")


def _query(engine: FakeDockerEngine) -> dict[str, str]:
    [query] = [one.query for one in engine.requests if one.path.endswith("/build")]
    return {name: values[-1] for name, values in query.items()}


def _builds(engine: FakeDockerEngine) -> list[str]:
    return [one.path for one in engine.requests if one.path.endswith("/build")]


@pytest.fixture
def header_of_build(engine: FakeDockerEngine) -> Callable[[], dict[str, object]]:
    """Give the credentials that went to the engine with the last build."""

    def header() -> dict[str, object]:
        [build] = [one for one in engine.requests if one.path.endswith("/build")]
        sent = build.headers["x-registry-config"]
        content: dict[str, object] = json.loads(base64.urlsafe_b64decode(sent))
        return content

    return header


@pytest.mark.parametrize("builder_name", ["classic", "buildkit"])
def test_an_engine_in_this_process_is_reached_where_sockets_are_forbidden(
    builder_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plugins that forbid a network put a class in place of `socket.socket`: it is not needed."""

    class Forbidden(socket.socket):
        def __new__(cls, *_args: object, **_options: object) -> Forbidden:
            raise AssertionError("a test tried to use socket.socket")

    engine = FakeDockerEngine("28.5", buildkit=ScriptedBuildKit(ScriptedBuild.export))
    with contextlib.closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(builder=builder_name, docker_client=client)
        monkeypatch.setattr(socket, "socket", Forbidden)
        told: list[Event] = []
        with listen(told.append):
            built = builder.build("app:1", _context("FROM scratch\nLABEL a=b\n"))
        monkeypatch.undo()

    assert built == "app:1"
    assert any(isinstance(event, ImageBuilt) for event in told)


def test_a_dockerfile_outside_the_context_is_named_as_it_was_given(
    builder: LocalImageBuilder, tmp_path: Path
) -> None:
    """Not by the name that it has in the archive, also in the engine's own words."""
    root = tmp_path / "root"
    root.mkdir()
    dockerfile = tmp_path / "other.Dockerfile"
    dockerfile.write_text("FROM base:1\nHEALTHCHECK --nope\n")
    with pytest.raises(BuildError) as caught:
        builder.build("app:1", BuildContext(str(root)), {"dockerfile": str(dockerfile)})
    assert f"was not built from {dockerfile}. " in str(caught.value)
    assert ".dockerfile." not in str(caught.value)
    dockerfile.write_text("# nothing\n")
    with pytest.raises(BuildError, match=str(dockerfile)) as caught:
        builder.build("app:1", BuildContext(str(root)), {"dockerfile": str(dockerfile)})
    assert ".dockerfile." not in str(caught.value)


def test_further_names_are_given_in_the_same_build(
    builder: LocalImageBuilder, engine: FakeDockerEngine
) -> None:
    """One request to the engine carries them all."""
    context = _context("FROM base:1\nLABEL a=b\n")
    builder.build("app:1", context, {"tags": ["app:2", "other"]})
    (request,) = [request for request in engine.requests if request.path == "/build"]
    assert request.query["t"] == ["app:1", "app:2", "other:latest"]
    with pytest.raises(ImageNameError, match="UPPER"):
        builder.build("app:1", _context(), {"tags": "UPPER"})


def test_a_reproducible_build_gives_files_a_fixed_time(tmp_path: Path) -> None:
    """A classic one, too, in which all have the same."""
    (tmp_path / "a").write_text("one")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /a\nCMD x\n")
    with contextlib.closing(FakeDockerClient(FakeDockerEngine())) as client:
        builder = LocalImageBuilder(docker_client=client, builder="classic")
        for options, expected in (
            ({"reproducible": True}, "1980-01-01"),
            ({}, time.strftime("%Y-%m-%d", time.gmtime((tmp_path / "a").stat().st_mtime))),
        ):
            builder.build("app:1", BuildContext(str(tmp_path)), {**options, "nocache": True})
            _, status = client.containers.create("app:1").get_archive("/a")
            assert status is not None
            assert status["mtime"][:10] == expected
