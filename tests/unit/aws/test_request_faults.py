"""Faults of each request that a build on AWS makes: success after retries, or one clear error."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from pytest_mock import MockerFixture

from imagebuilders import BuildContext, S3ArtifactStore, Stack
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.aws.calls import AWSCalls
from imagebuilders.events import Event, Notice, StepStarted, listen
from imagebuilders.exceptions import (
    BuildError,
    ConfigurationError,
    RegistryError,
    UploadError,
)

if TYPE_CHECKING:
    Cloud = Any

PASSING: list[Any] = ["throttle", "server_error", "cut", "lose_answer"]
"""Faults after which the same request may succeed; the fifth attempt is the last one."""

REFUSING = ["deny", "expire"]
"""Faults that stay."""

PUT = ["GetObject", "HeadObject", "PutObject"]
"""The requests by which a small context is sent."""

TURN = ["CreateMultipartUpload", "ListMultipartUploads", "AbortMultipartUpload"]
"""Those by which clients agree on one that sends."""

MULTIPART = ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
"""Those by which a large one is."""


@pytest.fixture(autouse=True)
def _no_pauses(mocker: MockerFixture) -> None:
    """Attempts follow each other at once."""
    mocker.patch("imagebuilders.aws.calls.random.uniform", return_value=0.0)
    policy = RetryPolicy(attempts=5, uniform=lambda _low, _high: 0.0)
    mocker.patch.object(S3ArtifactStore, "retry_policy", policy)


@pytest.mark.parametrize("operation", ["BatchGetProjects", "StartBuild", "BatchGetBuilds"])
def test_what_may_pass_is_repeated(cloud: Cloud, context: BuildContext, operation: str) -> None:
    """The build ends well, and was begun once."""
    _fail_in_turn(cloud, operation)
    assert "@sha256:" in cloud.build(context)
    assert len(cloud.aws.code_build.builds) == 1
    assert cloud.aws.code_build.faults.left == []


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("BatchGetProjects", "expire"),
        *[(name, kind) for name in ("StartBuild", "BatchGetBuilds") for kind in ("deny", "expire")],
    ],
)
def test_a_refusal_is_one_clear_error(
    cloud: Cloud, context: BuildContext, operation: str, kind: Any
) -> None:
    """It names the request and the code, and no build runs on."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.code_build.faults.add(operation, kind, times=100)
    with pytest.raises((BuildError, ConfigurationError), match=r"DeniedException|ExpiredToken"):
        cloud.build(context)
    assert all(build.stop.is_set() for build in cloud.aws.code_build.builds)


@pytest.mark.parametrize("kind", ["server_error", "lose_answer"])
def test_a_start_whose_answers_stay_lost(cloud: Cloud, context: BuildContext, kind: Any) -> None:
    """A build that may have begun is found by its token, and stopped."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.code_build.faults.add("StartBuild", kind, times=5)
    with pytest.raises(BuildError, match="start_build failed"):
        cloud.build(context)
    assert [build.stop.is_set() for build in cloud.aws.code_build.builds] == [True]


def test_a_start_whose_answer_has_no_build(
    cloud: Cloud, context: BuildContext, mocker: MockerFixture
) -> None:
    """The build that began is found by its token, and stopped."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    original = AWSCalls.call
    emptied: list[str] = []

    def call(self: AWSCalls, operation: str, **arguments: object) -> Mapping[str, object]:
        answer = original(self, operation, **arguments)
        if operation != "start_build" or emptied:
            return answer
        emptied.append(operation)
        return {"build": {}}

    mocker.patch.object(AWSCalls, "call", call)
    with pytest.raises(BuildError, match="answered without a build"):
        cloud.build(context)
    assert [build.stop.is_set() for build in cloud.aws.code_build.builds] == [True]


def test_a_start_that_stays_unknown(cloud: Cloud, context: BuildContext) -> None:
    """The one error tells that a build may run on."""
    cloud.aws.faults.add("StartBuild", "cut", times=1000)
    with pytest.raises(BuildError, match="A build may have begun, and may run on") as caught:
        cloud.build(context)
    assert "start_build failed" in str(caught.value)


