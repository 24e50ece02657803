"""A build that a daemon remembers, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING

from imagebuilders.buildkit.timestamps import moment_of
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import BuildHistoryRecord


class BuildState(Enum):
    """What became of a build."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class BuildRecord:
    """A build that a daemon remembers.

    Attributes:
        ref: its name for the daemon.
        state: what became of it.
        image_names: the names that its images got; Docker Engine 26.1 does not tell them.
        frontend: what read the Dockerfile.
        attributes: what the frontend was told: build arguments, labels, the stage.
        created_at: when it began.
        completed_at: when it ended; `None` while it runs.
        error: why it failed, in the daemon's words; empty if it did not.
        steps: how many steps it has.
        cached_steps: how many of them came from the cache.
        completed_steps: how many of them have ended.
        warnings: how many warnings there were.
        digest: the digest of its image, if it made one.
        is_pinned: whether the daemon keeps it until it is deleted.
    """

    ref: str
    state: BuildState
    image_names: tuple[str, ...]
    frontend: str
    attributes: Mapping[str, str] = field(repr=False)
    created_at: datetime | None
    completed_at: datetime | None
    error: str
    steps: int
    cached_steps: int
    completed_steps: int
    warnings: int
    digest: str
    is_pinned: bool

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's name for the frontend."""
        return self.attributes.get("filename", "Dockerfile")

    @property
    def target(self) -> str:
        """The stage that was built; empty for the last one."""
        return self.attributes.get("target", "")

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that it was built for; empty for the daemon's own."""
        return tuple(filter(None, self.attributes.get("platform", "").split(",")))

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or runs already; `None` when the daemon does not say."""
        if self.created_at is None:
            return None
        return (self.completed_at or datetime.now(timezone.utc)) - self.created_at


def read_record(record: BuildHistoryRecord) -> BuildRecord:
    """Read what a daemon tells of a build."""
    return BuildRecord(
        ref=record.Ref,
        state=_state(record),
        image_names=_image_names(record),
        frontend=record.Frontend,
        attributes=dict(record.FrontendAttrs),
        created_at=moment_of(record.CreatedAt),
        completed_at=moment_of(record.CompletedAt),
        error=record.error.message,
        steps=record.numTotalSteps,
        cached_steps=record.numCachedSteps,
        completed_steps=record.numCompletedSteps,
        warnings=record.numWarnings,
        digest=_digest(record),
        is_pinned=record.pinned,
    )


def _digest(record: BuildHistoryRecord) -> str:
    """Return the image's digest; older daemons tell it beside what the exporters said."""
    told = record.ExporterResponse.get("containerimage.digest", "")
    return told or record.Result.ResultDeprecated.digest


def _state(record: BuildHistoryRecord) -> BuildState:
    if record.HasField("error"):
        is_cancelled = record.error.code == Code.CANCELLED
        return BuildState.CANCELLED if is_cancelled else BuildState.FAILED
    return BuildState.COMPLETED if record.HasField("CompletedAt") else BuildState.RUNNING


def _image_names(record: BuildHistoryRecord) -> tuple[str, ...]:
    lists = [exporter.Attrs.get("name", "") for exporter in record.Exporters]
    lists.append(record.ExporterResponse.get("image.name", ""))
    names = [name for text in lists for name in text.split(",") if name]
    return tuple(dict.fromkeys(names))
