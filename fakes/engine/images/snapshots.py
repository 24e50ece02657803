"""Layers as containerd unpacks them, each in a folder of its own, and what it says of broken ones.

An image with a layer that cannot be unpacked is kept all the same, and fails where its files are
needed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from imagebuilders.exceptions import LayerFormatError, UnpackError
from imagebuilders.oci.compression import Compression, detect
from imagebuilders.oci.file_tree import File, Tree, UnresolvedPathError, parent, resolve
from imagebuilders.oci.layer import OPAQUE, WHITEOUT, UnpackedLayer
from imagebuilders.oci.members import Member
from imagebuilders.oci.rooted_files import ENDLESS, EXISTS, NOT_A_FOLDER, TreeFiles
from imagebuilders.oci.unpacking import Unpacker

from ... import go_text
from ...images import tar
from ...images.layers import Layer, chain_of
from ..state import EngineState
from .store import ImageStore

_STATE = "/var/lib/docker/containerd/daemon"
_MOUNT = f"{_STATE}/tmpmounts/containerd-mount"  # noqa: S108  (a name in a message)
_KNOWN = (Compression.NONE, Compression.GZIP, Compression.ZSTD)


class ExtractError(Exception):
    """A layer cannot be unpacked; the text is in containerd's words."""


def kept(blob: bytes) -> Layer:
    """Return a layer of which nobody asks yet whether it can be unpacked.

    Args:
        blob: its archive, compressed or not.
    """
    layer = Layer(tar.plain(blob) if detect(blob) in _KNOWN else blob)
    layer.keep_blob(blob)
    return layer


def extract(images: ImageStore, layers: Sequence[Layer], diff_ids: Sequence[str]) -> None:
    """Unpack an image's layers, but for those that lie unpacked already.

    Args:
        images: of the engine.
        layers: the lowest first.
        diff_ids: what its configuration says of them.

    Raises:
        ExtractError: one of them cannot be unpacked, or is another than it should be.
    """
    for number, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=False)):
        chain = chain_of(diff_ids[: number + 1])
        known = images.topmost(chain) if images.is_unpacked(chain) else None
        if known is not None:
            layer.unpacked, layer.takes_folders_over = known.unpacked, known.takes_folders_over
            continue
        try:
            extract_one(layer, images.state, is_lowest=number == 0)
        except ExtractError as error:
            raise ExtractError(f"failed to extract layer {diff_id}: {error}") from error
        if layer.diff_id != diff_id:
            shown = go_text.quote(layer.diff_id)
            raise ExtractError(f"wrong diff id calculated on extraction {shown}")


def extract_one(layer: Layer, state: EngineState, *, is_lowest: bool) -> None:
    """Unpack a layer; the lowest one is mounted for it, and has nothing to take away.

    Raises:
        ExtractError: it cannot be unpacked.
    """
    files = TreeFiles({})
    number = int(state.new_id()[:8], 16)
    mount = f"{_MOUNT}{number:010d}"
    folder = f"{_STATE}/io.containerd.snapshotter.v1.overlayfs/snapshots/{number}/fs"
    try:
        layer.unpacked = _unpacked(
            files, _entries(layer.compressed), state.clock() // 10**9, is_lowest=is_lowest
        )
    except (ExtractError, tar.TarError, LayerFormatError) as error:
        words = str(error)
        if isinstance(error, UnpackError):
            words = _words(error, files.tree, mount if is_lowest else folder)
        context = f"mount callback failed on {mount}: " if is_lowest else ""
        raise ExtractError(f"{context}{words}") from error
    layer.takes_folders_over = True


def _entries(blob: bytes) -> Iterable[Member]:
    """The entries of a layer; what is compressed in another way is no archive to containerd."""
    return tar.entries(blob) if detect(blob) in _KNOWN else tar.read(blob)


def _unpacked(
    files: TreeFiles, layer: Iterable[Member], now: int, *, is_lowest: bool
) -> UnpackedLayer:
    unpacker, opaque = Unpacker(files, now=now), set[str]()
    for member in layer:
        base = posixpath.basename(posixpath.normpath(member.name))
        if not base.startswith(WHITEOUT):
            unpacker.add(member)
            continue
        folder = unpacker.make_folders(member)
        if (found := files.get(folder)) is not None and found.kind != "dir":
            raise UnpackError("stat", (folder,), NOT_A_FOLDER)
        place = f"{folder}/{base.removeprefix(WHITEOUT)}".lstrip("/")
        if is_lowest:
            if base != OPAQUE and files.get(place) is not None:
                files.remove(place)
        elif base == OPAQUE:
            opaque.add(folder)
        elif files.get(place) is not None:
            shown = go_text.quote(posixpath.normpath(member.name))
            raise ExtractError(f"failed to convert whiteout file {shown}: {EXISTS}")
        else:
            files.put(place, File("whiteout"))
    unpacker.finish()
    hidden = frozenset(path for path, file in files.tree.items() if file.kind == "whiteout")
    own = {path: file for path, file in files.tree.items() if path not in hidden}
    return UnpackedLayer(own, hidden, frozenset(opaque), frozenset(unpacker.implied))


def _words(error: UnpackError, files: Tree, root: str) -> str:
    """What containerd says of an entry without a place."""
    shown = [f"{root}/{path}".rstrip("/") for path in error.paths]
    if error.operation == "type":
        return f"unhandled tar header type {error.reason}"
    if error.reason == ENDLESS:
        return "failed to get root path: too many links"
    if error.reason == NOT_A_FOLDER:
        is_folder = error.operation in ("stat", "mkdir")
        return _no_folder(error.paths[0] if is_folder else parent(error.paths[-1]), files, root)
    if error.operation == "stat":
        return f"failed to get root path: lstat {shown[0]}: {error.reason}"
    if error.operation == "mknod":
        return error.reason
    if error.operation == "symlink":
        shown[0] = error.paths[0]  # the target as it is
    return f"{error.operation} {' '.join(shown)}: {error.reason}"


def _no_folder(folder: str, files: Tree, root: str) -> str:
    """What containerd says of a folder on whose way a file is."""
    parts = folder.split("/")
    for depth in range(1, len(parts)):
        found = files.get(_resolved(files, "/".join(parts[:depth])))
        if found is not None and found.kind != "dir":
            below = "/".join(parts[: depth + 1])
            return f"failed to get root path: lstat {root}/{below}: {NOT_A_FOLDER}"
    return f"mkparent {root}/{_resolved(files, folder)}: {NOT_A_FOLDER}"


def _resolved(files: Tree, path: str) -> str:
    try:
        return resolve(files, path)
    except UnresolvedPathError:
        return path