def test_a_start_that_is_found_and_cannot_be_stopped(cloud: Cloud, context: BuildContext) -> None:
    """The one error names the build and tells why it may run on."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.faults.add("StartBuild", "lose_answer", times=5)
    cloud.aws.faults.add("StopBuild", "deny")
    with pytest.raises(BuildError, match="start_build failed") as caught:
        cloud.build(context)
    build = cloud.aws.code_build.builds[0]
    assert f"The build {build.id} may run on: codebuild: stop_build failed" in str(caught.value)


def test_codebuild_out_of_reach(cloud: Cloud, context: BuildContext) -> None:
    """A lost connection resumes waiting; one that stays lost is given up, and the build stopped."""
    with cloud.make_builder(attempts=1) as patient:
        cloud.aws.code_build.faults.add("BatchGetBuilds", "cut", times=2)
        patient.build(cloud.name(), context, container_registry=cloud.registry)
    builder = cloud.make_builder(patience=0.3, attempts=1)
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.code_build.faults.add("BatchGetBuilds", "cut", times=10_000)
    with pytest.raises(BuildError, match="It is not known whether"):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    assert cloud.aws.code_build.builds[-1].stop.is_set()
    builder.close()


def test_a_build_that_vanishes(cloud: Cloud, context: BuildContext, mocker: MockerFixture) -> None:
    """It is told with its ID, and stopped if it is still there."""
    mocker.patch("imagebuilders.aws.code_build.watch.UNSEEN_SECONDS", 0.2)
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.code_build.unseen_looks = 1_000_000
    with pytest.raises(BuildError, match="has no build images:"):
        cloud.build(context)
    assert cloud.aws.code_build.builds[0].stop.is_set()


def test_a_build_that_is_known_late(cloud: Cloud, context: BuildContext) -> None:
    """CodeBuild need not know a build at once."""
    cloud.aws.code_build.unseen_looks = 3
    assert "@sha256:" in cloud.build(context)


# --- the context on its way to S3 --------------------------------------------------


@pytest.fixture
def large_context(context: BuildContext) -> BuildContext:
    """A context whose archive is sent in two parts."""
    context.add_file(random.Random(1).randbytes(6 * 1024 * 1024), "noise")
    return context


@pytest.fixture
def store(cloud: Cloud) -> Any:
    """A store that sends parts of 5 MiB, one at a time."""
    made = S3ArtifactStore(
        path="s3://contexts/parts",
        addressing_style="path",
        part_size=5 * 1024 * 1024,
        concurrency=1,
        **cloud.aws.settings,
    )
    with made, Stack(cloud.builder, made, cloud.registry).activate():
        yield made


def _fail_in_turn(cloud: Cloud, operation: str) -> None:
    """Let the next requests of an operation fail, each in another way that may pass."""
    for kind in PASSING:
        cloud.aws.faults.add(operation, kind)


def _stored(cloud: Cloud) -> list[str]:
    found = cloud.aws.client("s3").list_objects_v2(Bucket="contexts")
    return [entry["Key"] for entry in found.get("Contents", [])]


def _uploads(cloud: Cloud) -> list[str]:
    found = cloud.aws.client("s3").list_multipart_uploads(Bucket="contexts")
    return [upload["UploadId"] for upload in found.get("Uploads", [])]


@pytest.mark.parametrize("operation", PUT)
def test_sending_goes_on_after_what_passes(
    cloud: Cloud, context: BuildContext, operation: str
) -> None:
    """One object is stored, and one build is begun."""
    _fail_in_turn(cloud, operation)
    assert "@sha256:" in cloud.build(context)
    assert cloud.aws.faults.left == []
    assert len(_stored(cloud)) == 1
    assert len(cloud.aws.code_build.builds) == 1


@pytest.mark.parametrize("operation", TURN)
@pytest.mark.parametrize("kind", [*PASSING, "deny"])
def test_sending_does_not_depend_on_a_turn(
    cloud: Cloud, context: BuildContext, operation: str, kind: Any
) -> None:
    """It goes on where no client is told of the others; only what has no name or end is left."""
    cloud.aws.faults.add(operation, kind, times=1000 if kind == "deny" else 1)
    assert "@sha256:" in cloud.build(context)
    assert len(_stored(cloud)) == 1
    assert len(_uploads(cloud)) == int(
        (operation, kind)
        in [("CreateMultipartUpload", "lose_answer"), ("AbortMultipartUpload", "deny")]
    )


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("GetObject", "expire"),
        ("GetObject", "cut"),
        ("PutObject", "deny"),
        ("PutObject", "expire"),
        ("PutObject", "cut"),
    ],
)
def test_sending_that_fails_begins_no_build(
    cloud: Cloud, context: BuildContext, operation: str, kind: Any
) -> None:
    """The error tells of the upload; nothing is stored, and the next build succeeds."""
    cloud.aws.faults.add(operation, kind, times=1000)
    with pytest.raises(UploadError) as caught:
        cloud.build(context)
    assert "s3://contexts/prefix" in str(caught.value)
    assert _stored(cloud) == []
    assert cloud.aws.code_build.builds == []
    cloud.aws.faults.clear()
    assert "@sha256:" in cloud.build(context)


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
def test_who_may_not_look_sends_in_any_case(
    cloud: Cloud, context: BuildContext, operation: str
) -> None:
    """S3 answers so, too, for an object that is missing."""
    cloud.aws.faults.add(operation, "deny", times=1000)
    assert "@sha256:" in cloud.build(context)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("operation", MULTIPART)
def test_parts_go_on_after_what_passes(
    cloud: Cloud, large_context: BuildContext, operation: str
) -> None:
    """One object is stored. No upload stays, but an empty one whose name never came."""
    _fail_in_turn(cloud, operation)
    assert "@sha256:" in cloud.build(large_context)
    assert cloud.aws.faults.left == []
    assert len(_stored(cloud)) == 1
    assert len(_uploads(cloud)) == int(operation == "CreateMultipartUpload")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("operation", MULTIPART)
@pytest.mark.parametrize("kind", REFUSING)
def test_parts_that_are_refused_are_taken_back(
    cloud: Cloud, large_context: BuildContext, operation: str, kind: Any
) -> None:
    """Neither an object nor an upload stays, even when the first abort fails; no build begins."""
    cloud.aws.faults.add(operation, kind, times=100)
    cloud.aws.faults.add("AbortMultipartUpload", "throttle")
    with pytest.raises(UploadError, match=r"s3://contexts/parts"):
        cloud.build(large_context)
    assert _stored(cloud) == []
    assert _uploads(cloud) == []
    assert cloud.aws.code_build.builds == []


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("kind", ["deny", "cut"])
def test_aborts_that_fail_change_no_error(
    cloud: Cloud, large_context: BuildContext, kind: Any
) -> None:
    """What refused the part is told. What passes is repeated: only a lasting fault leaves parts."""
    cloud.aws.faults.add("UploadPart", "deny")
    cloud.aws.faults.add("AbortMultipartUpload", kind, times=4 if kind == "cut" else 100)
    with pytest.raises(UploadError, match="access denied"):
        cloud.build(large_context)
    assert len(_uploads(cloud)) == int(kind == "deny")


# --- the log -------------------------------------------------------------------------


def _steps(told: list[Event]) -> list[str]:
    return [one.instruction for one in told if isinstance(one, StepStarted)]


def test_the_log_is_read_on_after_what_passes(cloud: Cloud, context: BuildContext) -> None:
    """Each step is told once."""
    told: list[Event] = []
    _fail_in_turn(cloud, "GetLogEvents")
    with listen(told.append):
        cloud.build(context)
    assert cloud.aws.faults.left == []
    assert _steps(told).count("COPY greeting.txt /greeting.txt") == 1


@pytest.mark.parametrize("kind", ["cut", *REFUSING])
def test_a_log_that_cannot_be_read_is_no_failure(
    cloud: Cloud, context: BuildContext, kind: Any, mocker: MockerFixture
) -> None:
    """The build ends well, and one notice tells that and why its steps are missing."""
    mocker.patch("imagebuilders.aws.code_build.watch.LOG_GRACE_SECONDS", 0.1)
    told: list[Event] = []
    cloud.aws.faults.add("GetLogEvents", kind, times=10_000)
    with listen(told.append):
        assert "@sha256:" in cloud.build(context)
    notices = [one.message for one in told if isinstance(one, Notice)]
    assert [text for text in notices if "get_log_events failed" in text] == notices
    assert len(notices) == 1


# --- stopping ------------------------------------------------------------------------


def test_a_build_is_stopped_after_what_passes(cloud: Cloud, context: BuildContext) -> None:
    """The error is that of the time limit alone."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    _fail_in_turn(cloud, "StopBuild")
    with (
        cloud.make_builder(wait_timeout=0.1) as builder,
        pytest.raises(BuildError, match="'wait_timeout'") as caught,
    ):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    assert "may run on" not in str(caught.value)
    assert cloud.aws.code_build.builds[0].stop.is_set()
    assert cloud.aws.faults.left == []


