"""AWS as far as image builders need it, under one address: CodeBuild here, the rest by moto."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..engine import FakeDockerEngine
from ..http.addresses import host_and_port, listen_tcp
from ..http.conversation import Conversation
from ..http.server import Server
from ..registry import FakeRegistry
from .builds import PhaseFailedError
from .clients import make_client
from .moto_services import MotoServices
from .programs.aws import run_aws
from .programs.docker import Docker
from .programs.host import Program, ProgramHost
from .requests import ACCESS_KEYS, AWSRequest
from .runner import ShellRunner
from .service import BuildRunner, FakeCodeBuild

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from ..http.messages import Request, Response
    from .faults import Faults
    from .requests import Caller

_REGION = "us-east-1"
_ACCOUNT = "123456789012"


class FakeAWS:
    """CodeBuild, S3, CloudWatch Logs, ECR, Secrets Manager, Parameter Store and STS.

    To be used in a `with` block. Builds run their buildspec in this machine's `sh`, with programs
    named `docker` and `aws` that build on an engine double; images go to a registry double that
    wants ECR's tokens.

    Args:
        engine: the engine that builds; a fresh one when left out.
        runner: runs builds in place of all this.
        docker: takes the place of the program `docker`.
        ecr_password: the password of ECR's tokens; by default one that nobody knows.

    Attributes:
        code_build: the service CodeBuild.
        engine: the engine that builds.
        registry: the registry that stands for ECR's.
        programs: what builds start.
        requests: the requests of components and of builds, in order.
    """

    def __init__(
        self,
        engine: FakeDockerEngine | None = None,
        *,
        runner: BuildRunner | None = None,
        docker: Program | None = None,
        ecr_password: str | None = None,
    ) -> None:
        self.engine = engine or FakeDockerEngine()
        password = ecr_password or secrets.token_hex(16)
        self.registry = FakeRegistry(auth="basic", users={"AWS": password})
        self.programs = ProgramHost({"aws": run_aws, "docker": docker or Docker(self.engine)})
        self.code_build = FakeCodeBuild(
            runner, open_log=self._open_log, account=_ACCOUNT, ecr_password=password
        )
        self._runner = runner
        self._open = ExitStack()
        self._address = ""
        self.requests: list[AWSRequest] = []
        self._clients: dict[tuple[str, Caller], Any] = {}

    def __enter__(self) -> FakeAWS:
        self._moto = MotoServices()
        with ExitStack() as entered:
            entered.enter_context(self.registry)
            entered.enter_context(self.programs)
            listener = listen_tcp("127.0.0.1", 0)
            self._address = host_and_port(listener)
            server = Server(listener, self._serve, name="fake-aws")
            entered.callback(server.close)
            self._open = entered.pop_all()
        if self._runner is None:
            self.code_build.runner = ShellRunner(
                self._environment("build"), programs=self.programs, resolve_secret=self._secret
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._open:
            self._open.callback(self._close_clients)
            self.code_build.close()
        if kind is None and self.programs.defects:
            raise self.programs.defects[0]

    @property
    def url(self) -> str:
        """The address of all services."""
        return f"http://{self._address}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings by which components of AWS flavors find the services."""
        return {
            "endpoint_url": self.url,
            "region": _REGION,
            "key": ACCESS_KEYS["client"],
            "secret": "of-a-double",
        }

    @property
    def registry_settings(self) -> dict[str, str]:
        """The settings of an ECR container registry that leads to the registry double."""
        return {**self.settings, "uri": self.registry.address, "account_id": _ACCOUNT}

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by which programs find the services."""
        return self._environment("client")

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next requests, to whichever service."""
        return self.code_build.faults

    def _environment(self, caller: Caller) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEYS[caller],
            "AWS_SECRET_ACCESS_KEY": "of-a-double",
        }

    def client(self, service: str) -> Any:
        """Return a client of boto3, which is closed with the services.

        Its requests are the test's own: no fault hits them, and `requests` has none of them.
        """
        return self._client(service, "test")

    def _client(self, service: str, caller: Caller) -> Any:
        if (service, caller) not in self._clients:
            self._clients[service, caller] = make_client(
                service,
                endpoint_url=self.url,
                region_name=_REGION,
                aws_access_key_id=ACCESS_KEYS[caller],
                aws_secret_access_key="of-a-double",  # noqa: S106
            )
        return self._clients[service, caller]

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.client("s3").create_bucket(Bucket=name)

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _serve(self, connection: socket.socket) -> None:
        Conversation(connection, self._handle).run()

    def _handle(self, request: Request) -> Response:
        read = AWSRequest.read(request)
        if read.caller != "test":
            self.requests.append(read)
        if self.code_build.takes(request):
            return self.code_build.handle(request)
        request = replace(request, body=[request.content])
        fault = self.faults.take(read.operation, read.caller)
        if fault is None:
            return self._moto.handle(request)
        return fault.passed(request, read.service, lambda: self._moto.handle(request))

    # --- what builds need -----------------------------------------------------------

    def _open_log(self, group: str, stream: str) -> Callable[[str], None]:
        """Return what writes a line into CloudWatch."""
        logs = self._client("logs", "build")
        try:
            logs.create_log_group(logGroupName=group)
        except logs.exceptions.ClientError as error:
            # By its code: a client makes the class of each code once more for a second thread.
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        logs.create_log_stream(logGroupName=group, logStreamName=stream)

        def write(line: str) -> None:
            event = {"timestamp": int(time.time() * 1000), "message": f"{line}\n"}
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])

        return write

    def _secret(self, kind: str, name: str) -> str:
        """Return a secret as CodeBuild fetches it for a variable."""
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
        )

        try:
            if kind == "PARAMETER_STORE":
                ssm = self._client("ssm", "build")
                found = ssm.get_parameters(Names=[name], WithDecryption=True)["Parameters"]
                if not found:
                    raise PhaseFailedError(f"{kind}_ERROR", f"there is no parameter {name}")
                return str(found[0]["Value"])
            name, _, key = name.partition(":")
            manager = self._client("secretsmanager", "build")
            text = manager.get_secret_value(SecretId=name)["SecretString"]
        except (BotoCoreError, ClientError) as error:
            raise PhaseFailedError(f"{kind}_ERROR", str(error)) from error
        if not key:
            return str(text)
        values: Mapping[str, str] = json.loads(text)
        return values[key.partition(":")[0]]
