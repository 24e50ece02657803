"""Reading tar archives strictly, with the standard library's writer and reader as the measure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.tar_header import BLOCK, EntryType, TarEntry, parse_header, parse_records
from imagebuilders.oci.tar_reader import MAX_META_BYTES, read_tar
from imagebuilders.oci.tar_sparse import MAX_STRETCHES

_FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
_TYPES = {
    tarfile.REGTYPE: EntryType.FILE,
    tarfile.LNKTYPE: EntryType.HARD_LINK,
    tarfile.SYMTYPE: EntryType.SYMBOLIC_LINK,
    tarfile.CHRTYPE: EntryType.CHARACTER_DEVICE,
    tarfile.BLKTYPE: EntryType.BLOCK_DEVICE,
    tarfile.DIRTYPE: EntryType.DIRECTORY,
    tarfile.FIFOTYPE: EntryType.FIFO,
}

_names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=160
).map(lambda name: name.strip("/") or "x")


def _info(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def _tar(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, errors="surrogateescape") as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def _read(archive: bytes, size: int = 10_000) -> list[tuple[TarEntry, bytes]]:
    return [(entry, b"".join(content)) for entry, content in read_tar(_cut(archive, size))]


@settings(max_examples=60)
@given(
    form=st.sampled_from((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)),
    entries=st.lists(
        st.tuples(
            _names,
            st.sampled_from(sorted(_TYPES)),
            st.binary(max_size=1100),
            st.integers(0, 0o7777),
            st.integers(0, 2**31),
            st.integers(-(2**33), 2**34),
            _names,
        ),
        max_size=4,
    ),
    size=st.integers(1, 2000),
)
def test_what_was_written_is_read(
    form: int, entries: list[tuple[str, bytes, bytes, int, int, int, str]], size: int
) -> None:
    """Long and odd names, large numbers, times before 1970; however the archive is cut."""
    written = [
        (
            _info(name, kind, mode=mode, uid=owner, gid=owner + 1, mtime=mtime, linkname=link),
            content if kind == tarfile.REGTYPE else b"",
        )
        for name, kind, content, mode, owner, mtime, link in entries
    ]
    found = _read(_tar(*written, form=form), size)
    assert [
        (entry.name.rstrip("/"), entry.type, entry.mode, entry.uid, entry.gid, entry.mtime, content)
        for entry, content in found
    ] == [
        (info.name, _TYPES[info.type], info.mode, info.uid, info.gid, info.mtime, content)
        for info, content in written
    ]
    links = [e.link for e, _ in found if e.type in (EntryType.SYMBOLIC_LINK, EntryType.HARD_LINK)]
    assert links == [
        info.linkname for info, _ in written if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    ]


@pytest.mark.parametrize("form", _FORMATS)
def test_a_name_that_is_not_utf_8_keeps_its_bytes(form: int) -> None:
    """As lone surrogates, as in Python's file names."""
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    if form == tarfile.PAX_FORMAT:
        archive = _tar((_info(name), b""), form=tarfile.GNU_FORMAT)
    else:
        archive = _tar((_info(name), b""), form=form)
    assert _read(archive)[0][0].name == name


def test_a_long_ustar_name_is_put_together() -> None:
    """Its folders stand apart."""
    name = "folder/" * 20 + "file"
    assert _read(_tar((_info(name), b"1"), form=tarfile.USTAR_FORMAT))[0][0].name == name


def test_extended_attributes_are_read() -> None:
    """Sorted by name."""
    records = {"SCHILY.xattr.user.b": "2", "SCHILY.xattr.user.a": "1", "comment": "x"}
    ((entry, _),) = _read(_tar((_info("f", pax_headers=records), b"")))
    assert entry.xattrs == (("user.a", "1"), ("user.b", "2"))


def test_devices_are_read() -> None:
    """Major and minor number."""
    ((entry, _),) = _read(_tar((_info("null", tarfile.CHRTYPE, devmajor=1, devminor=3), b"")))
    assert (entry.type, entry.device) == (EntryType.CHARACTER_DEVICE, (1, 3))