@pytest.mark.parametrize("kind", ["cut", *REFUSING])
def test_a_build_that_cannot_be_stopped_is_named(
    cloud: Cloud, context: BuildContext, kind: Any
) -> None:
    """The one error tells why it was to stop, and which build may run on, and why."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.faults.add("StopBuild", kind, times=100)
    with (
        cloud.make_builder(wait_timeout=0.1) as builder,
        pytest.raises(BuildError, match="'wait_timeout'") as caught,
    ):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    build = cloud.aws.code_build.builds[0]
    assert f"The build {build.id} may run on: codebuild: stop_build failed" in str(caught.value)


def test_an_interrupted_build_that_cannot_be_stopped(
    cloud: Cloud, context: BuildContext, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception that is not ours comes through as it is; the log names the build."""
    cloud.aws.code_build.hangs_in = "QUEUED"
    cloud.aws.faults.add("StopBuild", "deny")

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise KeyboardInterrupt

    with listen(interrupt), pytest.raises(KeyboardInterrupt):
        cloud.build(context)
    assert f"The build {cloud.aws.code_build.builds[0].id} may run on" in caplog.text


# --- ECR -----------------------------------------------------------------------------


def _build_unless_there(cloud: Cloud, context: BuildContext) -> str:
    """Build in a way that asks the registry from here, which takes a token."""
    found: str = cloud.builder.build(
        cloud.name(), context, None, cloud.registry, skip_unchanged=True
    )
    return found


