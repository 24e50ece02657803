"""Reading and writing tar streams, byte for byte as the engine writes them.

The digest of a layer is the digest of its tar, so headers follow the writer
of the engine's language: POSIX ustar, extended by PAX records where a value
does not fit (POSIX.1-2001, "pax Interchange Format").
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from imagebuilders.exceptions import ConfigurationError, LayerFormatError
from imagebuilders.oci.compression import Compression, decompressed, detect
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.members import MAX_ARCHIVE_BYTES, Member, members
from imagebuilders.oci.tar_reader import read_tar

from ..versions import ByVersion, EngineVersion

_TYPE = {"file": b"0", "symlink": b"2", "char": b"3", "block": b"4", "dir": b"5", "fifo": b"6"}
_MODE_BITS = {
    "file": 0o100000,
    "symlink": 0o120000,
    "char": 0o020000,
    "block": 0o060000,
    "dir": 0o040000,
    "fifo": 0o010000,
}
# The engine writes the names its own machine has for the numbers; these are those
# that every Debian and Ubuntu system has (base-passwd).
_USERS = {
    **dict(enumerate(("root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail"))),
    9: "news",
    10: "uucp",
    13: "proxy",
    33: "www-data",
    34: "backup",
    38: "list",
    39: "irc",
    65534: "nobody",
}
_GROUPS = {
    **dict(enumerate(("root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail"))),
    9: "news",
    10: "uucp",
    12: "man",
    13: "proxy",
    15: "kmem",
    20: "dialout",
    24: "cdrom",
    27: "sudo",
    33: "www-data",
    34: "backup",
    37: "operator",
    40: "src",
    42: "shadow",
    44: "video",
    50: "staff",
    60: "games",
    100: "users",
    65534: "nogroup",
}
_END = bytes(1024)
_PAX_XATTR = "SCHILY.xattr."


class TarError(Exception):
    """A stream that is no tar, or ends too early.

    Attributes:
        in_stream: what is in it is whole, but not what it is compressed with.
    """

    def __init__(self, reason: str, *, in_stream: bool = False) -> None:
        super().__init__(reason)
        self.in_stream = in_stream


class TarStyle(NamedTuple):
    """What differs between engine versions in the tars they write.

    Attributes:
        type_bits: the mode has the file's type in it.
        owner_names: users and groups of the engine's machine are named.
    """

    type_bits: bool
    owner_names: bool


PLAIN_STYLE = TarStyle(type_bits=False, owner_names=False)
STYLES = ByVersion(TarStyle(type_bits=True, owner_names=True), {"23.0": PLAIN_STYLE})
"""How an engine's layers are written."""


def header(
    name: str,
    file: File,
    *,
    hard_link: str = "",
    style: TarStyle = PLAIN_STYLE,
) -> bytes:
    """The header blocks of one entry."""
    kind = b"1" if hard_link else _TYPE[file.kind]
    link = hard_link or file.link
    size = len(file.data) if file.kind == "file" and not hard_link else 0
    mode = file.mode | (_MODE_BITS[file.kind] if style.type_bits else 0)
    names = owner_names(file.uid, file.gid) if style.owner_names else ("", "")
    raw_name = name.encode("utf-8", "surrogateescape")
    raw_link = link.encode("utf-8", "surrogateescape")
    records: dict[str, str] = {}
    prefix = b""
    if not raw_name.isascii():
        records["path"] = name
    elif len(raw_name) > 100:
        split = _split(raw_name)
        if split is None:
            records["path"] = name
        else:
            prefix, raw_name = split
    if len(raw_link) > 100 or not raw_link.isascii():
        records["linkpath"] = link
    if size > 0o77777777777:
        records["size"] = str(size)
    for key, number in (("uid", file.uid), ("gid", file.gid)):
        if not 0 <= number <= 0o7777777:
            records[key] = str(number)
    if not 0 <= file.mtime <= 0o77777777777:
        records["mtime"] = str(file.mtime)
    for key, value in file.xattrs:
        records[_PAX_XATTR + key] = value
    extended = b""
    if records:
        if "path" in records:
            prefix = b""
            raw_name = name.encode("utf-8", "surrogateescape")
            raw_name = bytes(b for b in raw_name if b < 0x80)
        elif len(raw_name) > 100:
            prefix = b""
        extended = _pax(name, records)
        raw_link = bytes(b for b in raw_link if b < 0x80)
    return extended + _ustar(
        raw_name,
        mode,
        file.uid if "uid" not in records else 0,
        file.gid if "gid" not in records else 0,
        size if "size" not in records else 0,
        file.mtime if "mtime" not in records else 0,
        kind,
        raw_link,
        names,
        file.device,
        prefix,
    )


