"""The AWS image builder, from the context's upload to the digest, on the double of AWS."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_mock import MockerFixture

from fakes import ScriptedBuildKit
from fakes.code_build.builds import PhaseFailedError
from fakes.engine.image_tree import ImageTree
from imagebuilders import (
    AWSImageBuilder,
    BuildContext,
    BuildTask,
    DefaultContainerRegistry,
    LocalArtifactStore,
    LocalImageBuilder,
    Stack,
)
from imagebuilders.aws.code_build.service import CodeBuildService
from imagebuilders.aws.code_build.state import BuildState
from imagebuilders.events import (
    BuildStarted,
    CacheMissed,
    Event,
    ImageBuilt,
    ImagePushed,
    Notice,
    StepFinished,
    StepOutput,
    StepStarted,
    UploadProgress,
    listen,
)
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    BuildOptionsError,
    ConfigurationError,
    ImageNameError,
    PushError,
)

if TYPE_CHECKING:
    Cloud = Any

PROJECT = "images"


# --- what is built -------------------------------------------------------------


def test_the_digest_is_that_of_the_registry(cloud: Cloud, context: BuildContext) -> None:
    """It comes back from the build, and is what the registry has under the tag."""
    digest = cloud.aws.registry.manifest
    built = cloud.build(context)
    assert built == f"{cloud.registry.uri}/team/app@{digest('team/app:1').digest}"
    assert cloud.aws.registry.image("team/app:1").read("/greeting.txt") == b"hello"
    assert not cloud.builder.is_building_locally


def test_it_is_the_image_that_a_local_build_makes(
    cloud: Cloud, tmp_path: Path, fake_docker_client: Any
) -> None:
    """Ignore rules, added files, a Dockerfile that the rules drop: the same files are in both."""
    root = tmp_path / "app"
    (root / "sub").mkdir(parents=True)
    (root / ".dockerignore").write_text("*.log\nDockerfile\nsub\n!sub/kept\n.dockerignore\n")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\nLABEL a=b\n")
    for name in ("a.txt", "b.log", "sub/kept", "sub/dropped"):
        (root / name).write_text(name)
    context = BuildContext(root=str(root))
    context.add_file("generated", "c.log")
    cloud.build(context, "remote:1")
    LocalImageBuilder(docker_client=fake_docker_client).build("local:1", context)
    remote = cloud.aws.registry.image("remote:1")
    assert [path.lstrip("/") for path in remote.paths] == ["a.txt", "c.log", "sub/kept"]
    assert remote.labels == {"a": "b"}
    trees = [ImageTree(cloud.aws.engine, name) for name in ("local:1", cloud.name("remote:1"))]
    assert trees[0] == trees[1]


@pytest.mark.parametrize("place", ["outside", "dropped", "linked"])
def test_a_dockerfile_that_is_no_part_of_the_context(
    cloud: Cloud, tmp_path: Path, place: str
) -> None:
    """It is used, and is not in the image."""
    root = tmp_path / "app"
    root.mkdir()
    (root / "a.txt").write_text("a")
    text = "FROM scratch\nCOPY . /\n"
    dockerfile = "Dockerfile"
    if place == "outside":
        (tmp_path / "Other").write_text(text)
        dockerfile = str(tmp_path / "Other")
    elif place == "dropped":
        (root / "Dockerfile").write_text(text)
        (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    else:
        (tmp_path / "Other").write_text(text)
        (root / "Dockerfile").symlink_to(tmp_path / "Other")
        (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    cloud.build(BuildContext(root=str(root)), dockerfile=dockerfile)
    paths = cloud.aws.registry.image("team/app:1").paths
    assert [path.lstrip("/") for path in paths] == ["a.txt"]


def test_options_reach_the_build(cloud: Cloud) -> None:
    """Arguments, labels and target are those that were given, quotes and all."""
    context = BuildContext()
    context.add_file(
        "FROM scratch AS one\nARG V=none\nLABEL v=$V\nFROM scratch\nLABEL v=wrong\n", "Dockerfile"
    )
    value = 'it\'s "$(touch /tmp/x)" `y` \\ ;&|\n☃ end'
    cloud.build(context, target="one", buildargs={"V": "1", "N": None}, labels={"l": value})
    assert cloud.aws.registry.image("team/app:1").labels == {"v": "1", "l": value}


def test_every_name_is_pushed_on_request(cloud: Cloud, context: BuildContext) -> None:
    """The option `push` pushes the tags, too; without it a notice tells that they are not."""
    told: list[Event] = []
    with listen(told.append):
        cloud.build(context, tags=[cloud.name("team/app:2")])
        assert cloud.aws.registry.tags("team/app") == ["1"]
        cloud.build(context, tags=[cloud.name("team/app:2")], push=True)
    assert cloud.aws.registry.tags("team/app") == ["1", "2"]
    assert any("team/app:2 is not pushed" in one.message for one in told if isinstance(one, Notice))


def test_it_is_told_in_events(cloud: Cloud, context: BuildContext) -> None:
    """Upload, phases, steps and image, in order; each step that began ended."""
    told: list[Event] = []
    with listen(told.append):
        cloud.build(context)
    started = [one for one in told if isinstance(one, StepStarted)]
    assert isinstance(told[0], BuildStarted)
    assert isinstance(told[1], UploadProgress)
    assert "COPY greeting.txt /greeting.txt" in [one.instruction for one in started]
    assert "CodeBuild: PROVISIONING" in [one.instruction for one in started]
    ended = {one.step_id for one in told if isinstance(one, StepFinished)}
    assert {one.step_id for one in started} == ended
    assert [type(one).__name__ for one in told[-3:]] == [
        *("ImageBuilt", "ImagePushed", "BuildFinished")
    ]
    assert told[-1].image_name == cloud.name()  # type: ignore[union-attr]


def test_a_quiet_build_tells_its_result_alone(cloud: Cloud, context: BuildContext) -> None:
    """Steps and output are left out."""
    told: list[Event] = []
    with listen(told.append):
        cloud.build(context, quiet=True)
    assert not [one for one in told if isinstance(one, (StepStarted, StepFinished))]
    assert [one for one in told if isinstance(one, ImagePushed)]


def test_without_logs(cloud: Cloud, context: BuildContext) -> None:
    """A build whose log is not read still gives its digest; phases are told."""
    builder = cloud.make_builder(stream_logs=False)
    told: list[Event] = []
    with listen(told.append):
        built = builder.build(cloud.name(), context, container_registry=cloud.registry)
    assert "@sha256:" in built
    assert [one for one in told if isinstance(one, ImageBuilt)]
    assert {one.number for one in told if isinstance(one, StepStarted)} == {0}
    builder.close()


def test_an_unchanged_context_is_not_sent_again(cloud: Cloud, context: BuildContext) -> None:
    """The second build uploads nothing, and neither does one with other options."""
    told: list[Event] = []
    cloud.build(context)
    with listen(told.append):
        cloud.build(context)
        cloud.build(context, labels={"a": "b"})
    assert sum(one.bytes_sent for one in told if isinstance(one, UploadProgress)) == 0
    keys = cloud.aws.client("s3").list_objects_v2(Bucket="contexts")["Contents"]
    assert len(keys) == 1
    assert keys[0]["Key"].startswith("prefix/code-build-contexts/")


def _mount(build: Any) -> Any:
    """Build an image whose steps mount two secrets."""
    read = [build.session.secret(name).decode() for name in ("a", "b")]
    build.step(f"[1/1] RUN check # {len(read)}", output=" ".join(map(str.upper, read)))
    return build.export()


@pytest.mark.fake_docker_engine(version="28.5", buildkit=ScriptedBuildKit(_mount))
def test_secrets_are_fetched_by_the_build(cloud: Cloud) -> None:
    """Their text is in no request; steps mount what Secrets Manager and SSM have."""
    cloud.aws.client("secretsmanager").create_secret(Name="db", SecretString='{"pw": "hidden-1"}')
    cloud.aws.client("ssm").put_parameter(Name="/tok", Value="hidden-2", Type="SecureString")
    builder = cloud.make_builder(secrets={"a": "secretsmanager:db:pw", "b": "ssm:/tok"})
    context = BuildContext()
    context.add_file("FROM scratch\nRUN --mount=type=secret,id=a check\n", "Dockerfile")
    told: list[Event] = []
    with listen(told.append):
        builder.build(cloud.name(), context, {"secrets": ["id=a", "id=b"]}, cloud.registry)
    assert "HIDDEN-1 HIDDEN-2" in [one.line for one in told if isinstance(one, StepOutput)]
    assert "hidden" not in repr(cloud.aws.code_build.calls) + repr(told)
    builder.close()


def test_credentials_for_other_registries(cloud: Cloud, context: BuildContext) -> None:
    """They are named in the settings, and the build logs in with what Secrets Manager has."""
    host = cloud.aws.registry.address
    secret = f'{{"username": "AWS", "password": "{cloud.aws.code_build.ecr_password}"}}'
    cloud.aws.client("secretsmanager").create_secret(Name="reg", SecretString=secret)
    builder = cloud.make_builder(registry_credentials={host: "secretsmanager:reg"})
    builder.build(cloud.name(), context, container_registry=cloud.registry)
    logins = [words for words in cloud.aws.programs.commands if words[:2] == ["docker", "login"]]
    assert len(logins) == 2
    assert cloud.aws.code_build.ecr_password not in repr(cloud.aws.code_build.calls)
    builder.close()


def test_the_machine_is_what_the_settings_say(cloud: Cloud, context: BuildContext) -> None:
    """Each setting becomes the override of its name; without them the project decides."""
    cloud.build(context)
    plain = cloud.aws.code_build.builds[-1].request
    assert {name for name in plain if name.endswith("Override")} == {
        *("sourceTypeOverride", "secondarySourcesOverride", "artifactsOverride"),
        *("secondaryArtifactsOverride", "buildspecOverride", "privilegedModeOverride"),
    }
    assert plain["sourceTypeOverride"] == "NO_SOURCE"
    assert len(plain["idempotencyToken"]) == 32
    builder = cloud.make_builder(
        image="my/image",
        environment_type="ARM_CONTAINER",
        compute_type="BUILD_GENERAL1_LARGE",
        service_role="arn:aws:iam::123456789012:role/other",
        privileged=False,
        build_timeout=30,
        queued_timeout=10,
        environment={"A": "b"},
    )
    builder.build(cloud.name(), context, container_registry=cloud.registry)
    request = cloud.aws.code_build.builds[-1].request
    for name, value in {
        "imageOverride": "my/image",
        "environmentTypeOverride": "ARM_CONTAINER",
        "computeTypeOverride": "BUILD_GENERAL1_LARGE",
        "serviceRoleOverride": "arn:aws:iam::123456789012:role/other",
        "privilegedModeOverride": False,
        "timeoutInMinutesOverride": 30,
        "queuedTimeoutInMinutesOverride": 10,
        "environmentVariablesOverride": [{"name": "A", "value": "b", "type": "PLAINTEXT"}],
    }.items():
        assert request[name] == value
    builder.close()


def test_a_docker_server_needs_no_privileges(
    cloud: Cloud, context: BuildContext, mocker: MockerFixture
) -> None:
    """A project that has one builds with it; older versions of boto3 do not tell of it."""
    project = {"environment": {"dockerServer": {"computeType": "BUILD_GENERAL1_LARGE"}}}
    mocker.patch.object(CodeBuildService, "project", return_value=project)
    cloud.build(context)
    assert "privilegedModeOverride" not in cloud.aws.code_build.builds[-1].request


@pytest.mark.parametrize(
    ("options", "has_builder"),
    [
        ({}, False),
        ({"cache_to": "type=inline"}, False),
        ({"cache_to": "type=registry,ref=x/y,mode=max"}, True),
        ({"platform": "linux/amd64,linux/arm64"}, True),
        ({"provenance": True}, True),
        ({"reproducible": True}, True),
    ],
)
def test_a_builder_of_its_own_where_it_is_needed(
    cloud: Cloud, context: BuildContext, options: dict[str, Any], has_builder: bool
) -> None:
    """What Docker's own builder may be unable to do is done by a container of BuildKit."""
    cloud.aws.code_build.runner = None
    with pytest.raises(BuildError, match="told no digest"):
        cloud.build(context, **options)
    assert ("buildx create" in cloud.aws.code_build.builds[-1].buildspec) is has_builder


