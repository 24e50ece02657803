"""The headers of tar archives: ustar, GNU, star and V7, and the records of PAX.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
https://www.gnu.org/software/tar/manual/html_node/Standard.html
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import field, replace

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.lazy_dataclass import dataclass

BLOCK = 512
XATTR_PREFIX = "SCHILY.xattr."
"""Begins the key of a PAX record that is an extended attribute."""

_STRETCH_KEYS = ("GNU.sparse.offset", "GNU.sparse.numbytes")
_MAX_NUMBER = 2**63 - 1
_DECIMAL = re.compile(r"[0-9]{1,19}\Z")
_TIME = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]*))?\Z")


class EntryType(enum.Enum):
    """What an entry of an archive is."""

    FILE = "file"
    HARD_LINK = "hard link"
    SYMBOLIC_LINK = "symbolic link"
    CHARACTER_DEVICE = "character device"
    BLOCK_DEVICE = "block device"
    DIRECTORY = "directory"
    FIFO = "fifo"
    OTHER = "other"
    """Of a type that only some archivers know."""


_TYPES = {
    b"\0": EntryType.FILE,
    b"0": EntryType.FILE,
    b"1": EntryType.HARD_LINK,
    b"2": EntryType.SYMBOLIC_LINK,
    b"3": EntryType.CHARACTER_DEVICE,
    b"4": EntryType.BLOCK_DEVICE,
    b"5": EntryType.DIRECTORY,
    b"6": EntryType.FIFO,
    b"7": EntryType.FILE,
    b"S": EntryType.FILE,
}
_WITHOUT_CONTENT = frozenset(
    {
        EntryType.HARD_LINK,
        EntryType.SYMBOLIC_LINK,
        EntryType.CHARACTER_DEVICE,
        EntryType.BLOCK_DEVICE,
        EntryType.DIRECTORY,
        EntryType.FIFO,
    }
)


@dataclass(frozen=True)
class TarEntry:
    """One entry of an archive, without its content.

    Names are text; bytes that are not UTF-8 stand in it as lone surrogates (`surrogateescape`).

    Attributes:
        name: as it stands in the archive.
        type: what it is.
        mode: the permission bits, with set-id and sticky bits.
        uid: the owner's number.
        gid: the group's number.
        mtime: seconds since 1970, rounded down.
        size: bytes of content, holes of sparse files included.
        link: where a link leads.
        device: major and minor number.
        flag: the type as it stands in the header.
        records: the PAX records.
    """

    name: str
    type: EntryType
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    flag: str = "0"
    records: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def xattrs(self) -> tuple[tuple[str, str], ...]:
        """The extended attributes, sorted by name."""
        return tuple(
            (key[len(XATTR_PREFIX) :], value)
            for key, value in sorted(self.records.items())
            if key.startswith(XATTR_PREFIX)
        )


def parse_header(block: bytes) -> TarEntry:
    """Read a header block.

    Raises:
        LayerFormatError: it is malformed.
    """
    stated = parse_number(block[148:156])
    summed = block[:148] + block[156:]
    total = sum(summed) + 256
    # Some archivers took the bytes for signed ones.
    if stated != total and stated != total - 256 * sum(byte > 127 for byte in summed):
        raise malformed("a header has a wrong checksum")
    flag = block[156:157]
    name, prefix = _text(block[:100]), _prefix(block)
    kind = _TYPES.get(flag, EntryType.OTHER)
    if flag == b"\0" and name.endswith("/"):
        kind = EntryType.DIRECTORY
    size = parse_number(block[124:136])
    if size < 0:
        raise malformed("an entry has a negative size")
    return TarEntry(
        name=f"{prefix}/{name}" if prefix else name,
        type=kind,
        mode=parse_number(block[100:108]) & 0o7777,
        uid=parse_number(block[108:116]),
        gid=parse_number(block[116:124]),
        mtime=parse_number(block[136:148]),
        size=0 if kind in _WITHOUT_CONTENT else size,
        link=_text(block[157:257]),
        device=_device(block) if kind in _DEVICES else (0, 0),
        flag="0" if flag == b"\0" else flag.decode("latin-1"),
    )


def with_records(entry: TarEntry, records: Mapping[str, str]) -> TarEntry:
    """Return the entry as its PAX records have it, which count before its header.

    Raises:
        LayerFormatError: a record is malformed.
    """
    if not records:
        return entry
    size = _decimal(records, "size", entry.size)
    name = records.get("path", entry.name)
    return replace(
        entry,
        name=name,
        link=records.get("linkpath", entry.link),
        uid=_decimal(records, "uid", entry.uid),
        gid=_decimal(records, "gid", entry.gid),
        size=0 if entry.type in _WITHOUT_CONTENT else size,
        mtime=_seconds(records, entry.mtime),
        records=records,
    )


def parse_records(content: bytes) -> dict[str, str]:
    """Read PAX records: `LENGTH KEY=VALUE`, each with a newline.

    Raises:
        LayerFormatError: one is malformed.
    """
    records: dict[str, str] = {}
    stretches: list[str] = []
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 21)
        digits = content[position:space].decode("latin-1") if space > position else ""
        if not _DECIMAL.match(digits):
            raise malformed("a PAX record has no length")
        end = position + int(digits)
        record = content[space + 1 : end]
        key, equals, value = record.partition(b"=")
        if end > len(content) or end <= space + 1 or not record.endswith(b"\n") or not equals:
            raise malformed("a PAX record is malformed")
        text = value[:-1].decode("utf-8", "surrogateescape")
        name = key.decode("utf-8", "surrogateescape")
        if name in ("path", "linkpath") and "\0" in text:
            raise malformed("a name has a zero byte in it")
        if name in _STRETCH_KEYS:
            # The one key that may come several times; alternating, as in the later form's list.
            if name != _STRETCH_KEYS[len(stretches) % 2]:
                raise malformed("the map of a sparse file is malformed")
            stretches.append(text)
        elif text:
            records[name] = text
        else:
            records.pop(name, None)
        position = end
    if stretches:
        records["GNU.sparse.map"] = ",".join(stretches)
    return records


def malformed(problem: str) -> LayerFormatError:
    """Make the error of an archive that is malformed."""
    return LayerFormatError(f"The archive is not a tar archive, or is damaged: {problem}.")


_DEVICES = frozenset({EntryType.CHARACTER_DEVICE, EntryType.BLOCK_DEVICE})


def _prefix(block: bytes) -> str:
    if block[257:263] != b"ustar\0":
        return ""
    # star keeps times behind a shorter prefix.
    is_star = block[508:512] == b"tar\0"
    return _text(block[345 : 476 if is_star else 500])


def _device(block: bytes) -> tuple[int, int]:
    return parse_number(block[329:337]), parse_number(block[337:345])


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def parse_number(raw: bytes) -> int:
    """Read an octal number, or a binary one (GNU)."""
    if raw[0] & 0x80:
        # The first bit only marks the number; the second is its sign.
        first = (raw[0] & 0x7F) | (raw[0] & 0x40) << 1
        value = int.from_bytes(bytes((first,)) + raw[1:], "big", signed=True)
    else:
        digits = raw.strip(b" \0").partition(b"\0")[0].strip(b" ")
        if digits.strip(b"01234567"):
            raise malformed("a number in a header is not octal")
        value = int(digits or b"0", 8)
    if not -_MAX_NUMBER <= value <= _MAX_NUMBER:
        raise malformed("a number in a header is too large")
    return value


def _decimal(records: Mapping[str, str], key: str, default: int) -> int:
    text = records.get(key)
    if text is None:
        return default
    if not _DECIMAL.match(text) or int(text) > _MAX_NUMBER:
        raise malformed(f"the PAX record {key} is not a number")
    return int(text)


def _seconds(records: Mapping[str, str], default: int) -> int:
    text = records.get("mtime")
    if text is None:
        return default
    found = _TIME.match(text)
    if found is None or int(found[2]) > _MAX_NUMBER:
        raise malformed("the PAX record mtime is not a time")
    whole = int(found[2])
    if not found[1]:
        return whole
    return -whole - bool((found[3] or "").strip("0"))
