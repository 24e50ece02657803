"""A build as the service keeps it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


class PhaseFailedError(Exception):
    """A phase ended otherwise than well.

    Attributes:
        code: CodeBuild's code for why, as in `COMMAND_EXECUTION_ERROR`.
        status: the status of phase and build.
    """

    def __init__(self, code: str, message: str, status: str = "FAILED") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class BuildStoppedError(Exception):
    """Somebody stopped the build."""


@dataclass
class FakeBuild:
    """A build.

    Attributes:
        id, arn, number: what it is called.
        request: the arguments of the `StartBuild` that began it.
        project: the project, as `BatchGetProjects` has it.
        write_log: writes a line of its log.
        seconds: tells the time in seconds since 1970.
        status: as in `IN_PROGRESS`.
        phases: the phases that began.
        exported: the variables that it exports.
        stop: is set when it is to stop.
        unseen_looks: for so many looks `BatchGetBuilds` does not know it yet.
    """

    id: str
    arn: str
    number: int
    request: Mapping[str, Any]
    project: Mapping[str, Any]
    log_group: str
    log_stream: str
    seconds: Callable[[], float]
    write_log: Callable[[str], None] = field(repr=False, default=lambda _: None)
    status: str = "IN_PROGRESS"
    phases: list[dict[str, Any]] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
    unseen_looks: int = 0
    has_log: bool = False
    started_at: float = 0.0
    ended_at: float | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def buildspec(self) -> str:
        """What it is told to do."""
        return str(self.request.get("buildspecOverride", ""))

    def is_seen(self) -> bool:
        """Return whether a look finds it."""
        self.unseen_looks -= self.unseen_looks > 0
        return not self.unseen_looks

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Let a phase be what happens in the block.

        Raises:
            PhaseFailedError: the block raised it; the phase tells so.
            BuildStoppedError: likewise.
        """
        entry: dict[str, Any] = {"phaseType": name, "startTime": self._now()}
        self.phases.append(entry)
        status = "SUCCEEDED"
        context: dict[str, str] = {"statusCode": "", "message": ""}
        self._container(f"Entering phase {name}")
        try:
            yield
        except PhaseFailedError as error:
            status, context = error.status, {"statusCode": error.code, "message": str(error)}
            raise
        except BuildStoppedError:
            status = "STOPPED"
            raise
        finally:
            entry.update(phaseStatus=status, endTime=self._now(), contexts=[context])
            entry["durationInSeconds"] = 0
            self._container(f"Phase complete: {name} State: {status}")
            self._container(
                f"Phase context status code: {context['statusCode']} Message: {context['message']}"
            )

    def described(self) -> dict[str, Any]:
        """Return what `BatchGetBuilds` says of it."""
        request = self.request
        environment = dict(self.project["environment"])
        for name, override in (
            ("image", "imageOverride"),
            ("type", "environmentTypeOverride"),
            ("computeType", "computeTypeOverride"),
            ("privilegedMode", "privilegedModeOverride"),
            ("environmentVariables", "environmentVariablesOverride"),
        ):
            if override in request:
                environment[name] = request[override]
        link = f"https://console.aws.amazon.com/cloudwatch/home#logEvent:{self.log_stream}"
        logs = {"groupName": self.log_group, "streamName": self.log_stream, "deepLink": link}
        described = {
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": _moment(self.started_at),
            "currentPhase": self.phases[-1]["phaseType"] if self.phases else "SUBMITTED",
            "buildStatus": self.status,
            "projectName": self.project["name"],
            "phases": [dict(phase) for phase in self.phases],
            "source": {
                "type": request.get("sourceTypeOverride", self.project["source"]["type"]),
                "buildspec": self.buildspec,
            },
            "artifacts": {"location": ""},
            "environment": environment,
            "serviceRole": request.get("serviceRoleOverride", self.project["serviceRole"]),
            "logs": logs if self.has_log else {"deepLink": link},
            "timeoutInMinutes": request.get("timeoutInMinutesOverride", 60),
            "queuedTimeoutInMinutes": request.get("queuedTimeoutInMinutesOverride", 480),
            "buildComplete": self.ended_at is not None,
            "initiator": "double",
            "exportedEnvironmentVariables": [
                {"name": name, "value": value} for name, value in self.exported.items()
            ],
        }
        if self.ended_at is not None:
            described["endTime"] = _moment(self.ended_at)
        return described

    def _container(self, words: str) -> None:
        stamp = _moment(self.seconds()).strftime("%Y/%m/%d %H:%M:%S.%f")
        self.write_log(f"[Container] {stamp} {words}")

    def _now(self) -> datetime:
        return _moment(self.seconds())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
