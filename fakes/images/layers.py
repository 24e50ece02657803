"""Layers: the difference between two trees as a tar, with its digests.

Whiteouts follow the OCI image specification, "Image Layer Filesystem
Changeset".
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File, Tree, ancestors, parent, walk_key
from imagebuilders.oci.image_config import chain_ids
from imagebuilders.oci.layer import OPAQUE, WHITEOUT, UnpackedLayer, unpack_layer
from imagebuilders.oci.members import Member
from imagebuilders.oci.tar_writer import PLAIN, TarStyle, with_hard_links, write_tar

from . import tar

EMPTY_DIFF_ID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"


def digest_of(data: bytes) -> str:
    """`sha256:` and the hexadecimal digest."""
    return str(Digest.of(data))


@dataclass(eq=False)
class Layer:
    """A layer's tar and what is in it.

    Attributes:
        content: the tar, not compressed.
        takes_folders_over: a folder that it only implies has the owner and mode of that below.
        blob: the form that it came in, or that was made of it first; `None` without one.
    """

    content: bytes = field(repr=False)
    takes_folders_over: bool = False
    blob: bytes | None = field(default=None, repr=False)

    @classmethod
    def of_blob(cls, blob: bytes) -> Layer:
        """Return the layer of a blob, which is the form that it has from then on."""
        layer = cls(tar.plain(blob))
        layer.keep_blob(blob)
        return layer

    @property
    def digest(self) -> str:
        """What a view of an image calls it."""
        return self.diff_id

    @cached_property
    def diff_id(self) -> str:
        """The digest of the uncompressed tar."""
        return digest_of(self.content)

    @property
    def members(self) -> list[Member]:
        """The tar's entries."""
        return self._members

    @cached_property
    def _members(self) -> list[Member]:
        return tar.read(self.content)

    @cached_property
    def unpacked(self) -> UnpackedLayer:
        """The layer by itself, unpacked."""
        return unpack_layer(self.members)

    @cached_property
    def size(self) -> int:
        """The bytes of its regular files and of its links' targets; 0 if it cannot be read."""
        try:
            named = [m.file for m in self.members if m.name.strip("./")]
        except tar.TarError:
            return 0
        return sum(len(file.data) + len(os.fsencode(file.link)) for file in named)

    def keep_blob(self, blob: bytes) -> None:
        """Let the compressed form be the one that came from a registry or an archive."""
        self.__dict__["compressed"] = self.blob = blob

    def compress_well(self) -> None:
        """Let the compressed form be as small as containerd makes it, if there is none yet."""
        if "compressed" not in self.__dict__:
            self.__dict__["compressed"] = gzip.compress(self.content, compresslevel=6, mtime=0)

    @cached_property
    def compressed(self) -> bytes:
        """The form that goes to registries: as it came, or by gzip, the same bytes each time."""
        return gzip.compress(self.content, compresslevel=1, mtime=0)

    @cached_property
    def blob_digest(self) -> str:
        """The digest of the compressed form."""
        return digest_of(self.compressed)


def chain_of(diff_ids: Iterable[str]) -> str:
    """The id of a chain of layers, lowest first; empty when one of them is named by no digest."""
    try:
        *_, last = chain_ids(map(Digest.parse, diff_ids))
    except ImageFormatError:
        return ""
    return str(last)


def flatten(layers: Iterable[Layer]) -> Tree:
    """The root file system that the layers make together.

    Each is unpacked by itself, so that a folder which it only implies is as if it listed it.
    """
    tree: Tree = {}
    for layer in layers:
        unpacked, below = layer.unpacked, tree
        tree = unpacked.over(below, keep_folders=False)
        if layer.takes_folders_over:
            for path in unpacked.implied:
                found = below.get(path)
                if found is not None and found.kind == "dir":
                    tree[path] = tree[path]._replace(mode=found.mode, uid=found.uid, gid=found.gid)
    return tree


def difference(
    old: Mapping[str, File],
    new: Mapping[str, File],
    touched: set[str],
    *,
    opaque: set[str] | None = None,
    now: int = 0,
    style: TarStyle = PLAIN,
) -> Layer:
    """The layer that turns `old` into `new`.

    Args:
        old: the tree below.
        new: the tree wanted.
        touched: paths that go into the layer though they are equal, as the
            engine's storage driver would have copied them up.
        opaque: directories that hide all that was below them.
        now: the time of what marks removed paths.
        style: how the engine's version writes tars.
    """
    changed = {
        p for p, f in new.items() if p in touched or (old.get(p) is not f and old.get(p) != f)
    }
    for path in list(changed):
        changed.update(above for above in ancestors(path) if above in new)
    hidden = opaque or set()
    gone = {p for p in old if p not in new and _shows_removal(new, parent(p), hidden)}
    whiteouts = {
        f"{parent(p)}/{WHITEOUT}{p.rpartition('/')[2]}".lstrip("/"): File("file", 0o600, mtime=now)
        for p in gone
    }
    for path in hidden & set(new):
        directory = new[path]
        whiteouts[f"{path}/{OPAQUE}"] = File(
            "file", directory.mode & 0o777, directory.uid, directory.gid
        )
    paths = sorted(changed | set(whiteouts), key=walk_key)
    entries = with_hard_links((path, whiteouts.get(path) or new[path]) for path in paths)
    return Layer(write_tar(entries, style=style, bare=set(whiteouts)))


def _shows_removal(new: Mapping[str, File], folder: str, opaque: set[str]) -> bool:
    """Whether a path that is gone from a folder needs a mark of its own."""
    if not folder:
        return True
    if any(above in opaque for above in (*ancestors(folder), folder)):
        return False
    return folder in new and new[folder].kind == "dir"