def test_what_is_not_read_is_skipped() -> None:
    """Also when a part of it was read; the old pieces end then."""
    archive = _tar((_info("a"), b"1" * 5000), (_info("b"), b"2"), (_info("c"), b"3"))
    seen = []
    stale: list[Iterator[bytes]] = []
    for entry, content in read_tar(_cut(archive, 1000)):
        if entry.name == "a":
            next(content)
            stale.append(content)
        if entry.name == "c":
            assert b"".join(content) == b"3"
            assert list(stale[0]) == []
        seen.append(entry.name)
    assert seen == ["a", "b", "c"]


# --- what is not right -----------------------------------------------------------------


def test_an_archive_may_end_without_its_mark() -> None:
    """Between two entries; and nothing is an archive without entries."""
    archive = _tar((_info("a"), b"1"))
    assert len(_read(archive[: 2 * BLOCK])) == 1
    assert len(_read(archive[: 3 * BLOCK])) == 1
    assert _read(b"") == []
    assert _read(bytes(BLOCK)) == []


@pytest.mark.parametrize("length", [1, 511, 513, 700])
def test_an_archive_that_ends_early_is_told(length: int) -> None:
    """Within a header or content."""
    archive = _tar((_info("a"), b"1" * 200))
    with pytest.raises(LayerFormatError, match="ends too early") as caught:
        _read(archive[:length])
    assert caught.value.is_truncated


@pytest.mark.parametrize("length", [712, 713, 1023])
def test_the_last_entry_may_lack_what_fills_its_block_up(length: int) -> None:
    """As some programs write it, and engines take it."""
    archive = _tar((_info("a"), b"1" * 200))
    assert [content for _, content in _read(archive[:length])] == [b"1" * 200]


def test_a_damaged_header_is_not_the_end() -> None:
    """What follows it would be missing without a word."""
    archive = bytearray(_tar((_info("a"), b"1"), (_info("b"), b"2")))
    archive[2 * BLOCK] ^= 1
    with pytest.raises(LayerFormatError, match="wrong checksum"):
        _read(bytes(archive))
    archive[2 * BLOCK : 3 * BLOCK] = bytes(BLOCK)
    with pytest.raises(LayerFormatError, match="follows a block of zeros"):
        _read(bytes(archive))


def test_all_of_an_archive_is_read() -> None:
    """Also what follows its end, so that a digest over it is right."""
    rest = iter([_tar((_info("a"), b"1")), b"padding", b"more"])
    assert len(list(read_tar(rest))) == 1
    assert list(rest) == []


def _header(**fields: bytes) -> bytes:
    """A header with some fields as they are given."""
    block = bytearray(_tar((_info("f"), b""), form=tarfile.USTAR_FORMAT)[:BLOCK])
    places = {"name": 0, "mode": 100, "size": 124, "mtime": 136, "flag": 156, "magic": 257}
    for key, value in fields.items():
        block[places[key] : places[key] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (_header(size=b"0000000009\0"), "not octal"),
        (_header(size=b"\xff" * 12), "negative size"),
        (_header(size=b"\x80" + b"\xff" * 11), "too large"),
        (_header(mode=b"-000644\0"), "not octal"),
        (_header(flag=b"x", size=b"77777777777\0"), "a header of 8589934591 bytes"),
        (_header(flag=b"L", size=b"%011o\0" % (MAX_META_BYTES + 1)), "a header of 1048577 bytes"),
        (b"no tar archive" * 40, "wrong checksum|not octal"),
    ],
)
def test_a_malformed_header_is_told(block: bytes, complaint: str) -> None:
    """Nothing is read into memory for it, and nothing is read again."""
    with pytest.raises(LayerFormatError, match=complaint):
        _read(block[:BLOCK])


@pytest.mark.parametrize("flag", [b"K", b"L", b"x"])
def test_a_header_about_no_entry_is_nothing(flag: bytes) -> None:
    """An archive may end after it, as Go's reader has it."""
    content = b"11 path=zz\n"
    header = _header(flag=flag, size=b"%011o\0" % len(content))
    assert _read(header + content.ljust(BLOCK, b"\0") + bytes(2 * BLOCK)) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"x", "no length"),
        (b"5 a=b\n", "malformed"),
        (b"0 a=b\n", "malformed"),
        (b"99 a=b\n", "malformed"),
        (b"6 a=bc", "malformed"),
        (b"5 ab\n", "malformed"),
        (b"12345678901234567890123 a=b\n", "no length"),
        (b"10 path=\0\n", "malformed|zero byte"),
        (b"11 path=a\0\n", "zero byte"),
        (b"24 GNU.sparse.numbytes=1\n"[:27], "malformed"),
    ],
)
def test_malformed_records_are_told(content: bytes, complaint: str) -> None:
    """As a damaged archive."""
    with pytest.raises(LayerFormatError, match=complaint):
        parse_records(content)


