"""The double of CodeBuild: its wire, and what it refuses."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cbor2
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from fakes import FakeAWS, FakeCodeBuild
from fakes.code_build.builds import BuildStoppedError, FakeBuild, PhaseFailedError
from fakes.code_build.programs.aws import run_aws
from fakes.code_build.programs.docker import Docker
from fakes.code_build.programs.host import Command, UsageError
from fakes.code_build.runner import ShellRunner
from fakes.http.messages import ConnectionCutError, Headers, Request, Response


def _ask(
    service: FakeCodeBuild, operation: str, *, cbor: bool = False, **arguments: Any
) -> Response:
    if cbor:
        headers = Headers([("smithy-protocol", "rpc-v2-cbor")])
        target = f"/service/CodeBuild_20161006/operation/{operation}"
        return service.handle(Request("POST", target, headers, [cbor2.dumps(arguments)]))
    headers = Headers([("X-Amz-Target", f"CodeBuild_20161006.{operation}")])
    return service.handle(Request("POST", "/", headers, [json.dumps(arguments).encode()]))


def _read(response: Response) -> Any:
    body = bytes(response.body)
    if response.headers.get("smithy-protocol"):
        return cbor2.loads(body)
    return json.loads(body)


@pytest.fixture
def service() -> Any:
    """A service with a project, whose builds end at once."""
    made = FakeCodeBuild()
    made.add_project("p")
    yield made
    made.close()


@pytest.mark.parametrize("cbor", [False, True])
def test_both_protocols(service: FakeCodeBuild, cbor: bool) -> None:
    """JSON, as clients up to 2025 speak it, and CBOR, with times as each has them."""
    started = _read(_ask(service, "StartBuild", cbor=cbor, projectName="p"))["build"]
    thread = service.builds[0].thread
    assert thread is not None
    thread.join()
    (found,) = _read(_ask(service, "BatchGetBuilds", cbor=cbor, ids=[started["id"]]))["builds"]
    assert found["buildStatus"] == "SUCCEEDED"
    assert found["buildComplete"] is True
    moment = found["startTime"]
    assert isinstance(moment, datetime if cbor else float)
    if isinstance(moment, datetime):
        moment = moment.astimezone(timezone.utc).timestamp()
    assert moment > 1_700_000_000
    error = _ask(service, "StartBuild", cbor=cbor, projectName="other")
    assert error.status == 400
    assert _read(error)["__type"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("StartBuild", {}, "InvalidInputException"),
        ("StartBuild", {"projectName": "p", "unknown": 1}, "InvalidInputException"),
        ("StartBuild", {"projectName": "p", "privilegedModeOverride": "yes"}, "InvalidInput"),
        ("StartBuild", {"projectName": "p", "environmentTypeOverride": "MINE"}, "InvalidInput"),
        (
            "StartBuild",
            {
                "projectName": "p",
                "environmentVariablesOverride": [{"name": "a", "value": "b", "type": "TEXT"}],
            },
            "InvalidInput",
        ),
        ("StopBuild", {"id": "p:none"}, "ResourceNotFoundException"),
        ("NoSuchThing", {}, "UnknownOperationException"),
        ("ListProjects", {}, "UnknownOperationException"),
    ],
)
def test_what_it_refuses(
    service: FakeCodeBuild, operation: str, arguments: dict[str, Any], code: str
) -> None:
    """What botocore's model of the service does not allow, and what the double does not have."""
    response = _ask(service, operation, **arguments)
    assert response.status in (400, 501)
    assert _read(response)["__type"].startswith(code)
    assert service.builds == []


def test_a_token_starts_one_build(service: FakeCodeBuild) -> None:
    """The same request returns the same build; another one with the token is refused."""
    first = _read(_ask(service, "StartBuild", projectName="p", idempotencyToken="t"))
    again = _read(_ask(service, "StartBuild", projectName="p", idempotencyToken="t"))
    assert first["build"]["id"] == again["build"]["id"]
    other = _ask(service, "StartBuild", projectName="p", idempotencyToken="t", sourceVersion="x")
    assert _read(other)["__type"] == "InvalidInputException"
    assert len(service.builds) == 1


def test_a_broken_body_is_refused(service: FakeCodeBuild) -> None:
    """It is no crash of the double."""
    headers = Headers([("X-Amz-Target", "CodeBuild_20161006.StartBuild")])
    for body in (b"{", b"[]"):
        response = service.handle(Request("POST", "/", headers, [body]))
        assert _read(response)["__type"] == "SerializationException"


def test_a_lost_answer_is_carried_out(service: FakeCodeBuild) -> None:
    """One that is cut before is not."""
    service.faults.add("StartBuild", "cut")
    service.faults.add("StartBuild", "lose_answer")
    for count in (0, 1):
        with pytest.raises(ConnectionCutError):
            _ask(service, "StartBuild", projectName="p")
        assert len(service.builds) == count
    service.faults.add("StartBuild", "delay", seconds=0.01)
    assert _ask(service, "StartBuild", projectName="p").status == 200


def test_a_defect_of_the_runner_is_told() -> None:
    """It is no failed build: the test hears of it when it ends."""

    class Broken:
        def run(self, build: FakeBuild) -> None:
            raise ZeroDivisionError

    service = FakeCodeBuild(Broken())
    service.add_project("p")
    _ask(service, "StartBuild", projectName="p")
    with pytest.raises(ZeroDivisionError):
        service.close()


