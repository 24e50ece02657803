"""CodeBuild as a service: projects, builds, and the tokens of ECR."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from ..clock import Clock
from ..clock import seconds as seconds_of
from ..http.messages import ConnectionCutError
from .builds import BuildStoppedError, FakeBuild, PhaseFailedError
from .faults import Faults
from .models import (
    Call,
    ServiceError,
    answer,
    error_answer,
    named_operation,
    read_call,
)
from .requests import AWSRequest

if TYPE_CHECKING:
    from ..http.messages import Request, Response

_SERVICES = {
    "CodeBuild_20161006": "codebuild",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "SpencerFrontendService": "ecr-public",
}
_JOIN_SECONDS = 30.0


class BuildRunner(Protocol):
    """Does what a buildspec says."""

    def run(self, build: FakeBuild) -> None:
        """Run a build to its end.

        Raises:
            PhaseFailedError: a phase failed.
            BuildStoppedError: the build was stopped.
        """
        ...


class FakeCodeBuild:
    """CodeBuild's API as far as builds need it: `StartBuild`, `BatchGetBuilds`, `StopBuild`,
    `BatchGetProjects`; and `GetAuthorizationToken` of ECR.

    Requests and answers are checked against botocore's models of the services. What a model has
    and the double does not know is refused by name. It was never compared with AWS itself.

    Args:
        runner: does what buildspecs say; without one, builds end well at once.
        open_log: returns what writes a line into a stream of a log group.
        account, region: where the service is.
        ecr_password: the password of ECR's tokens.
        clock: tells the time.

    Attributes:
        projects, builds: what there is, by name and in order.
        calls: all requests that were read.
        faults: what goes wrong with the next requests.
        unseen_looks: for so many looks `BatchGetBuilds` does not know a new build.
        phase_faults: how phases of builds fail, by their names.
        hangs_in: the phase in which builds wait until they are stopped.
        token_seconds: how long ECR's tokens are good.
        defects: how the double itself failed.
    """

    def __init__(
        self,
        runner: BuildRunner | None = None,
        *,
        open_log: Callable[[str, str], Callable[[str], None]] | None = None,
        account: str = "123456789012",
        region: str = "us-east-1",
        ecr_password: str = "ecr-token",  # noqa: S107  (of a double)
        clock: Clock | None = None,
    ) -> None:
        self.runner = runner
        self.account = account
        self.region = region
        self.ecr_password = ecr_password
        self.token_seconds = 12 * 3600.0
        self.projects: dict[str, dict[str, Any]] = {}
        self.builds: list[FakeBuild] = []
        self.calls: list[Call] = []
        self.faults = Faults()
        self.unseen_looks = 0
        self.phase_faults: dict[str, PhaseFailedError] = {}
        self.hangs_in: str | None = None
        self._open_log = open_log or (lambda _group, _stream: lambda _line: None)
        self._tokens: dict[str, FakeBuild] = {}
        self._numbers = itertools.count(1)
        self._seconds = seconds_of(clock)
        self._lock = threading.Lock()
        self.defects: list[BaseException] = []

    # --- for tests ----------------------------------------------------------------

    def add_project(self, name: str, **settings: Any) -> None:
        """Add a project.

        Args:
            name: its name.
            settings: further fields of a project, as CodeBuild names them; those of its
                `environment` are added to what one has by default.
        """
        environment = {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
            "environmentVariables": [],
            **settings.pop("environment", {}),
        }
        self.projects[name] = {
            "name": name,
            "arn": f"arn:aws:codebuild:{self.region}:{self.account}:project/{name}",
            "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "serviceRole": f"arn:aws:iam::{self.account}:role/codebuild",
            "environment": environment,
            **settings,
        }

    def count(self, operation: str) -> int:
        """Return how many requests of an operation were carried out or refused."""
        return sum(call.operation == operation for call in self.calls)

    def close(self) -> None:
        """Stop all builds, and wait for their ends.

        Raises:
            BaseException: the double failed.
        """
        for build in self.builds:
            build.stop.set()
        for build in self.builds:
            if build.thread is not None:
                build.thread.join(_JOIN_SECONDS)
        if self.defects:
            raise self.defects[0]

    # --- requests -----------------------------------------------------------------

    def takes(self, request: Request) -> bool:
        """Return whether a request is for one of these operations."""
        named = named_operation(request, _SERVICES)
        return named is not None and (
            named[0] == "codebuild" or named[1] == "GetAuthorizationToken"
        )

    def handle(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            ConnectionCutError: the connection is to break off.
        """
        named = named_operation(request, _SERVICES)
        is_cbor = request.headers.get("smithy-protocol") == "rpc-v2-cbor"
        body = request.content
        try:
            if named is None:
                raise ServiceError("UnknownOperationException", "no operation is named")
            call = read_call(request, *named, body)
            self.calls.append(call)
            fault = self.faults.take(call.operation, AWSRequest.read(request).caller)
            if fault is not None:
                return fault.passed(request, call.service, lambda: answer(call, self._result(call)))
            return answer(call, self._result(call))
        except ServiceError as error:
            return error_answer(error, is_cbor=is_cbor)
        except AssertionError as error:
            self.defects.append(error)
            raise ConnectionCutError from error

    def _result(self, call: Call) -> dict[str, Any]:
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "StartBuild": self._start_build,
            "BatchGetBuilds": self._batch_get_builds,
            "StopBuild": self._stop_build,
            "BatchGetProjects": self._batch_get_projects,
        }
        if call.operation == "GetAuthorizationToken":
            return self._authorization_token(is_public=call.service == "ecr-public")
        if call.operation not in operations:
            raise ServiceError(
                "UnknownOperationException", f"the double has no {call.operation}", 501
            )
        return operations[call.operation](call.arguments)

    def _start_build(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        project = self.projects.get(arguments["projectName"])
        if project is None:
            raise ServiceError(
                "ResourceNotFoundException",
                f"Project cannot be found: {arguments['projectName']}",
            )
        token = arguments.get("idempotencyToken", "")
        with self._lock:
            build = self._tokens.get(token) if token else None
            if build is not None:
                if build.request != arguments:
                    raise ServiceError(
                        "InvalidInputException",
                        "Idempotent token was used with other parameters",
                    )
                return {"build": build.described()}
            build = self._made(project, arguments)
            self.builds.append(build)
            if token:
                self._tokens[token] = build
            described = build.described()
            build.thread = threading.Thread(
                target=self._run, args=(build,), name=f"build {build.id}", daemon=True
            )
            build.thread.start()
        return {"build": described}

    def _made(self, project: Mapping[str, Any], arguments: Mapping[str, Any]) -> FakeBuild:
        number = next(self._numbers)
        stream = f"00000000-0000-4000-8000-{number:012x}"
        name = f"{project['name']}:{stream}"
        return FakeBuild(
            name,
            f"arn:aws:codebuild:{self.region}:{self.account}:build/{name}",
            number,
            dict(arguments),
            project,
            f"/aws/codebuild/{project['name']}",
            stream,
            self._seconds,
            started_at=self._seconds(),
            unseen_looks=self.unseen_looks,
        )

    def _batch_get_builds(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        by_id = {build.id: build for build in self.builds if build.is_seen()}
        known = [name for name in arguments["ids"] if name in by_id]
        return _without_empty(
            builds=[by_id[name].described() for name in known],
            buildsNotFound=[name for name in arguments["ids"] if name not in by_id],
        )

    def _stop_build(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for build in self.builds:
            if build.id == arguments["id"]:
                build.stop.set()
                return {"build": build.described()}
        raise ServiceError("ResourceNotFoundException", "Build does not exist")

    def _batch_get_projects(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        names = arguments["names"]
        return _without_empty(
            projects=[self.projects[name] for name in names if name in self.projects],
            projectsNotFound=[name for name in names if name not in self.projects],
        )

    def _authorization_token(self, *, is_public: bool) -> dict[str, Any]:
        token = base64.b64encode(f"AWS:{self.ecr_password}".encode()).decode()
        ends = datetime.fromtimestamp(self._seconds() + self.token_seconds, timezone.utc)
        data = {"authorizationToken": token, "expiresAt": ends}
        if is_public:
            return {"authorizationData": data}
        host = f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"
        return {"authorizationData": [{**data, "proxyEndpoint": f"https://{host}"}]}

    # --- builds -------------------------------------------------------------------

    def _run(self, build: FakeBuild) -> None:
        status = "SUCCEEDED"
        try:
            for name in ("SUBMITTED", "QUEUED", "PROVISIONING"):
                self._pass(build, name)
            build.write_log = self._open_log(build.log_group, build.log_stream)
            build.has_log = True
            self._pass(build, "DOWNLOAD_SOURCE")
            if self.runner is not None:
                self.runner.run(build)
            self._pass(build, "UPLOAD_ARTIFACTS")
            self._pass(build, "FINALIZING")
        except PhaseFailedError as error:
            status = error.status
        except BuildStoppedError:
            status = "STOPPED"
        except BaseException as error:  # told when the double is closed
            self.defects.append(error)
            status = "FAULT"
        build.phases.append(
            {
                "phaseType": "COMPLETED",
                "startTime": datetime.fromtimestamp(self._seconds(), timezone.utc),
            }
        )
        build.ended_at = self._seconds()
        build.status = status

    def _pass(self, build: FakeBuild, name: str) -> None:
        """Let a phase pass in which nothing is done."""
        with build.phase(name):
            if name == self.hangs_in:
                build.stop.wait()
            if build.stop.is_set():
                raise BuildStoppedError
            failure = self.phase_faults.get(name)
            if failure is not None:
                raise failure


def _without_empty(**lists: list[Any]) -> dict[str, Any]:
    """Return the lists that have something in them: the model knows no empty ones here."""
    return {name: found for name, found in lists.items() if found}
