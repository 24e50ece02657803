"""Entries of archives that few programs write: other headers, odd numbers, names of all kinds."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable

from ..context import MTIME, pack
from ..image_view import view
from ..registry import scenario
from ..session import Session
from .unpacking import _container, _load, _put, _saved

_Writer = Callable[[], bytes]


def _info(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mtime, info.size = MTIME, size
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def _written(
    *members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.GNU_FORMAT, **options: object
) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=kind, **options) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def _header(name: bytes, size: int, flag: bytes = b"0", **at: bytes) -> bytes:
    """A header with fields at offsets given by their names, as in `at108=b"..."`."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"%011o\0" % MTIME
    block[156:157] = flag
    block[257:265] = b"ustar\x0000"
    for where, value in at.items():
        start = int(where[2:])
        block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _raw(*pieces: bytes) -> bytes:
    return b"".join(piece + bytes(-len(piece) % 512) for piece in pieces) + bytes(1024)


def _base256(number: int, length: int) -> bytes:
    value = number.to_bytes(length, "big", signed=True)
    return bytes([value[0] | 0x80]) + value[1:] if number >= 0 else value


_A = _header(b"a", 1), b"a"
_ARCHIVES: dict[str, bytes] = {
    "gnu long name": _written((_info("n" * 120), b"")),
    "gnu long link": _written((_info("l", type=tarfile.SYMTYPE, linkname="t" * 150), b"")),
    "pax long name": _written((_info("n" * 120), b""), kind=tarfile.PAX_FORMAT),
    "ustar prefix": _written(
        (_info("p" * 90 + "/" + "n" * 60, 1), b"x"), kind=tarfile.USTAR_FORMAT
    ),
    "pax global": _written(
        (_info("a", 1), b"a"), kind=tarfile.PAX_FORMAT, pax_headers={"comment": "of all"}
    ),
    "pax global with a path": _written(
        (_info("a", 1), b"a"), kind=tarfile.PAX_FORMAT, pax_headers={"path": "z"}
    ),
    "pax time": _written(
        (_info("a", 1, pax_headers={"mtime": "1600000000.25"}), b"a"), kind=tarfile.PAX_FORMAT
    ),
    "pax time before 1970": _written(
        (_info("a", 1, pax_headers={"mtime": "-5.5"}), b"a"), kind=tarfile.PAX_FORMAT
    ),
    "pax path": _written(
        (_info("a", 1, pax_headers={"path": "other"}), b"a"), kind=tarfile.PAX_FORMAT
    ),
    "pax size": _written((_info("a", 1, pax_headers={"size": "1"}), b"a"), kind=tarfile.PAX_FORMAT),
    "pax owner": _written(
        (_info("a", 1, pax_headers={"uid": "7", "gid": "8", "uname": "x"}), b"a"),
        kind=tarfile.PAX_FORMAT,
    ),
    "pax of nothing": _raw(_header(b"x", 11, b"x"), b"11 path=zz\n"),
    "pax malformed": _raw(_header(b"x", 11, b"x"), b"99 path=zz\n", *_A),
    "pax twice": _raw(
        *(_header(b"x", 11, b"x"), b"11 path=zz\n"),
        *(_header(b"x", 11, b"x"), b"11 path=yy\n"),
        *_A,
    ),
    "owner by name": _written((_info("a", 1, uname="daemon", gname="daemon"), b"a")),
    "owner of 2,000,000": _written((_info("a", 1, uid=2_000_000, gid=3_000_000), b"a")),
    "owner of -1": _raw(_header(b"a", 1, at108=_base256(-1, 8), at116=_base256(-1, 8)), b"a"),
    "time before 1970": _raw(_header(b"a", 1, at136=_base256(-86400, 12)), b"a"),
    "time far away": _raw(_header(b"a", 1, at136=_base256(1 << 33, 12)), b"a"),
    "time of a folder before 1970": _raw(_header(b"d/", 0, b"5", at136=_base256(-5, 12))),
    "no time": _raw(_header(b"a", 1, at136=bytes(12)), b"a"),
    "no mode": _raw(_header(b"a", 1, at100=bytes(8)), b"a"),
    "mode with a type": _raw(_header(b"a", 1, at100=b"0100640\0"), b"a"),
    "mode with another type": _raw(_header(b"a", 1, at100=b"0040750\0"), b"a"),
    "mode of a kilobyte": _raw(_header(b"a", 1, at100=b"7777777\0"), b"a"),
    "odd number": _raw(_header(b"a", 1, at108=b"0000x00\0"), b"a"),
    "negative size": _raw(_header(b"a", 1, at124=_base256(-1, 12)), b"a"),
    "old kind": _raw(_header(b"a", 1, at257=bytes(8)), b"a"),
    "old kind with the flag of zero": _raw(_header(b"a", 1, b"\0", at257=bytes(8)), b"a"),
    "old kind of a folder": _raw(_header(b"d/", 0, b"\0", at257=bytes(8))),
    "file with a slash": _raw(_header(b"d/", 0)),
    "file with a slash and content": _raw(_header(b"d/", 1), b"x"),
    "folder without a slash": _raw(_header(b"d", 0, b"5")),
    "folder with content": _raw(_header(b"d", 1, b"5"), b"x", *_A),
    "link with content": _raw(_header(b"l", 1, b"2", at157=b"a"), b"x", *_A),
    "hard link with content": _raw(*_A, _header(b"h", 1, b"1", at157=b"a"), b"x"),
    "link without a target": _raw(_header(b"l", 0, b"2"), *_A),
    "hard link without a target": _raw(*_A, _header(b"h", 0, b"1")),
    "contiguous file": _raw(_header(b"a", 1, b"7"), b"x"),
    "block device": _raw(_header(b"b", 0, b"4", at329=b"0000010\0", at337=b"0000001\0")),
    "without a name": _raw(_header(b"", 1), b"x", *_A),
    "a dot": _raw(_header(b".", 1), b"x", *_A),
    "folder of a dot": _raw(_header(b".", 0, b"5", at100=b"0000711\0"), *_A),
    "two dots": _raw(_header(b"..", 0, b"5"), *_A),
    "name with a line end": _raw(_header(b"a\nb", 1), b"x"),
    "name with a backslash": _raw(_header(b"a\\b", 1), b"x"),
    "name with blanks": _raw(_header(b" a ", 1), b"x"),
    "deep name": _written((_info("/".join("d" * 120), 1), b"x")),
    "name of 256": _written((_info("n" * 256, 1), b"x")),
    "target of 5,000": _written((_info("l", type=tarfile.SYMTYPE, linkname="t" * 5000), b"")),
    "gnu sparse": _raw(
        _header(
            *(b"s", 512, b"S"),
            at257=b"ustar  \0",
            at386=b"%011o\0%011o\0" % (0, 512),
            at483=b"%011o\0" % 1024,
        ),
        b"x" * 512,
    ),
    "multi volume": _raw(_header(b"m", 1, b"M", at257=b"ustar  \0"), b"x", *_A),
    "directory of gnu": _raw(_header(b"d/", 3, b"D", at257=b"ustar  \0"), b"Ya\0", *_A),
    "volume label": _raw(_header(b"v", 0, b"V", at257=b"ustar  \0"), *_A),
    "wrong sum": _raw(_header(b"a", 1)[:148] + b"0000001\0" + _header(b"a", 1)[156:], b"a"),
    "signed sum": _raw(_header(b"\xc3\xa4", 1), b"a"),
}


