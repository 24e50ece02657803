"""What a daemon keeps of earlier builds: how much it takes, and removing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import ANSWER_SECONDS, SERVICE, read
from imagebuilders.buildkit.proto.control_pb2 import (
    DiskUsageRequest,
    DiskUsageResponse,
    PruneRequest,
    UsageRecord,
)
from imagebuilders.buildkit.timestamps import moment_of
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.exceptions import BuildKitError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.engine_client import OpenDaemon

DISK_USAGE_SECONDS = 10 * ANSWER_SECONDS
"""So long a daemon may take to measure what it keeps: sizes are computed when first asked for."""

_WITH_SPACE_LIMITS = (0, 17)
_LOOKED_UP = re.compile(r"(?:^|,)\s*(?:description|parents?)\b")
_MAX_NANOSECONDS = 2**63 - 1
_UNKNOWN = (0, 0)
"""What the BuildKit of many engines says of its version."""


@dataclass(frozen=True)
class CacheRecord:
    """Something that a daemon keeps of earlier builds.

    Attributes:
        id: its ID.
        type: what it is, as in `regular`, `source.local`, `exec.cachemount`, `internal`,
            `frontend`; empty when the daemon does not say.
        size: its size in bytes.
        description: what made it.
        parents: the IDs of what it stands on.
        created_at: when it was made.
        last_used_at: when a build used it last; `None` if none has.
        usage_count: how many builds have used it.
        is_in_use: whether a build, or an image, uses it now; it cannot be removed.
        is_mutable: whether a build may write to it.
        is_shared: whether an image shares its bytes: removing it frees none.
    """

    id: str
    type: str
    size: int
    description: str
    parents: tuple[str, ...]
    created_at: datetime | None
    last_used_at: datetime | None
    usage_count: int
    is_in_use: bool
    is_mutable: bool
    is_shared: bool


@dataclass(frozen=True)
class DiskUsage:
    """What a daemon keeps in all.

    Attributes:
        records: everything, the largest first.
    """

    records: tuple[CacheRecord, ...]

    @property
    def total(self) -> int:
        """The bytes of everything."""
        return sum(record.size for record in self.records)

    @property
    def shared(self) -> int:
        """The bytes that images share."""
        return sum(record.size for record in self.records if record.is_shared)

    @property
    def reclaimable(self) -> int:
        """The bytes that removing everything would free."""
        return sum(
            record.size for record in self.records if not (record.is_in_use or record.is_shared)
        )


def disk_usage(daemon: OpenDaemon, filters: Sequence[str] = ()) -> DiskUsage:
    """Return what a daemon keeps of earlier builds.

    Args:
        daemon: the daemon.
        filters: in the daemon's form, as in `type==exec.cachemount` or `description~=COPY`; what
            fits any of them is told. Everything by default.

    Raises:
        BuildKitError: the daemon refused, or went away.
    """
    request = DiskUsageRequest(filter=filters).SerializeToString()
    try:
        answer = daemon.client.channel.unary(
            f"{SERVICE}DiskUsage", request, timeout=DISK_USAGE_SECONDS
        )
    except CallError as error:
        raise _refused(daemon, "tell what its build cache takes", error) from error
    found = [_record(record) for record in read(DiskUsageResponse.FromString, answer).record]
    return DiskUsage(tuple(sorted(found, key=lambda record: (-record.size, record.id))))


def prune(
    daemon: OpenDaemon,
    *,
    filters: Sequence[str] = (),
    include_internal: bool = False,
    keep_duration: timedelta | None = None,
    reserved_space: int = 0,
    max_used_space: int = 0,
    min_free_space: int = 0,
) -> Iterator[CacheRecord]:
    """Remove what a daemon keeps of earlier builds, and tell of each record that is gone.

    What is in use stays. Ending the iteration early ends the removal.

    Args:
        daemon: the daemon.
        filters: in the daemon's form; what fits any of them is removed. Everything by default.
            Those by description or parents are looked up first: older daemons look at neither
            while they remove.
        include_internal: whether what the daemon keeps for itself goes too, such as frontends.
        keep_duration: what was used within this time stays.
        reserved_space: so many bytes may always stay.
        max_used_space: so many bytes may stay at most.
        min_free_space: so many bytes of the disk are to be free at the end.

    Raises:
        BuildKitError: the daemon refused, or went away, or knows no such limit: with nothing left
            to obey, it would remove everything.
    """
    if (max_used_space or min_free_space) and not _knows_space_limits(daemon):
        raise BuildKitError(
            f"The BuildKit of {daemon.name} knows no limit but 'reserved_space', and would remove "
            "everything. Use that, or Docker Engine 28, BuildKit 0.17, or newer."
        )
    if any(_LOOKED_UP.search(text) for text in filters):
        filters = [f"id=={record.id}" for record in disk_usage(daemon, filters).records]
        if not filters:
            return
    request = PruneRequest(
        filter=filters,
        all=include_internal,
        keepDuration=0 if keep_duration is None else _nanoseconds(keep_duration),
        reservedSpace=reserved_space,
        maxUsedSpace=max_used_space,
        minFreeSpace=min_free_space,
    )
    call = daemon.client.channel.call(f"{SERVICE}Prune")
    try:
        call.send(request.SerializeToString(), last=True)
        while (message := call.receive()) is not None:
            yield _record(read(UsageRecord.FromString, message))
    except CallError as error:
        raise _refused(daemon, "remove its build cache", error) from error
    finally:
        call.cancel()


def _record(record: UsageRecord) -> CacheRecord:
    return CacheRecord(
        id=record.ID,
        type=record.RecordType,
        size=max(0, record.Size),
        description=record.Description,
        parents=tuple(record.Parents) or tuple(filter(None, (record.Parent,))),
        created_at=moment_of(record.CreatedAt),
        last_used_at=moment_of(record.LastUsedAt),
        usage_count=record.UsageCount,
        is_in_use=record.InUse,
        is_mutable=record.Mutable,
        is_shared=record.Shared,
    )


def _knows_space_limits(daemon: OpenDaemon) -> bool:
    found = re.match(r"v(\d{1,6})\.(\d{1,6})", daemon.client.version())
    version = (int(found[1]), int(found[2])) if found else _UNKNOWN
    return daemon.has_space_limits and (version == _UNKNOWN or version >= _WITH_SPACE_LIMITS)


def _nanoseconds(duration: timedelta) -> int:
    return min(max(0, duration // timedelta(microseconds=1) * 1000), _MAX_NANOSECONDS)


def _refused(daemon: OpenDaemon, what: str, error: CallError) -> BuildKitError:
    return BuildKitError(f"{daemon.name} did not {what}: {error.status.message}")