# --- the runner --------------------------------------------------------------


def _run(buildspec: str, **variables: str) -> tuple[FakeBuild, list[str]]:
    lines: list[str] = []
    build = FakeBuild(
        *("p:1", "arn", 1, {"buildspecOverride": buildspec}, {"name": "p"}, "group", "stream"),
        lambda: 1_700_000_000.0,
        write_log=lines.append,
    )
    ShellRunner({"LANG": "C", **variables}).run(build)
    return build, lines


def test_one_shell_runs_all_commands() -> None:
    """Variables and folders stay from one command to the next, and the exported ones are told."""
    build, lines = _run(
        "version: 0.2\nenv: {exported-variables: [A, B]}\nphases:\n"
        '  pre_build: {commands: ["X=1", "export A=\\"$X two\\"", "mkdir d && cd d"]}\n'
        '  build: {commands: ["echo $A; basename \\"$PWD\\"; echo error >&2"]}\n'
    )
    assert build.exported == {"A": "1 two", "B": ""}
    assert [line for line in lines if not line.startswith("[Container]")] == ["1 two", "d", "error"]
    assert [phase["phaseStatus"] for phase in build.phases] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("command", ["exit 3", "false", "no-such-program", "if", "kill -9 $$"])
def test_a_command_that_fails_ends_its_phase(command: str) -> None:
    """The phases behind it do not begin."""
    spec = f"version: 0.2\nphases:\n  pre_build: {{commands: ['{command}']}}\n"
    with pytest.raises(PhaseFailedError, match="Error while executing command"):
        _run(spec + "  build: {commands: ['echo never']}\n")


def test_nothing_of_this_machine_s_environment_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build has the variables of CodeBuild and of its request."""
    monkeypatch.setenv("OF_THIS_MACHINE", "1")
    _, lines = _run("version: 0.2\nphases: {build: {commands: [env]}}", MINE="2")
    assert "MINE=2" in lines
    assert not [line for line in lines if line.startswith("OF_THIS_MACHINE")]


def test_a_build_that_is_stopped_is_killed() -> None:
    """With all that it started."""
    build = FakeBuild(
        *("p:1", "arn", 1, {"buildspecOverride": ""}, {"name": "p"}, "group", "stream"),
        lambda: 1_700_000_000.0,
    )
    build.request = {
        "buildspecOverride": "version: 0.2\nphases: {build: {commands: ['echo on; sleep 600']}}"
    }

    def stop(line: str) -> None:
        if line == "on":
            build.stop.set()

    build.write_log = stop
    with pytest.raises(BuildStoppedError):
        ShellRunner({}).run(build)


# --- the programs ------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["run", "x"],
        ["buildx", "build", "--unknown", "."],
        ["buildx", "build", "--progress=rawjson"],
        ["buildx", "build", "--output", "type=local,dest=x", "."],
        ["buildx", "create", "--driver", "remote"],
        ["login", "-p", "x", "host"],
    ],
)
def test_docker_takes_what_the_real_one_takes(fake_docker_engine: Any, words: list[str]) -> None:
    """Any other argument is an error."""
    with pytest.raises(UsageError):
        Docker(fake_docker_engine)(_command(words))


@pytest.mark.parametrize(
    "words",
    [["s3", "ls"], ["s3", "cp", "a"], ["s3", "cp", "a", "b", "--x"], ["ecr", "get-login"]],
)
def test_aws_takes_what_the_real_one_takes(words: list[str]) -> None:
    """Any other argument is an error."""
    with pytest.raises(UsageError):
        run_aws(_command(words))


def _command(words: list[str]) -> Command:
    def ignore(_: str) -> None: ...

    return Command(words, Path("/nonexistent"), {"HOME": "/nonexistent"}, b"", ignore, ignore)


# --- all services --------------------------------------------------------------


def test_moto_stands_beside_it(fake_aws: FakeAWS) -> None:
    """One address leads to CodeBuild here, and to the others there."""
    fake_aws.code_build.add_project("here")
    found = fake_aws.client("codebuild").batch_get_projects(names=["here", "there"])
    assert [project["name"] for project in found["projects"]] == ["here"]
    assert found["projectsNotFound"] == ["there"]
    fake_aws.make_bucket("bucket")
    objects = fake_aws.client("s3")
    objects.put_object(Bucket="bucket", Key="ä/ b+c", Body=b"x" * 100_000)
    assert objects.get_object(Bucket="bucket", Key="ä/ b+c")["Body"].read() == b"x" * 100_000
    assert fake_aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    fake_aws.client("ecr").create_repository(repositoryName="team/app")
    token = fake_aws.client("ecr").get_authorization_token()["authorizationData"][0]
    assert token["expiresAt"] > datetime.now(timezone.utc)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        fake_aws.client("s3").list_objects_v2(Bucket="other-bucket")


def test_each_begins_empty(fake_aws: FakeAWS) -> None:
    """Moto keeps its state in the process, so it is begun anew."""
    assert fake_aws.client("s3").list_buckets()["Buckets"] == []
    assert fake_aws.client("ecr").describe_repositories()["repositories"] == []
