"""A list of files as bytes: compressed JSON with one record for each path.

The first line says which form it is and names the layers. Each further line is a record: path,
kind, mode, user, group, time, link, device, number of its hard links' file, capabilities, and of a
regular file its size with layer and place of its content (in the archive, or in the blob with its
digest), or the content itself.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Iterable, Mapping

from isal import igzip

from imagebuilders.daemonless.base_images import ImageSource
from imagebuilders.daemonless.contents_tables import Chunk, RangedContent
from imagebuilders.exceptions import ImageBuilderError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.content import Content
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File, Tree, new_inode
from imagebuilders.oci.layer_contents import LayerContent, LayerContents
from imagebuilders.oci.tar_writer import CAPABILITIES

FORMAT = "imagebuilders-file-list 1"
_MAX_BYTES = 512 * 1024 * 1024
_KINDS = frozenset({"file", "dir", "symlink", "fifo", "char", "block"})


class InvalidListError(ImageBuilderError):
    """The bytes are not a list of files."""


@dataclass(frozen=True)
class ListedLayer:
    """A layer whose files are listed.

    Attributes:
        source: where it is.
        digest: its digest.
        contents: its files as it streams.
    """

    source: ImageSource
    digest: Digest
    contents: LayerContents


def pack_list(tree: Tree, layers: Mapping[LayerContents, str], digests: Iterable[str]) -> bytes:
    """Return a list as bytes; the same list gives the same bytes.

    Args:
        tree: the files.
        layers: the digests of layers whose contents are read as they stream.
        digests: those of all layers.
    """
    names = sorted(set(digests))
    places = {name: number for number, name in enumerate(names)}
    numbers = {layer: places[name] for layer, name in layers.items() if name in places}
    inodes: dict[int, int] = {}
    records = (_record(path, tree[path], numbers, places, inodes) for path in sorted(tree))
    lines = [json.dumps([FORMAT, *names]), *map(json.dumps, records)]
    return igzip.compress("\n".join(lines).encode(), 1, mtime=0)


def _record(
    path: str,
    file: File,
    numbers: Mapping[LayerContents, int],
    places: Mapping[str, int],
    inodes: dict[int, int],
) -> list[object]:
    content: object = None
    if isinstance(file.content, LayerContent):
        content = [file.content.size, numbers[file.content.layer], file.content.index]
    elif isinstance(file.content, RangedContent):
        ranged = file.content
        chunks = [[each.offset, each.length, each.size] for each in ranged.chunks]
        content = [ranged.size, places[str(ranged.layer)], chunks, str(ranged.stated)]
    elif file.data:
        content = base64.b64encode(file.data).decode()
    inode = inodes.setdefault(file.inode, len(inodes) + 1) if file.inode else 0
    return [
        path,
        file.kind,
        file.mode,
        file.uid,
        file.gid,
        file.mtime,
        file.link,
        list(file.device),
        inode,
        dict(file.xattrs).get(CAPABILITIES, ""),
        content,
    ]


def unpack_list(packed: bytes, layer: Callable[[str], ListedLayer]) -> Tree:
    """Return the files of a list.

    Args:
        packed: the bytes.
        layer: returns a layer by its name.

    Raises:
        InvalidListError: they are not a list.
        KeyError: `layer` does not know a name.
    """
    try:
        unpacked = zlib.decompressobj(31)
        text = unpacked.decompress(packed, _MAX_BYTES)
        if not unpacked.eof:
            raise InvalidListError("it is cut short, or too large")
        first, *lines = text.split(b"\n")
        head = json.loads(first)
        if not isinstance(head, list) or head[:1] != [FORMAT]:
            raise InvalidListError("it is of another form")
        layers = [layer(name) for name in head[1:]]
        records = json.loads(b"[" + b",".join(lines) + b"]")
        inodes: dict[int, int] = {}
        return {record[0]: _file(record, layers, inodes) for record in records}
    except (zlib.error, ValueError, TypeError, IndexError, RecursionError, binascii.Error) as error:
        raise InvalidListError(f"it is malformed: {error}") from error


def _file(record: list, layers: list[ListedLayer], inodes: dict[int, int]) -> File:  # type: ignore[type-arg]
    """Return the file of a record."""
    _, kind, mode, uid, gid, mtime, link, device, number, capabilities, content = record
    numbers = (mode, uid, gid, mtime, number, *device)
    if kind not in _KINDS or not all(type(each) is int for each in numbers) or len(device) != 2:
        raise InvalidListError("a record is malformed")
    inode = 0
    if number:
        inode = inodes.get(number) or inodes.setdefault(number, new_inode())
    data, stored = b"", None
    if isinstance(content, str):
        data = base64.b64decode(content, validate=True)
    elif content is not None:
        stored = _content(content, layers)
    return File(
        kind,
        mode,
        uid,
        gid,
        mtime,
        data,
        str(link),
        (device[0], device[1]),
        inode,
        ((CAPABILITIES, str(capabilities)),) if capabilities else (),
        content=stored,
    )


def _content(record: list, layers: list[ListedLayer]) -> Content:  # type: ignore[type-arg]
    """Return where a file's content is."""
    if len(record) == 3:
        size, layer, index = record
        listed: ListedLayer = layers[layer]
        return listed.contents.content(index, size)
    size, layer, chunks, digest = record
    listed = layers[layer]
    try:
        stated = Digest.parse(digest)
    except ImageFormatError as error:
        raise InvalidListError(f"a record is malformed: {error}") from error
    stretches = tuple(Chunk(*chunk) for chunk in chunks)
    return RangedContent(listed.source, listed.digest, size, stretches, stated)
