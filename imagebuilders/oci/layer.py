"""Layers: what an archive of changes makes of the file system below it.

OCI image specification, "Image Layer Filesystem Changeset":
https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import field

from imagebuilders.exceptions import LayerFormatError, UnpackError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.file_tree import File, Tree, clean, parent, remove_below
from imagebuilders.oci.members import Member, read_layer
from imagebuilders.oci.rooted_files import EXISTS, TreeFiles
from imagebuilders.oci.unpacking import Unpacker, UnpackRules

__all__ = [
    "OPAQUE",
    "WHITEOUT",
    "UnpackedLayer",
    "apply_layer",
    "flatten",
    "read_layer",
    "unpack_layer",
]

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer by itself.

    Attributes:
        files: what it brings.
        hidden: the paths that it takes away.
        opaque: the folders of which it takes away what is in them.
        implied: the folders of `files` that are there only because something is below them.
    """

    files: Tree = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    implied: frozenset[str] = frozenset()

    def below(self, lower: Mapping[str, File]) -> Tree:
        """Return what it leaves of the tree below it."""
        result = {} if "" in self.opaque else dict(lower)
        for path in self.hidden:
            result.pop(path, None)
        remove_below(result, self.hidden | self.opaque)
        return result

    def over(self, lower: Mapping[str, File], *, keep_folders: bool = True) -> Tree:
        """Return the tree that it makes of the one below it.

        Args:
            lower: the tree below; it is not changed.
            keep_folders: a folder that the layer only implies stays as it is below, as when a
                layer is unpacked over what is below it; else it gets the layer's owner and mode,
                as when a layer is unpacked by itself.
        """
        result = self.below(lower)
        remove_below(result, {path for path, file in self.files.items() if file.kind != "dir"})
        for path, file in self.files.items():
            found = result.get(path)
            is_kept = keep_folders and path in self.implied
            if not is_kept or found is None or found.kind != "dir":
                result[path] = file
        return result


def apply_layer(lower: Mapping[str, File], layer: Iterable[Member]) -> Tree:
    """Return the tree that a layer makes of the one below it.

    A layer's archive is unpacked by itself, and then laid over what is below: a link in it leads
    where it leads in the layer, a folder of it takes the place of a link below, and whiteouts take
    away what is below, never what their own layer brings. A hard link may lead to what is below.

    Args:
        lower: the tree below; it is not changed.
        layer: the layer's entries.

    Raises:
        LayerFormatError: a hard link leads to nothing, or links lead in a circle.
    """
    hidden, opaque, own = _sort(layer)
    below = UnpackedLayer(hidden=hidden, opaque=opaque).below(lower)
    files = TreeFiles({})
    unpacker = Unpacker(files, lower=below)
    for member in own:
        unpacker.add(member)
    unpacker.finish()
    implied = frozenset(unpacker.implied)
    return UnpackedLayer(files.tree, hidden, opaque, implied).over(below)


def unpack_layer(
    layer: Iterable[Member], *, now: int = 0, rules: UnpackRules | None = None
) -> UnpackedLayer:
    """Unpack a layer strictly by itself, as engines do that keep each layer in a folder.

    Args:
        layer: the layer's entries.
        now: the time of folders that it only implies, in seconds since 1970.
        rules: of the unpacking.

    Raises:
        UnpackError: an entry has no place: a hard link leads out of the layer, say.
        LayerFormatError: a name comes twice; also from the entries.
    """
    files, opaque, seen = TreeFiles({}), set[str](), set[str]()
    unpacker = Unpacker(files, now=now, rules=rules)
    for member in layer:
        name = posixpath.normpath(member.name)
        if name in seen:
            raise LayerFormatError(f"The layer has two entries {name[:200]!a}.")
        seen.add(name)
        base = posixpath.basename(name)
        if not base.startswith(WHITEOUT):
            unpacker.add(member)
        elif base == OPAQUE:
            opaque.add(unpacker.make_folders(member))
        else:
            gone = base[len(WHITEOUT) :]
            place = f"{unpacker.make_folders(member)}/{gone}".lstrip("/")
            if files.get(place) is not None:
                shown = clean(f"{posixpath.dirname(name)}/{gone}")
                raise UnpackError("mknod", (shown,), EXISTS)
            files.put(place, File("whiteout"))
    unpacker.finish()
    hidden = frozenset(path for path, file in files.tree.items() if file.kind == "whiteout")
    own = {path: file for path, file in files.tree.items() if path not in hidden}
    return UnpackedLayer(own, hidden, frozenset(opaque), frozenset(unpacker.implied))


def flatten(layers: Iterable[Iterable[Member]]) -> Tree:
    """Return the root file system that layers make together, the lowest first.

    Raises:
        LayerFormatError: as for `apply_layer`.
    """
    tree: Tree = {}
    for layer in layers:
        tree = apply_layer(tree, layer)
    return tree


def _sort(layer: Iterable[Member]) -> tuple[frozenset[str], frozenset[str], list[Member]]:
    """Return the paths that a layer hides, the folders that it empties, and what it brings."""
    hidden: set[str] = set()
    opaque: set[str] = set()
    own: list[Member] = []
    for member in layer:
        path = clean(member.name)
        folder, name = parent(path), path.rpartition("/")[2]
        if name == OPAQUE:
            opaque.add(folder)
        elif not name.startswith(WHITEOUT):
            own.append(member)
        elif not name.startswith(WHITEOUT * 2):  # those are notes of a storage driver
            gone = name[len(WHITEOUT) :]
            hidden.add(f"{folder}/{gone}".lstrip("/"))
    return frozenset(hidden), frozenset(opaque), own