def test_a_token_comes_after_what_passes(cloud: Cloud, context: BuildContext) -> None:
    """The build ends well."""
    _fail_in_turn(cloud, "GetAuthorizationToken")
    assert "@sha256:" in _build_unless_there(cloud, context)
    assert cloud.aws.faults.left == []


@pytest.mark.parametrize("kind", [*REFUSING, "cut"])
def test_without_a_token_nothing_begins(cloud: Cloud, context: BuildContext, kind: Any) -> None:
    """The error names the right that is needed; nothing is sent."""
    cloud.aws.faults.add("GetAuthorizationToken", kind, times=1000)
    with pytest.raises(RegistryError, match="ecr:GetAuthorizationToken"):
        _build_unless_there(cloud, context)
    assert _stored(cloud) == []
    assert cloud.aws.code_build.builds == []


@pytest.fixture
def making(cloud: Cloud) -> Any:
    """A registry component that makes repositories."""
    settings = {**cloud.aws.registry_settings, "create_repositories": True}
    with_repositories = type(cloud.registry)(**settings)
    yield with_repositories
    with_repositories.close()


def _repositories(cloud: Cloud) -> list[str]:
    found = cloud.aws.client("ecr").describe_repositories()["repositories"]
    return [repository["repositoryName"] for repository in found]


@pytest.mark.parametrize("operation", ["DescribeRepositories", "CreateRepository"])
def test_a_repository_is_made_after_what_passes(
    cloud: Cloud, context: BuildContext, making: Any, operation: str
) -> None:
    """It is there once, and the build ends well."""
    _fail_in_turn(cloud, operation)
    assert "@sha256:" in cloud.builder.build(cloud.name(), context, None, making)
    assert cloud.aws.faults.left == []
    assert _repositories(cloud) == ["team/app"]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("DescribeRepositories", "expire"),
        ("DescribeRepositories", "cut"),
        ("CreateRepository", "deny"),
        ("CreateRepository", "expire"),
        ("CreateRepository", "throttle"),
    ],
)
def test_without_its_repository_nothing_begins(
    cloud: Cloud, context: BuildContext, making: Any, operation: str, kind: Any
) -> None:
    """The error names it; nothing is sent."""
    cloud.aws.faults.add(operation, kind, times=1000)
    with pytest.raises(RegistryError, match="'team/app'"):
        cloud.builder.build(cloud.name(), context, None, making)
    assert _repositories(cloud) == []
    assert _stored(cloud) == []
    assert cloud.aws.code_build.builds == []


def test_who_may_not_look_for_a_repository_may_make_it(
    cloud: Cloud, context: BuildContext, making: Any
) -> None:
    """A refused look is no failure by itself."""
    cloud.aws.faults.add("DescribeRepositories", "deny")
    assert "@sha256:" in cloud.builder.build(cloud.name(), context, None, making)
    assert _repositories(cloud) == ["team/app"]


# --- what the build itself asks ------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "phase"),
    [
        ("GetObject", "PRE_BUILD"),
        ("GetAuthorizationToken", "PRE_BUILD"),
        ("GetSecretValue", ""),
    ],
)
@pytest.mark.parametrize("kind", ["cut", *REFUSING])
def test_a_build_that_is_refused_something(
    cloud: Cloud, context: BuildContext, operation: str, phase: str, kind: Any
) -> None:
    """One error tells the phase; nothing is pushed, and the build has ended."""
    cloud.aws.client("secretsmanager").create_secret(Name="reg", SecretString="{}")
    settings: dict[str, Any] = {}
    if operation == "GetSecretValue":
        settings["registry_credentials"] = {"ghcr.io": "secretsmanager:reg"}
    cloud.aws.faults.add(operation, kind, times=100, caller="build")
    with (
        cloud.make_builder(**settings) as builder,
        pytest.raises(BuildError, match=f"failed in phase {phase}"),
    ):
        builder.build(cloud.name(), context, container_registry=cloud.registry)
    assert cloud.aws.registry.repositories == []
    assert cloud.aws.code_build.builds[0].status != "IN_PROGRESS"