def _with_records(*records: bytes) -> bytes:
    """The head of an entry's records; each text stands behind its length, which has two digits."""
    content = b"".join(b"%d %b\n" % (len(text) + 4, text) for text in records)
    return _header(flag=b"x", size=b"%011o\0" % len(content)) + content.ljust(BLOCK, b"\0")


@pytest.mark.parametrize(
    "record", [b"size=-0000001", b"size=" + b"9" * 19, b"mtime=tomorrow", b"uid=00000x"]
)
def test_a_record_with_a_wrong_value_is_told(record: bytes) -> None:
    """By its name."""
    key = record.partition(b"=")[0].decode()
    with pytest.raises(LayerFormatError, match=f"the PAX record {key} is not"):
        _read(_with_records(record) + _header())


@pytest.mark.parametrize(("text", "seconds"), [("-1.5", -2), ("-1", -1), ("1.9", 1), ("7.", 7)])
def test_times_are_rounded_down(text: str, seconds: int) -> None:
    """To whole seconds."""
    ((entry, _),) = _read(_tar((_info("f", pax_headers={"mtime": text}, mtime=0), b"")))
    assert entry.mtime == seconds


def test_an_empty_record_takes_one_away() -> None:
    """As the format has it."""
    assert parse_records(b"6 a=b\n5 a=\n") == {}


def test_an_old_archives_folder_ends_with_a_slash() -> None:
    """It has no type for folders."""
    assert parse_header(_header(name=b"d/", flag=b"\0")).type is EntryType.DIRECTORY
    assert parse_header(_header(name=b"d/", flag=b"0")).type is EntryType.FILE


def test_a_checksum_of_signed_bytes_is_one() -> None:
    """Some old archivers computed it so."""
    block = bytearray(_header(name=b"\x7f\x80\xff"))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in block)
    assert parse_header(bytes(block)).name == "\x7f\udc80\udcff"


def test_entries_are_counted() -> None:
    """An archive of nothing but headers ends, too."""
    archive = _tar(*((_info("a"), b"") for _ in range(5)))
    assert len(list(read_tar([archive], max_entries=5))) == 5
    with pytest.raises(LayerFormatError, match="more than 4 entries"):
        list(read_tar([archive], max_entries=4))


@settings(max_examples=200)
@given(
    form=st.sampled_from(_FORMATS),
    changes=st.lists(
        st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=12)), min_size=1, max_size=3
    ),
    has_checksum=st.booleans(),
)
def test_whatever_is_changed_nothing_else_is_raised(
    form: int, changes: list[tuple[int, bytes]], has_checksum: bool
) -> None:
    """Hostile archives end in an error of this package, and end at all."""
    records = {"GNU.sparse.map": "0,1,5,1", "GNU.sparse.size": "9"}
    infos = (_info("a/" * 60 + "f", pax_headers=records), _info("b", tarfile.SYMTYPE, linkname="c"))
    archive = bytearray(_tar((infos[0], b"12"), (infos[1], b""), form=form))
    for position, content in changes:
        at = position % len(archive)
        archive[at : at + len(content)] = content
    if has_checksum:
        for at in range(0, len(archive), BLOCK):
            if archive[at + 257 : at + 262] == b"ustar":
                archive[at + 148 : at + 156] = b" " * 8
                archive[at + 148 : at + 156] = b"%06o\0 " % sum(archive[at : at + BLOCK])
    try:
        for _, content_pieces in read_tar([bytes(archive)]):
            read = 0
            for piece in content_pieces:
                read += len(piece)
                if read > 100_000:
                    break
    except LayerFormatError:
        return


# --- sparse files ------------------------------------------------------------------------


