"""Times in a daemon's messages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment_of(timestamp: Timestamp) -> datetime | None:
    """Return a time in UTC; `None` for one that is not set, or that no calendar has."""
    if not timestamp.seconds and not timestamp.nanos:
        return None
    try:
        return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError:
        return None
