"""Writing tar archives, byte for byte as Go's `archive/tar` does.

The digest of a layer is the digest of its archive, so that a layer is the one that Docker or
BuildKit would have made only if its headers are: POSIX ustar, extended by PAX records where a
value does not fit (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html).
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import field, replace

from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.tar_header import BLOCK, XATTR_PREFIX

CAPABILITIES = "security.capability"
"""The extended attribute of a file's capabilities, the only one that engines and BuildKit write."""

_TYPE = {"file": b"0", "symlink": b"2", "char": b"3", "block": b"4", "dir": b"5", "fifo": b"6"}
_MODE_BITS = {
    "file": 0o100000,
    "symlink": 0o120000,
    "char": 0o020000,
    "block": 0o060000,
    "dir": 0o040000,
    "fifo": 0o010000,
}
_END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class TarStyle:
    """What programs write differently.

    Attributes:
        has_type_bits: the mode has the file's type in it, as in `stat`.
        users: the names that are written for owners' numbers.
        groups: the same for groups.
    """

    has_type_bits: bool = False
    users: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)

    def owner_names(self, uid: int, gid: int) -> tuple[str, str]:
        """Return the names that are written for an owner and a group."""
        return self.users.get(uid, ""), self.groups.get(gid, "")


PLAIN = TarStyle()


def tar_header(
    name: str,
    file: File,
    *,
    hard_link: str = "",
    style: TarStyle = PLAIN,
) -> bytes:
    """Return the header blocks of one entry.

    Args:
        name: with a slash at the end for a folder.
        file: what it is; of a hard link, the file that it leads to.
        hard_link: the path that a hard link repeats.
        style: how.
    """
    kind = b"1" if hard_link else _TYPE[file.kind]
    link = hard_link or file.link
    size = file.size if file.kind == "file" and not hard_link else 0
    mode = file.mode | (_MODE_BITS[file.kind] if style.has_type_bits else 0)
    names = style.owner_names(file.uid, file.gid)
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
    if capabilities := dict(file.xattrs).get(CAPABILITIES):
        records[XATTR_PREFIX + CAPABILITIES] = capabilities
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


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Return prefix and name of a long path that ustar can hold, else `None`."""
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
    return head + body + bytes(-len(body) % BLOCK)


def _record(key: str, value: str) -> bytes:
    tail = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    size = len(tail) + len(str(len(tail)))
    if len(str(size)) != len(str(len(tail))):
        size = len(tail) + len(str(size))
    return str(size).encode() + tail


def _padded(data: bytes) -> bytes:
    """Return content filled up to whole blocks."""
    rest = -len(data) % BLOCK
    return data + bytes(rest) if rest else data


def with_hard_links(
    entries: Iterable[tuple[str, File]],
) -> Iterator[tuple[str, File, str]]:
    """Return entries with the name to which each hard link leads: the first of the same file."""
    seen: dict[int, str] = {}
    for name, file in entries:
        first = seen.setdefault(file.inode, name) if file.inode else name
        yield name, file, "" if first == name else first


def write_tar(
    entries: Iterable[tuple[str, File, str]],
    *,
    style: TarStyle = PLAIN,
    bare: Container[str] = frozenset(),
) -> bytes:
    """Return a whole archive.

    Args:
        entries: name, file and what a hard link leads to, empty for all else; see
            `with_hard_links`.
        style: how.
        bare: names of which the mode is written without the type, whatever the style.
    """
    parts: list[bytes] = []
    for name, file, hard_link in entries:
        if file.kind == "dir" and not name.endswith("/"):
            name += "/"
        own = replace(style, has_type_bits=False) if name in bare else style
        parts.append(tar_header(name, file, hard_link=hard_link, style=own))
        if file.kind == "file" and not hard_link and file.data:
            parts.append(_padded(file.data))
    parts.append(_END)
    return b"".join(parts)