def test_other_registries_of_ecr_are_logged_in_at(cloud: Cloud) -> None:
    """Those that the Dockerfile or a cache names."""
    cloud.aws.code_build.runner = None
    host = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
    context = BuildContext()
    context.add_file(f"FROM {host}/base:1\n", "Dockerfile")
    with pytest.raises(BuildError, match="told no digest"):
        cloud.build(context)
    spec = cloud.aws.code_build.builds[-1].buildspec
    assert "get-login-password --region eu-west-1 | docker login --username AWS" in spec
    assert f"--password-stdin {host}" in spec


# --- what is refused before anything is done -------------------------------------


class _Unreadable(BuildContext):
    """A context that must not be read."""

    def build_snapshot(self, dockerfile: str | None = None) -> Any:
        """Fail."""
        raise AssertionError("the context was read")


def test_a_registry_is_needed(cloud: Cloud) -> None:
    """It is asked for before the context is read."""
    with pytest.raises(ConfigurationError, match="container registry"):
        cloud.builder.build("app:1", _Unreadable())


@pytest.mark.parametrize("uri", ["localhost:5000", "127.0.0.1:5000", "registry.localhost"])
def test_a_registry_on_this_machine_is_refused(cloud: Cloud, uri: str) -> None:
    """AWS cannot reach it."""
    registry = DefaultContainerRegistry(uri=uri)
    with pytest.raises(ConfigurationError, match="on this machine"):
        cloud.builder.build(f"{uri}/app:1", _Unreadable(), container_registry=registry)


