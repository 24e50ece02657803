"""Packets that are encoded by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.session.sync_packets import (
    END_OF_STATS,
    data_packet,
    entry_stat,
    error_packet,
    run_stats,
    sent_time,
    varint,
)
from imagebuilders.buildkit.session.sync_selection import HardLinks, Run, Selection
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.context.packing import pack_entries

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=300)
_INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    "number",
    [
        *(0, 1, 127, 128, 2**14 - 1, 2**14, 2**14 + 1, 2**21, 2**28 - 1, 2**28, 2**28 + 1),
        *(2**42, 2**56, 2**62, 2**63 - 1, -1, -(2**63)),
    ],
)
def test_numbers_are_what_protobuf_writes(number: int) -> None:
    """Also where they begin to take another byte, and another pair of bytes."""
    tag = Stat(modTime=1).SerializeToString()[:-1]
    assert Stat.FromString(tag + varint(number)).modTime == number
    assert number == 0 or tag + varint(number) == Stat(modTime=number).SerializeToString()


@given(_TEXTS, st.integers(0, 0o7777), st.integers(0, 2**62), _INT64)
def test_a_stat_is_what_protobuf_reads(path: str, mode: int, size: int, time: int) -> None:
    """A file's packet, of an entry or of a packed one, is read by protobuf as it was meant."""
    entry = Entry(path, EntryType.FILE, mode, size, time, source="/x")
    selection = Selection(pack_entries([entry]))
    (first, part), *_ = selection
    assert isinstance(part, Run)
    (packed,) = run_stats(part, HardLinks(selection), first)
    assert packed == entry_stat(entry)
    told = Packet.FromString(packed)
    assert told.type == Packet.PACKET_STAT
    assert told.stat == Stat(
        path=encode_path(path),
        mode=mode & 0o777
        | (mode & 0o4000 and 1 << 23)
        | (mode & 0o2000 and 1 << 22)
        | (mode & 0o1000 and 1 << 20),
        size=size,
        modTime=time,
    )


@given(_TEXTS, _TEXTS, _INT64)
def test_links_and_folders_are_what_protobuf_reads(path: str, target: str, time: int) -> None:
    """A link has its target and the target's length, a folder neither size nor target."""
    link = Packet.FromString(entry_stat(Entry(path, EntryType.LINK, mtime_ns=time, target=target)))
    folder = Packet.FromString(entry_stat(Entry(path, EntryType.DIRECTORY, 0o755, 4096, time)))
    size = len(encode_path(target))
    assert link.stat == Stat(
        path=encode_path(path), mode=1 << 27 | 0o777, size=size, modTime=time,
        linkname=encode_path(target),
    )  # fmt: skip
    assert folder.stat == Stat(path=encode_path(path), mode=1 << 31 | 0o755, modTime=time)


def test_the_time_of_an_added_file() -> None:
    """It comes from the content, so that another build sends the same, within 1970's first second.

    The daemon would take another time for another file.
    """
    sent = {
        content: sent_time(Entry("a", EntryType.FILE, source=content)) for content in (b"", b"x")
    }
    assert sent == {b"": 824_261_652, b"x": 871_479_876}
    assert sent_time(Entry("a", EntryType.FILE, source=b"x", mtime_ns=5)) == 5
    assert sent_time(Entry("a", EntryType.DIRECTORY)) == 0
    assert sent_time(Entry("a", EntryType.FILE, source="/path")) == 0


@given(st.integers(0, 2**32 - 1), st.binary(max_size=20_000))
def test_data_is_what_protobuf_reads(number: int, content: bytes) -> None:
    """A piece of a file, and the empty one that ends it."""
    told = Packet.FromString(data_packet(number, content))
    assert told == Packet(type=Packet.PACKET_DATA, ID=number, data=content)


def test_the_end_and_errors() -> None:
    """The end of the STATs is an empty packet; an error carries its words, whatever is in them."""
    assert Packet.FromString(END_OF_STATS) == Packet()
    assert Packet.FromString(error_packet("é\udcff")).data == "é?".encode()
