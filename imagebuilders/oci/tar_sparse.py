"""Sparse files in tar archives: where their data is, and where their holes are.

GNU's old form and the three forms of PAX records:
https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.tar_header import BLOCK, malformed, parse_number

MAX_STRETCHES = 100_000
"""The most stretches of data in one file."""

_HOLE = bytes(256 * 1024)


@dataclass(frozen=True)
class SparseMap:
    """Where the data of a sparse file is.

    Attributes:
        stretches: start and length of each stretch of data, in order.
        size: bytes of the file, holes included.
        name: the file's name, where its entry has another one.
    """

    stretches: tuple[tuple[int, int], ...]
    size: int
    name: str = ""

    def __post_init__(self) -> None:
        """Check that the stretches lie one after the other, within the file."""
        end = 0
        for start, length in self.stretches:
            if start < end or length < 0 or start + length > self.size:
                raise malformed("the stretches of a sparse file overlap or lie outside of it")
            end = start + length

    @property
    def stored(self) -> int:
        """Bytes of all stretches."""
        return sum(length for _, length in self.stretches)

    def fill(self, read: Callable[[int], Iterator[bytes]]) -> Iterator[bytes]:
        """Return the file's content with its holes as zeros.

        Args:
            read: returns the next bytes of the archive, so many.
        """
        position = 0
        for start, length in self.stretches:
            yield from _zeros(start - position)
            yield from read(length)
            position = start + length
        yield from _zeros(self.size - position)


def from_gnu_header(block: bytes, next_block: Callable[[], bytes]) -> SparseMap:
    """Read the map of GNU's old form, which stands in the header and in blocks behind it.

    Raises:
        LayerFormatError: it is malformed.
    """
    stretches = _stretches(block[386:482])
    size = parse_number(block[483:495])
    goes_on = block[482] != 0
    while goes_on:
        more = next_block()
        stretches += _stretches(more[:504])
        goes_on = more[504] != 0
        _check_count(len(stretches))
    return SparseMap(tuple(stretches), size)


def from_records(records: Mapping[str, str]) -> SparseMap | None:
    """Read the map of the forms 0.0 and 0.1 of PAX; `None` when the file is not sparse so.

    Raises:
        LayerFormatError: it is malformed.
    """
    text = records.get("GNU.sparse.map")
    if text is None:
        return None
    words = text.split(",") if text else []
    if len(words) % 2:
        raise malformed("the map of a sparse file has an odd number of words")
    _check_count(len(words) // 2)
    numbers = [_decimal(word) for word in words]
    size = _decimal(records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size") or "")
    stretches = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return SparseMap(stretches, size, records.get("GNU.sparse.name", ""))


def is_version_1(records: Mapping[str, str]) -> bool:
    """Whether the map stands before the data (the form 1.0 of PAX)."""
    return records.get("GNU.sparse.major") == "1" and records.get("GNU.sparse.minor") == "0"


def from_data(records: Mapping[str, str], next_block: Callable[[], bytes]) -> tuple[SparseMap, int]:
    """Read the map of the form 1.0 of PAX, and how many blocks it takes.

    Raises:
        LayerFormatError: it is malformed.
    """
    text, blocks = b"", 0
    numbers: list[int] = []
    wanted = 1
    while len(numbers) < wanted:
        text += next_block()
        blocks += 1
        *lines, text = text.split(b"\n")
        for line in lines:
            numbers.append(_decimal(line.decode("latin-1")))
            if len(numbers) == 1:
                _check_count(numbers[0])
                wanted = 1 + 2 * numbers[0]
            if len(numbers) == wanted:
                break  # what follows fills the block up
        if len(text) > BLOCK:
            raise malformed("the map of a sparse file is malformed")
    size = _decimal(records.get("GNU.sparse.realsize", ""))
    stretches = tuple(zip(numbers[1::2], numbers[2::2], strict=True))
    return SparseMap(stretches, size, records.get("GNU.sparse.name", "")), blocks


def _stretches(raw: bytes) -> list[tuple[int, int]]:
    found = []
    for at in range(0, len(raw), 24):
        if not raw[at]:
            break
        found.append((parse_number(raw[at : at + 12]), parse_number(raw[at + 12 : at + 24])))
    return found


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise malformed("the map of a sparse file has a word that is not a number")
    return int(text)


def _check_count(count: int) -> None:
    if count > MAX_STRETCHES:
        raise LayerFormatError(
            f"The archive has a sparse file with over {MAX_STRETCHES} stretches."
        )


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _HOLE[: min(count, len(_HOLE))]
        count -= len(_HOLE)
