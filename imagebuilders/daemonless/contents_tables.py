"""Layers that say at their end what is in them: eStargz, and zstd:chunked.

Of such a layer the table of contents alone is read, by range, and what is in a file where it is
needed. The manifest names the table's digest, and the table that of each file, so all is checked.

https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md
https://github.com/containers/storage/blob/main/docs/containers-storage-zstd-chunked.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timezone
from itertools import pairwise

from imagebuilders.daemonless.base_images import ImageSource
from imagebuilders.exceptions import ImageFormatError, LayerFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, verified
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.json_document import ObjectReader, load_object
from imagebuilders.oci.members import Member
from imagebuilders.oci.tar_reader import read_tar
from imagebuilders.oci.tar_writer import CAPABILITIES

MAX_TABLE_BYTES = 128 * 1024 * 1024
"""The most bytes of a table, unpacked."""

_ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
_CHUNKED_DIGEST = "io.github.containers.zstd-chunked.manifest-checksum"
_CHUNKED_POSITION = "io.github.containers.zstd-chunked.manifest-position"
_POSITION = re.compile(r"([0-9]{1,15}):([0-9]{1,12}):[0-9]{1,12}:1")
_TABLE_NAME = "stargz.index.json"
_FOOTER_BYTES = 51
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{8}SG\x16\x00([0-9a-f]{16})STARGZ", re.DOTALL)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))")
_KINDS = {
    "dir": "dir",
    "reg": "file",
    "symlink": "symlink",
    "hardlink": "file",
    "char": "char",
    "block": "block",
    "fifo": "fifo",
}


@dataclass(frozen=True)
class Chunk:
    """A compressed stretch of a layer's blob.

    Attributes:
        offset: where it begins.
        length: how many bytes it has at most.
        size: how many bytes it unpacks to.
    """

    offset: int
    length: int
    size: int


@dataclass(frozen=True)
class RangedContent:
    """What is in a file of a layer, read by range and checked.

    Attributes:
        source: where the layer is.
        layer: the layer.
        size: how many bytes there are.
        chunks: where they are, in order.
        stated: their digest.
    """

    source: ImageSource = field(repr=False, compare=False)
    layer: Digest
    size: int
    chunks: tuple[Chunk, ...]
    stated: Digest

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece.

        Raises:
            ImageFormatError: they are not those that the table tells of.
            RegistryError: they cannot be read.
        """
        return verified(self._unpacked(), self.stated, size=self.size)

    def digest(self) -> Digest:
        """Return the SHA-256 digest."""
        return self.stated

    def _unpacked(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            left = chunk.size
            with self.source.open_blob_range(self.layer, chunk.offset, chunk.length) as pieces:
                for piece in decompressed(pieces, max_bytes=MAX_TABLE_BYTES + chunk.size):
                    yield piece[:left]
                    left -= len(piece)
                    if left <= 0:
                        break


def read_table(source: ImageSource, layer: Descriptor) -> list[Member] | None:
    """Return a layer's entries by its table of contents; `None` if it has none.

    Raises:
        ImageFormatError: the table is malformed, or not the one that the manifest names.
        RegistryError: it cannot be read.
    """
    annotations = layer.annotations
    if _ESTARGZ in annotations:
        return _entries(source, layer, _stargz_table(source, layer, annotations[_ESTARGZ]))
    found = _POSITION.fullmatch(annotations.get(_CHUNKED_POSITION, ""))
    if found is None or _CHUNKED_DIGEST not in annotations:
        return None
    start, length = int(found[1]), int(found[2])
    packed = _range(source, layer, start, length)
    Digest.parse(annotations[_CHUNKED_DIGEST]).verify(packed)
    table = b"".join(decompressed([packed], max_bytes=MAX_TABLE_BYTES))
    return _entries(source, layer, table)


def _stargz_table(source: ImageSource, layer: Descriptor, digest: str) -> bytes:
    footer = _range(source, layer, max(layer.size - _FOOTER_BYTES, 0), _FOOTER_BYTES)
    found = _FOOTER.match(footer)
    if found is None:
        raise LayerFormatError("The layer has no footer that leads to its table of contents.")
    start = int(found[1], 16)
    packed = _range(source, layer, start, max(layer.size - _FOOTER_BYTES - start, 0))
    for entry, content in read_tar(decompressed([packed], max_bytes=MAX_TABLE_BYTES)):
        if entry.name == _TABLE_NAME:
            table = b"".join(content)
            Digest.parse(digest).verify(table)
            return table
    raise LayerFormatError(f"The layer has no {_TABLE_NAME}.")


def _range(source: ImageSource, layer: Descriptor, start: int, length: int) -> bytes:
    if length > MAX_TABLE_BYTES:
        raise LayerFormatError(f"The layer's table has more than {MAX_TABLE_BYTES} bytes.")
    with source.open_blob_range(layer.digest, start, length) as pieces:
        return b"".join(pieces)


def _entries(source: ImageSource, layer: Descriptor, table: bytes) -> list[Member]:
    what = "the table of contents"
    document = ObjectReader(load_object(table, what, max_bytes=MAX_TABLE_BYTES), what)
    records = [_Record.read(fields) for fields in document.children("entries")]
    offsets = sorted({record.offset for record in records if record.offset} | {layer.size})
    following = dict(pairwise(offsets))
    grouped: list[list[_Record]] = []
    for record in records:
        if record.type != "chunk":
            grouped.append([record])
        elif grouped:
            grouped[-1].append(record)
    return [chunks[0].member(source, layer, chunks, following) for chunks in grouped]


@dataclass(frozen=True)
class _Record:
    """One entry of a table."""

    name: str
    type: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str
    device: tuple[int, int]
    capabilities: str
    digest: str
    offset: int
    end: int
    chunk_offset: int
    chunk_size: int

    @classmethod
    def read(cls, fields: ObjectReader) -> _Record:
        def number(key: str) -> int:
            return fields.integer(key) or 0

        return cls(
            name=fields.required_text("name"),
            type=fields.required_text("type"),
            size=number("size"),
            mode=number("mode") & 0o7777,
            uid=number("uid"),
            gid=number("gid"),
            mtime=_seconds(fields.text("modtime")),
            link=fields.text("linkName"),
            device=(number("devMajor"), number("devMinor")),
            capabilities=_decoded(fields.text_map("xattrs").get(CAPABILITIES, "")),
            digest=fields.text("digest"),
            offset=number("offset"),
            end=number("endOffset"),
            chunk_offset=number("chunkOffset"),
            chunk_size=number("chunkSize"),
        )

    def member(
        self,
        source: ImageSource,
        layer: Descriptor,
        chunks: Sequence[_Record],
        following: Mapping[int, int],
    ) -> Member:
        kind = _KINDS.get(self.type)
        if kind is None:
            raise LayerFormatError(f"The table has an entry of the unknown type {self.type!a}.")
        content = None
        if self.type == "reg" and self.size:
            stretches = tuple(each.chunk(self.size, following) for each in chunks)
            digest = Digest.parse(self.digest)
            content = RangedContent(source, layer.digest, self.size, stretches, digest)
        file = File(
            kind,
            self.mode,
            self.uid,
            self.gid,
            self.mtime,
            link=self.link if kind == "symlink" else "",
            device=self.device,
            xattrs=((CAPABILITIES, self.capabilities),) if self.capabilities else (),
            content=content,
        )
        name = self.name.rstrip("/") + "/" if kind == "dir" else self.name
        hard_link = self.link if self.type == "hardlink" else ""
        return Member(name, file, hard_link, self.size if content is not None else 0)

    def chunk(self, file_size: int, following: Mapping[int, int]) -> Chunk:
        """Return where the compressed bytes of this stretch of a file are."""
        size = self.chunk_size or file_size - self.chunk_offset
        end = self.end or following.get(self.offset, 0)
        if not 0 < size <= file_size or end <= self.offset:
            raise LayerFormatError("The table of contents leads to no place in the layer.")
        return Chunk(self.offset, end - self.offset, size)


def _seconds(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        return 0
    try:
        moment = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise ImageFormatError(f"The table has a malformed time: {text[:40]!a}.") from error
    seconds = int(moment.replace(tzinfo=timezone.utc).timestamp())
    if found[3] is None:
        return seconds
    shift = int(found[4]) * 3600 + int(found[5]) * 60
    return seconds - shift if found[3] == "+" else seconds + shift


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise ImageFormatError("The table has a malformed extended attribute.") from error