def test_a_password_is_not_sent_as_text(cloud: Cloud) -> None:
    """It is to be kept in Secrets Manager."""
    registry = DefaultContainerRegistry(uri="ghcr.io", username="me", password="hidden")
    with pytest.raises(ConfigurationError, match="registry_credentials") as caught:
        cloud.builder.build("ghcr.io/me/app", _Unreadable(), container_registry=registry)
    assert "hidden" not in str(caught.value)


def test_a_store_in_s3_is_needed(cloud: Cloud, tmp_path: Path) -> None:
    """The error says what to change in the stack."""
    store = LocalArtifactStore(path=str(tmp_path))
    with (
        Stack(cloud.builder, store, cloud.registry).activate(),
        pytest.raises(ConfigurationError, match="flavor 's3'"),
    ):
        cloud.build(_Unreadable())


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"ssh": "default"}, "ssh"),
        ({"secrets": "id=tok,env=TOK"}, "secrets"),
        ({"outputs": "type=local,dest=out"}, "outputs"),
        ({"load": True}, "load"),
        ({"iidfile": "id"}, "iidfile"),
        ({"timeout": 5}, "timeout"),
        ({"cache_to": "type=local,dest=x"}, "cache_to"),
        ({"cache_from": "type=s3,region=x,bucket=y,secret_access_key=z"}, "cache_from"),
        ({"build_contexts": {"x": "folder"}}, "build_contexts"),
        ({"squash": True}, "squash"),
    ],
)
def test_what_is_about_this_machine_is_refused(
    cloud: Cloud, options: dict[str, Any], option: str
) -> None:
    """The error names the option, before the context is read."""
    with pytest.raises(BuildOptionsError) as caught:
        cloud.build(_Unreadable(), **options)
    assert caught.value.option == option
    assert cloud.aws.code_build.calls == []