def _measure(archive: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as measure:
        return [
            (info.name, stream.read())
            for info in measure
            if (stream := measure.extractfile(info)) is not None
        ]


def _sparse_archives() -> Iterator[tuple[str, bytes]]:
    after = (_info("after"), b"2")
    content = b"ab" * 300 + b"cd"
    lengths = "1024,600,4096,2"
    common = {"GNU.sparse.name": "real", "GNU.sparse.numblocks": "2"}
    yield (
        "0.1",
        _tar(
            (
                _info(
                    "GNUSparseFile.1/f",
                    pax_headers={**common, "GNU.sparse.size": "5000", "GNU.sparse.map": lengths},
                ),
                content,
            ),
            after,
        ),
    )
    table = b"2\n1024\n600\n4096\n2\n".ljust(BLOCK, b"\0")
    version_1 = {
        "GNU.sparse.name": "real",
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "5000",
    }
    yield "1.0", _tar((_info("x/f", pax_headers=version_1), table + content), after)
    old = bytearray(_tar((_info("real"), content), after, form=tarfile.GNU_FORMAT))
    stretches = [(1024, 600), (4096, 2), (5000, 0)]
    old[156:157] = b"S"
    for number, (start, length) in enumerate(stretches):
        at = 386 + 24 * number
        old[at : at + 24] = b"%011o\0%011o\0" % (start, length)
    old[483:495] = b"%011o\0" % 5000
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:BLOCK])
    yield "old", bytes(old)
    many = [(16 * number, 2) for number in range(30)]
    old = bytearray(_tar((_info("real"), b"ab" * 30), after, form=tarfile.GNU_FORMAT))
    extra = bytearray(2 * BLOCK)
    for number, (start, length) in enumerate(many):
        field = b"%011o\0%011o\0" % (start, length)
        if number < 4:
            old[386 + 24 * number : 386 + 24 * (number + 1)] = field
        else:
            block, place = divmod(number - 4, 21)
            at = block * BLOCK + place * 24
            extra[at : at + 24] = field
    extra[504] = 1
    old[156:157], old[482], old[483:495] = b"S", 1, b"%011o\0" % 500
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:BLOCK])
    yield "old, long", bytes(old[:BLOCK] + extra + old[BLOCK:])


@pytest.mark.parametrize(
    "archive", [pytest.param(archive, id=name) for name, archive in _sparse_archives()]
)
def test_a_sparse_file_is_read_with_its_holes(archive: bytes) -> None:
    """As the standard library reads it."""
    found = [(entry.name, content) for entry, content in _read(archive)]
    assert found == _measure(archive)
    assert found[0][0] == "real"
    assert _read(archive)[0][0].size == len(found[0][1])


def test_the_first_form_of_sparse_records_is_read() -> None:
    """In which one key comes several times."""
    head = _with_records(
        b"GNU.sparse.size=9",
        b"GNU.sparse.numblocks=2",
        b"GNU.sparse.offset=1",
        b"GNU.sparse.numbytes=1",
        b"GNU.sparse.offset=5",
        b"GNU.sparse.numbytes=1",
    )
    archive = head + _header(size=b"%011o\0" % 2) + b"ab".ljust(BLOCK, b"\0")
    ((entry, content),) = _read(archive)
    assert (entry.size, content) == (9, b"\0a\0\0\0b\0\0\0")


@pytest.mark.parametrize(
    ("records", "complaint"),
    [
        ({"GNU.sparse.map": "0,1,0,1", "GNU.sparse.size": "9"}, "overlap"),
        ({"GNU.sparse.map": "0,1,9,1", "GNU.sparse.size": "9"}, "overlap"),
        ({"GNU.sparse.map": "0,1,5", "GNU.sparse.size": "9"}, "odd number"),
        ({"GNU.sparse.map": "0,1,5,x", "GNU.sparse.size": "9"}, "not a number"),
        ({"GNU.sparse.map": "0,1,5,-1", "GNU.sparse.size": "9"}, "not a number"),
        ({"GNU.sparse.map": "0,1,5,1"}, "not a number"),
        ({"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"}, "more or less data"),
        (
            {"GNU.sparse.map": ",".join(["0,0"] * (MAX_STRETCHES + 1)), "GNU.sparse.size": "9"},
            "over 100000 stretches",
        ),
        (
            {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"},
            "not a number|malformed",
        ),
    ],
)
def test_a_sparse_file_with_a_wrong_map_is_told(records: dict[str, str], complaint: str) -> None:
    """No hole is filled for it."""
    with pytest.raises(LayerFormatError, match=complaint):
        _read(_tar((_info("f", pax_headers=records), b"ab")))