def owner_names(uid: int, gid: int) -> tuple[str, str]:
    """The names an engine on a Debian system knows for a user and a group."""
    return _USERS.get(uid, ""), _GROUPS.get(gid, "")


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Prefix and name of a long path that ustar can hold, else `None`."""
    length = len(name)
    if length > 256:
        return None
    if name.endswith(b"/"):
        length -= 1
    position = name.rfind(b"/", 0, min(length, 156))
    rest = len(name) - position - 1
    if position <= 0 or rest > 100 or rest == 0 or position > 155:
        return None
    return name[:position], name[position + 1 :]


def _ustar(
    name: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    kind: bytes,
    link: bytes,
    names: tuple[str, str],
    device: tuple[int, int] | None,
    prefix: bytes,
) -> bytes:
    block = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime),
            b"        ",
            kind,
            link[:100].ljust(100, b"\0"),
            b"ustar\x0000",
            names[0].encode()[:32].ljust(32, b"\0"),
            names[1].encode()[:32].ljust(32, b"\0"),
            b"%07o\0%07o\0" % device if device is not None else bytes(16),
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _pax(name: str, records: dict[str, str]) -> bytes:
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    # For a directory, whose name ends with a slash, the label is inside of it.
    folder, base = posixpath.split(name)
    label = posixpath.normpath(posixpath.join(folder, "PaxHeaders.0", base))
    raw = bytes(b for b in label.encode("utf-8", "surrogateescape") if b < 0x80)
    raw = raw[:100].rstrip(b"/")
    head = _ustar(raw, 0, 0, 0, len(body), 0, b"x", b"", ("", ""), None, b"")
    return head + body + bytes(-len(body) % 512)


def _record(key: str, value: str) -> bytes:
    tail = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    size = len(tail) + len(str(len(tail)))
    if len(str(size)) != len(str(len(tail))):
        size = len(tail) + len(str(size))
    return str(size).encode() + tail


def padded(data: bytes) -> bytes:
    """Content filled up to whole blocks."""
    rest = -len(data) % 512
    return data + bytes(rest) if rest else data


def with_hard_links(
    entries: Iterable[tuple[str, File]],
) -> Iterator[tuple[str, File, str]]:
    """Entries with the name to which each hard link leads: the first of the same file."""
    seen: dict[int, str] = {}
    for name, file in entries:
        first = seen.setdefault(file.inode, name) if file.inode else name
        yield name, file, "" if first == name else first


def write(
    entries: Iterable[tuple[str, File, str]],
    *,
    style: TarStyle = PLAIN_STYLE,
    bare: Container[str] = frozenset(),
) -> bytes:
    """A whole tar of (name, file, hard link) entries, as the engine writes layers.

    Names in `bare` get no file type into their mode: the marks of removed paths.
    """
    parts: list[bytes] = []
    for name, file, hard_link in entries:
        if file.kind == "dir" and not name.endswith("/"):
            name += "/"
        own = style._replace(type_bits=False) if name in bare else style
        parts.append(header(name, file, hard_link=hard_link, style=own))
        if file.kind == "file" and not hard_link and file.data:
            parts.append(padded(file.data))
    parts.append(_END)
    return b"".join(parts)


def plain(data: bytes) -> bytes:
    """The tar inside gzip, bzip2, xz or zstd, as far as it can be had; a plain tar as it is."""
    return _unpacked(data)[0]


def decompress(data: bytes) -> bytes:
    """The tar inside gzip, bzip2, xz or zstd; a plain tar as it is.

    Raises:
        TarError: on a broken stream.
    """
    unpacked, problem = _unpacked(data)
    if problem:
        raise TarError(problem)
    return unpacked


def _unpacked(data: bytes) -> tuple[bytes, str]:
    """What can be unpacked, and what an engine says of the rest; empty when there is none."""
    pieces = bytearray()
    try:
        # What is before a wrong checksum at the end counts.
        for piece in decompressed([data[:-8], data[-8:]], max_bytes=MAX_ARCHIVE_BYTES):
            pieces += piece
    except LayerFormatError as error:
        return bytes(pieces), _problem(error, data)
    except ConfigurationError as error:
        return b"", str(error)
    return bytes(pieces), ""


def _problem(error: LayerFormatError, data: bytes) -> str:
    if error.is_truncated:
        return "unexpected EOF"
    if detect(data) is not Compression.GZIP:
        return str(error.__cause__ or error)
    if "checksum" in str(error.__cause__):
        return "gzip: invalid checksum"
    return "flate: corrupt input before offset 1"


def entries(data: bytes, version: EngineVersion) -> Iterator[Member]:
    """The entries of a tar, compressed or not, in order; those before it breaks come first.

    Raises:
        TarError: when it is no tar or ends too early.
    """
    unpacked, problem = _unpacked(data)
    try:
        yield from members([unpacked], keep_odd=True)
    except LayerFormatError as error:
        raise _broken(error) from error
    # Newer engines look at no more than the archive itself.
    if problem and (version < "23.0" or not unpacked.endswith(_END)):
        raise TarError(problem, in_stream=True)


def is_archive(data: bytes) -> bool:
    """Whether a file begins as a tar does, compressed or not."""
    if len(data) < 10:
        return False
    try:
        return next(read_tar([plain(data)]), None) is not None
    except LayerFormatError:
        return False


def read(data: bytes) -> list[Member]:
    """The entries of an uncompressed tar, in order, but for those of unknown types.

    Raises:
        TarError: when it is no tar or ends too early.
    """
    try:
        found = list(members([data], keep_odd=True))
    except LayerFormatError as error:
        raise _broken(error) from error
    return [member for member in found if member.file.kind != "other"]


def _broken(error: LayerFormatError) -> TarError:
    return TarError("unexpected EOF" if error.is_truncated else "archive/tar: invalid tar header")