def test_a_foreign_name_is_refused(cloud: Cloud) -> None:
    """As with other builders."""
    with pytest.raises(ImageNameError):
        cloud.builder.build("ghcr.io/a", _Unreadable(), container_registry=cloud.registry)


def test_a_context_that_is_not_known_here_is_refused(cloud: Cloud) -> None:
    """There is nothing that could be sent."""
    from imagebuilders import RemoteContext

    with pytest.raises(BuildContextError, match="cannot be sent to CodeBuild"):
        cloud.build(RemoteContext("https://github.com/me/app.git"))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"type": "WINDOWS_CONTAINER"}, "builds no Linux images"),
        ({"type": "LINUX_LAMBDA_CONTAINER"}, "runs no Docker"),
        ({"computeType": "BUILD_LAMBDA_1GB"}, "runs no Docker"),
    ],
)
def test_a_project_that_cannot_build(
    cloud: Cloud, context: BuildContext, environment: dict[str, str], words: str
) -> None:
    """It is found out before the context is sent."""
    cloud.aws.code_build.add_project(PROJECT, environment=environment)
    with pytest.raises(ConfigurationError, match=words):
        cloud.build(context)
    assert cloud.aws.client("s3").list_objects_v2(Bucket="contexts")["KeyCount"] == 0


