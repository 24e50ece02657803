"""What CodeBuild tells of a build.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from imagebuilders.aws.calls import items_at, text_at
from imagebuilders.lazy_dataclass import dataclass

SUCCEEDED = "SUCCEEDED"
IN_PROGRESS = "IN_PROGRESS"

OWN_PHASES = ("PRE_BUILD", "BUILD")
"""The phases in which our commands run."""


@dataclass(frozen=True)
class Phase:
    """A phase of a build.

    Attributes:
        name: as in `PROVISIONING`.
        status: as in `SUCCEEDED`; empty while it runs.
        message: why it failed, in CodeBuild's words.
        started_at, ended_at: in seconds since 1970, where they are known.
    """

    name: str
    status: str = ""
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def is_failed(self) -> bool:
        """Whether it ended otherwise than well."""
        return self.status not in ("", SUCCEEDED, IN_PROGRESS)


@dataclass(frozen=True)
class BuildState:
    """A build as it was when CodeBuild was asked.

    Attributes:
        id: its ID, `project:…`.
        status: as in `IN_PROGRESS`, `SUCCEEDED`, `FAILED`.
        is_complete: whether it has ended.
        phases: those that have begun, in order.
        exported: the variables that it exports, by their names.
        log_group, log_stream: where CloudWatch has its log; empty where that is not known.
        link: the page of its log in AWS's console.
    """

    id: str
    status: str = IN_PROGRESS
    is_complete: bool = False
    phases: tuple[Phase, ...] = ()
    exported: Mapping[str, str] = field(default_factory=dict)
    log_group: str = ""
    log_stream: str = ""
    link: str = ""

    @classmethod
    def read(cls, build: Mapping[str, object]) -> BuildState:
        """Read a build out of an answer."""
        exported = {
            text_at(item, "name"): text_at(item, "value")
            for item in items_at(build, "exportedEnvironmentVariables")
        }
        status = text_at(build, "buildStatus") or IN_PROGRESS
        return cls(
            id=text_at(build, "id"),
            status=status,
            is_complete=build.get("buildComplete") is True or status != IN_PROGRESS,
            phases=tuple(map(_phase, items_at(build, "phases"))),
            exported=exported,
            log_group=text_at(build, "logs", "groupName"),
            log_stream=text_at(build, "logs", "streamName"),
            link=text_at(build, "logs", "deepLink"),
        )

    @property
    def is_success(self) -> bool:
        """Whether it ended well."""
        return self.is_complete and self.status == SUCCEEDED

    @property
    def failed_phase(self) -> Phase | None:
        """The first phase that failed."""
        return next((phase for phase in self.phases if phase.is_failed), None)


_COMMAND = re.compile(
    r"((?:Error while executing|Running) command:? (?:.*?docker buildx build)?).*?"
    r"(\. Reason: .*)?\Z",
    re.DOTALL,
)


def without_command(text: str) -> str:
    """Return what CodeBuild says of a command without its words, which hold build arguments."""
    return _COMMAND.sub(lambda found: f"{found[1].rstrip()} …{found[2] or ''}", text)


def _phase(item: Mapping[str, object]) -> Phase:
    contexts = [
        ": ".join(filter(None, (text_at(each, "statusCode"), text_at(each, "message"))))
        for each in items_at(item, "contexts")
    ]
    return Phase(
        text_at(item, "phaseType"),
        text_at(item, "phaseStatus"),
        without_command("; ".join(words for words in contexts if words.strip(": "))),
        _seconds(item.get("startTime")),
        _seconds(item.get("endTime")),
    )


def _seconds(moment: object) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else None
