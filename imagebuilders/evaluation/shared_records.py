"""Records of a history as older frontends keep them: stages with the same base share a place.

They are Go's slices of one array. A record that is added goes behind those that a stage knows of,
into the array as long as there is room, and takes the place of what another stage put there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imagebuilders.oci.image_config import HistoryEntry


class SharedRecords:
    """Records of one stage.

    Args:
        records: the ones that are there.
    """

    def __init__(self, records: Iterable[HistoryEntry] = ()) -> None:
        self._array: list[HistoryEntry | None] = list(records)
        self._count = len(self._array)
        self._array += [None] * (_room(self._count) - self._count)

    def __iter__(self) -> Iterator[HistoryEntry]:
        return (record for record in self._array[: self._count] if record is not None)

    def append(self, record: HistoryEntry) -> None:
        """Add a record at the end."""
        if self._count == len(self._array):
            self._array = [*self._array, *[None] * (_room(self._count + 1) - self._count)]
        self._array[self._count] = record
        self._count += 1

    def shared(self) -> SharedRecords:
        """Return the same records for another stage, which adds its own in the same place."""
        other = SharedRecords()
        other._array, other._count = self._array, self._count
        return other

    def copied(self) -> SharedRecords:
        """Return the same records for another stage, which keeps its own to itself."""
        return SharedRecords(self)


def _room(count: int) -> int:
    """Return how many records an array has room for that grew to hold so many."""
    return 1 << (count - 1).bit_length() if count else 0