# An engine writes a context anew for its sums, in which Go's library refuses some of them; and it
# sums all bits of a mode.
_NOT_WRITTEN_ANEW = frozenset(
    {
        *("pax malformed", "odd number", "negative size", "wrong sum"),
        *("mode with a type", "mode with another type", "mode of a kilobyte"),
        *("old kind of a folder", "file with a slash", "file with a slash and content"),
        *("folder with content", "link with content", "hard link with content"),
    }
)


@scenario
def put(s: Session) -> None:
    """Into a container."""
    _container(s)
    for name, content in _ARCHIVES.items():
        if name != "two dots":  # the double keeps no owner and mode of the root itself
            _put(s, name, "/full", content)


def _built(s: Session, name: str, body: bytes) -> None:
    """Build an image; note the error, or the files and the line of its history."""
    answer = s.request(
        "POST",
        "/build",
        params={"t": "scenario:1", "rm": "1"},
        data=body,
        headers={"Content-Type": "application/x-tar"},
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    refusal = lines[-1].get("message") or lines[-1].get("error")
    if refusal is not None:
        s.note(name, [answer.status_code, refusal])
        return
    seen = view(s.request("GET", "/images/scenario:1/get").content)
    s.note(name, [seen["files"][1:], seen["history"][-1]["created_by"]])


@scenario
def added(s: Session) -> None:
    """By ADD."""
    dockerfile = "FROM scratch\nADD in.tar /x/\n"
    for name, content in _ARCHIVES.items():
        _built(s, name, pack({"Dockerfile": dockerfile, "in.tar": content}))


@scenario
def of_contexts(s: Session) -> None:
    """In a build's context."""
    dockerfile = "FROM scratch\nCOPY . /x/\n"
    first = pack({"Dockerfile": dockerfile})[:1024]
    for name, content in _ARCHIVES.items():
        if name not in _NOT_WRITTEN_ANEW:
            _built(s, name, first + content)


@scenario
def of_layers(s: Session) -> None:
    """In a layer that is loaded."""
    _container(s)
    for name, content in _ARCHIVES.items():
        _load(s, name, _saved(content))
