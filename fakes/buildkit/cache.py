"""What a scripted daemon keeps of earlier builds."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence

from imagebuilders.buildkit.control.client import SERVICE
from imagebuilders.buildkit.proto.control_pb2 import (
    DiskUsageRequest,
    DiskUsageResponse,
    PruneRequest,
    UsageRecord,
)
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

_PART = re.compile(r"(\w+)(?:(==|!=|~=)(.*))?")


class ScriptedCache:
    """Records of a build cache that a test puts in; a client looks at them, and removes them.

    Of filters it knows a field alone and with `==`, `!=` and `~=`, of the fields id, type,
    description, inuse, mutable and shared. Limits of time and space are noted, and decide nothing.

    Attributes:
        records: what is kept.
        prunes: how removal was asked for, in order.
    """

    def __init__(self) -> None:
        self.records: list[UsageRecord] = []
        self.prunes: list[PruneRequest] = []
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.records.clear()
            self.prunes.clear()

    def handlers(self) -> dict[str, Handler]:
        """Return what serves the calls, by path."""
        return {f"{SERVICE}DiskUsage": self._disk_usage, f"{SERVICE}Prune": self._prune}

    def current(self) -> list[UsageRecord]:
        """Return a record of everything that is kept."""
        return list(self.records)

    def remove(self, removed: list[UsageRecord]) -> None:
        """Remove what some records are about."""
        self.records = [record for record in self.records if record not in removed]

    def _disk_usage(self, call: Call) -> None:
        filters = list(DiskUsageRequest.FromString(call.receive() or b"").filter)
        with self._lock:
            found = [record for record in self.current() if _fits(record, filters, "diskusage")]
        call.send(DiskUsageResponse(record=found).SerializeToString())

    def prune(self, request: PruneRequest) -> list[UsageRecord]:
        """Remove what is asked for; return the records of it.

        Raises:
            CallError: a filter is malformed.
        """
        filters = list(request.filter)
        with self._lock:
            self.prunes.append(request)
            removed = [
                record
                for record in self.current()
                if not record.InUse
                and (request.all or record.RecordType not in ("internal", "frontend"))
                and _fits(record, filters, "prune")
            ]
            self.remove(removed)
        return removed

    def _prune(self, call: Call) -> None:
        for record in self.prune(PruneRequest.FromString(call.receive() or b"")):
            told = UsageRecord()
            told.CopyFrom(record)
            told.RecordType = ""  # real daemons leave it out here
            call.send(told.SerializeToString())


def _fits(record: UsageRecord, filters: list[str], what: str) -> bool:
    """Tell whether a record fits any of the filters.

    Raises:
        CallError: one is not of the form that is known.
    """
    values = {
        "id": record.ID,
        "type": record.RecordType,
        "description": record.Description,
        "inuse": str(record.InUse).lower(),
        "mutable": str(record.Mutable).lower(),
        "shared": str(record.Shared).lower(),
    }
    return fits(values, filters, what)


def fits(values: Mapping[str, str], filters: Sequence[str], what: str) -> bool:
    """Tell whether values fit any of the filters.

    Raises:
        CallError: one is not of the form that is known.
    """
    results = [_fits_all(values, each, what) for each in filters]
    return any(results) or not filters


def _fits_all(values: Mapping[str, str], text: str, what: str) -> bool:
    """Tell whether values fit every part of a filter, as in `type==regular,id~=^a`."""
    results = []
    for part in filter(None, text.split(",")):
        match = _PART.fullmatch(part)
        if match is None or match[1] not in values:
            words = f"failed to parse {what} filters [{text}]: parse error"
            raise CallError(RpcStatus(Code.UNKNOWN, words))
        value, operator, wanted = values[match[1]], match[2], match[3]
        if operator is None:
            results.append(value not in ("", "false"))
        elif operator == "~=":
            results.append(re.search(wanted, value) is not None)
        else:
            results.append((value == wanted) == (operator == "=="))
    return all(results)
