"""What a solver's daemon keeps, as clients see it: looked at, and removed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.control_pb2 import UsageRecord
from imagebuilders.evaluation.trees import Folder

from ..cache import ScriptedCache

if TYPE_CHECKING:
    from .solver import Solver


class SolverUsage(ScriptedCache):
    """The steps, the clients' folders and the cache mounts that a solver keeps.

    Args:
        solver: keeps them.
    """

    def __init__(self, solver: Solver) -> None:
        super().__init__()
        self._solver = solver

    def current(self) -> list[UsageRecord]:
        """Return a record of everything that is kept."""
        solver = self._solver
        found = list(self.records)
        for done, count, last in solver.cache.uses():
            record = UsageRecord(
                ID=_name(done.key),
                Mutable=True,
                Size=sum(member.file.size for member in done.members),
                UsageCount=count,
                Description=done.title,
                RecordType="regular",
            )
            record.CreatedAt.FromNanoseconds(done.created)
            record.LastUsedAt.FromNanoseconds(last)
            found.append(record)
        for key, files in solver.folders.kept().items():
            size = sum(len(file.content or b"") for file in files.values())
            found.append(
                UsageRecord(
                    ID=_name(repr(key)),
                    Mutable=True,
                    Size=size,
                    UsageCount=1,
                    Description=f"local source for {key[1]}",
                    RecordType="source.local",
                )
            )
        for name, folder in solver.cache_mounts.folders().items():
            found.append(
                UsageRecord(
                    ID=_name(f"cache mount {name}"),
                    Mutable=True,
                    Size=_size(folder),
                    UsageCount=1,
                    Description=f'cached mount {name} with id "{name}"',
                    RecordType="exec.cachemount",
                )
            )
        return found

    def remove(self, removed: list[UsageRecord]) -> None:
        """Remove what some records are about."""
        super().remove(removed)
        names = {record.ID for record in removed}
        solver = self._solver
        for done, _, _ in solver.cache.uses():
            if _name(done.key) in names:
                solver.cache.remove(done.key)
        for key in solver.folders.kept():
            if _name(repr(key)) in names:
                solver.folders.remove(key)
        for name in solver.cache_mounts.folders():
            if _name(f"cache mount {name}") in names:
                solver.cache_mounts.remove(name)


def _name(key: str) -> str:
    """Return the 25 letters by which a record is known."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:25]


def _size(folder: Folder) -> int:
    return sum(
        _size(entry) if isinstance(entry, Folder) else entry.size for entry in folder.names.values()
    )