def test_a_project_that_is_not_there(cloud: Cloud, context: BuildContext) -> None:
    """The error names it."""
    builder = cloud.make_builder(project="missing")
    with pytest.raises(ConfigurationError, match="no project 'missing'"):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    builder.close()


def test_a_project_that_may_not_be_looked_at(cloud: Cloud, context: BuildContext) -> None:
    """Who may build and not look is told so, and builds."""
    cloud.aws.code_build.faults.add("BatchGetProjects", "deny")
    told: list[Event] = []
    with listen(told.append):
        cloud.build(context)
    assert any("BatchGetProjects" in one.message for one in told if isinstance(one, Notice))


@pytest.mark.parametrize(
    "settings",
    [
        {"secrets": {"a": "s3cret-text"}},
        {"registry_credentials": {"ghcr.io": "ssm:/x"}},
        {"environment": {"1A": "x"}},
        {"environment": {"CODEBUILD_X": "x"}},
        {"build_timeout": 1},
        {"environment_type": "WINDOWS_CONTAINER"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    """They are found when the builder is made; what may be a secret is not shown."""
    with pytest.raises(ConfigurationError) as caught:
        AWSImageBuilder(project=PROJECT, **settings)
    assert "s3cret-text" not in str(caught.value)


# --- what goes wrong ---------------------------------------------------------------


def test_a_failing_step(cloud: Cloud) -> None:
    """Instruction, excerpt, phase and the log's page are in the error; build arguments are not."""
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY missing /x\n", "Dockerfile")
    with pytest.raises(BuildError) as caught:
        cloud.build(context, buildargs={"TOKEN": "s3cret-value"})
    error = caught.value
    assert error.instruction == "COPY missing /x"
    assert error.excerpt is not None
    assert "> 2 | COPY missing /x" in error.excerpt
    for words in ("failed in phase BUILD", "exit status 1", "console.aws.amazon.com", "missing"):
        assert words in str(error)
    assert "s3cret-value" not in str(error) + "".join(error.log)
    assert cloud.aws.registry.repositories == []


def test_a_malformed_dockerfile(cloud: Cloud) -> None:
    """What buildx says of it is told, with the line."""
    context = BuildContext()
    context.add_file("FROM scratch\nFETCH x\n", "Dockerfile")
    with pytest.raises(BuildError, match="FETCH") as caught:
        cloud.build(context)
    assert caught.value.excerpt is not None


def test_a_refused_push(cloud: Cloud, context: BuildContext) -> None:
    """It is a `PushError` with the registry's words."""
    cloud.aws.registry.read_only = True
    with pytest.raises(PushError) as caught:
        cloud.build(context)
    assert caught.value.image_name.startswith(cloud.registry.uri)
    assert "phase BUILD" in str(caught.value)


def test_an_archive_that_the_role_may_not_read(
    cloud: Cloud, context: BuildContext, mocker: MockerFixture
) -> None:
    """A phase of ours that fails is told with the log's last lines and what to do."""

    def refuse(command: Any) -> int:
        command.complain(
            "fatal error: An error occurred (403) when calling HeadObject: Forbidden\n"
        )
        return 1

    mocker.patch.dict(cloud.aws.programs._programs, {"aws": refuse})
    with pytest.raises(BuildError, match="failed in phase PRE_BUILD") as caught:
        cloud.build(context)
    assert "s3:GetObject" in str(caught.value)
    assert "Forbidden" in caught.value.output[-1]


@pytest.mark.parametrize("phase", ["QUEUED", "PROVISIONING", "UPLOAD_ARTIFACTS"])
def test_a_phase_of_codebuild_fails(cloud: Cloud, context: BuildContext, phase: str) -> None:
    """CodeBuild's words are told."""
    cloud.aws.code_build.phase_faults[phase] = PhaseFailedError(
        "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "Unable to pull image"
    )
    with pytest.raises(BuildError, match=f"failed in phase {phase}") as caught:
        cloud.build(context)
    assert "Unable to pull image" in str(caught.value)


def test_codebuild_s_own_time_limit(cloud: Cloud, context: BuildContext) -> None:
    """It is told as one."""
    cloud.aws.code_build.phase_faults["QUEUED"] = PhaseFailedError("", "late", status="TIMED_OUT")
    with pytest.raises(BuildError, match="'build_timeout'"):
        cloud.build(context)


# --- stopping ----------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["QUEUED", "PROVISIONING"])
def test_an_exception_stops_the_build(cloud: Cloud, context: BuildContext, phase: str) -> None:
    """Ctrl-C and what a listener raises come through unchanged."""
    cloud.aws.code_build.hangs_in = phase

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted) and phase in event.instruction:
            raise KeyboardInterrupt

    with listen(interrupt), pytest.raises(KeyboardInterrupt):
        cloud.build(context)
    assert cloud.aws.code_build.builds[0].stop.is_set()


def test_an_interrupt_while_the_build_is_started(
    cloud: Cloud, context: BuildContext, mocker: MockerFixture
) -> None:
    """The build that the request began is stopped, although its ID never came."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    original = cloud.builder._calls.call
    is_first = True

    def call(operation: str, **arguments: object) -> Any:
        nonlocal is_first
        answer = original(operation, **arguments)
        if operation == "start_build" and is_first:
            is_first = False
            raise KeyboardInterrupt
        return answer

    mocker.patch.object(cloud.builder._calls, "call", side_effect=call)
    with pytest.raises(KeyboardInterrupt):
        cloud.build(context)
    assert [build.stop.is_set() for build in cloud.aws.code_build.builds] == [True]


def test_a_time_limit_of_this_side(cloud: Cloud, context: BuildContext) -> None:
    """The build is stopped, and the error names the setting."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    builder = cloud.make_builder(wait_timeout=0.2)
    with pytest.raises(BuildError, match="'wait_timeout'"):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    assert cloud.aws.code_build.builds[0].stop.is_set()
    builder.close()


def test_closing_stops_what_runs(cloud: Cloud, context: BuildContext) -> None:
    """A `with` block ends with the builds that others still wait for."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    errors: list[BaseException] = []
    has_begun = threading.Event()
    stack = Stack(cloud.builder, cloud.store, cloud.registry)
    builder = cloud.make_builder()

    def hear(event: Event) -> None:
        if isinstance(event, StepStarted):
            has_begun.set()

    def work() -> None:
        with stack.activate(), listen(hear):
            try:
                builder.build(cloud.name(), context, container_registry=cloud.registry)
            except BuildError as error:
                errors.append(error)

    with builder:
        thread = threading.Thread(target=work)
        thread.start()
        assert has_begun.wait(30)
    thread.join(30)
    assert "was stopped" in str(errors[0])
    assert cloud.aws.code_build.builds[0].stop.is_set()


def test_a_cancelled_task_stops_the_build(cloud: Cloud, context: BuildContext) -> None:
    """With asyncio, nothing of the build is left when the task has ended."""
    cloud.aws.code_build.hangs_in = "QUEUED"

    async def run() -> None:
        has_begun = asyncio.Event()

        def hear(event: Event) -> None:
            if isinstance(event, StepStarted):
                has_begun.set()

        with listen(hear):
            task = asyncio.create_task(
                cloud.builder.abuild(cloud.name(), context, None, cloud.registry)
            )
            await has_begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert cloud.aws.code_build.builds[0].stop.is_set()


def test_one_that_somebody_else_stops(cloud: Cloud, context: BuildContext) -> None:
    """It is an error that says so."""
    cloud.aws.code_build.hangs_in = "QUEUED"

    def stop(event: Event) -> None:
        if isinstance(event, StepStarted) and "QUEUED" in event.instruction:
            cloud.aws.code_build.builds[0].stop.set()

    with listen(stop), pytest.raises(BuildError, match="was stopped in phase QUEUED"):
        cloud.build(context)


# --- the component -------------------------------------------------------------------


def test_skipping_what_is_unchanged(cloud: Cloud, context: BuildContext) -> None:
    """The second build begins no build at CodeBuild."""
    first = cloud.builder.build(cloud.name(), context, None, cloud.registry, skip_unchanged=True)
    again = cloud.builder.build(cloud.name(), context, None, cloud.registry, skip_unchanged=True)
    assert first == again
    assert cloud.aws.code_build.count("StartBuild") == 1


def test_many_at_once_take_the_same_switches(cloud: Cloud, context: BuildContext) -> None:
    """Two images of one context are built side by side; the second time, nothing is."""
    tasks = [
        BuildTask(cloud.name(path), context, None, cloud.registry) for path in ("one:1", "two:1")
    ]
    first = cloud.builder.build_many(tasks, skip_unchanged=True)
    again = asyncio.run(cloud.builder.abuild_many(tasks, skip_unchanged=True, explain_cache=True))
    assert [each.result() for each in again] == [each.result() for each in first]
    assert cloud.aws.code_build.count("StartBuild") == 2
    assert sum(one.operation == "PutObject" for one in cloud.aws.requests) == 1


def _copy_two(build: Any) -> dict[str, str]:
    """Build an image of two steps, of which the second is never cached."""
    build.session.copy("context")
    build.step("[1/2] COPY greeting.txt /", cached=True)
    build.step("[2/2] COPY other.txt /")
    return cast("dict[str, str]", build.export())


@pytest.mark.fake_docker_engine(version="28.5", buildkit=ScriptedBuildKit(_copy_two))
def test_why_the_cache_missed(cloud: Cloud) -> None:
    """From the build's log and the last build's record, as with builders that have a daemon."""
    missed = []
    for content in ("one", "two"):
        context = BuildContext()
        context.add_file("FROM scratch\nCOPY greeting.txt /\nCOPY other.txt /\n", "Dockerfile")
        context.add_file("hello", "greeting.txt")
        context.add_file(content, "other.txt")
        told: list[Event] = []
        with listen(told.append):
            cloud.builder.build(cloud.name(), context, None, cloud.registry, explain_cache=True)
        missed.append([one for one in told if isinstance(one, CacheMissed)])
    assert [(one.instruction, one.subjects) for one in missed[1]] == [
        ("COPY other.txt /", ("other.txt",))
    ]


def test_exported_variables_may_come_late(
    cloud: Cloud, context: BuildContext, mocker: MockerFixture
) -> None:
    """A build that ended well and tells no variable yet is looked at once more."""
    looked = CodeBuildService.look
    kept_back = 2

    def look(self: CodeBuildService, build_id: str) -> BuildState | None:
        nonlocal kept_back
        state = looked(self, build_id)
        if state is None or not state.is_complete or not kept_back:
            return state
        kept_back -= 1
        return replace(state, exported={})

    mocker.patch.object(CodeBuildService, "look", look)
    assert "@sha256:" in cloud.build(context)
    assert kept_back == 0


def test_the_result_can_be_written_to_a_file(
    cloud: Cloud, context: BuildContext, tmp_path: Path
) -> None:
    """As buildx writes it: digest and names."""
    import json

    file = tmp_path / "said.json"
    built = cloud.build(context, metadata_file=str(file))
    assert json.loads(file.read_text()) == {
        "containerimage.digest": built.partition("@")[2],
        "image.name": cloud.name(),
    }


def test_a_copy_works(cloud: Cloud, context: BuildContext) -> None:
    """A builder can be sent to another process."""
    copy = pickle.loads(pickle.dumps(cloud.builder))
    assert "@sha256:" in copy.build(cloud.name(), context, None, cloud.registry)
    assert "of-a-double" not in repr(copy)
    copy.close()


def test_boto3_is_imported_when_a_flavor_needs_it() -> None:
    """Listing flavors and making the components imports none of it."""
    code = (
        "import sys; from imagebuilders import *; from imagebuilders.stack.flavors import "
        "FlavorCatalog; [e.implementation_class for e in FlavorCatalog.installed().entries]; "
        "AWSImageBuilder(project='xx'); ECRContainerRegistry(uri='public.ecr.aws/x'); "
        "S3ArtifactStore(path='s3://b'); print('boto3' in sys.modules, 'botocore' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_without_boto3(cloud: Cloud, context: BuildContext, mocker: MockerFixture) -> None:
    """The error names the extra to install."""
    cloud.builder.close()
    mocker.patch.dict(sys.modules, {"boto3": None})
    with pytest.raises(ConfigurationError, match=r"pip install 'imagebuilders\[aws\]'"):
        cloud.build(context)
