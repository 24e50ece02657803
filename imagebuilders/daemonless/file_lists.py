"""The files of base images: read once for each base, and remembered without their contents.

The layers are streamed, never stored, and of those that have a table of contents only that is read.
What is remembered of a base is one list of its files, under a key made of its layers' digests: a
base that has more layers on top goes on from the list of those below. The lists lie in the user's
cache folder, and in a folder that machines may share.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from imagebuilders.context.digest_cache import limit_folder
from imagebuilders.daemonless.base_images import BaseImage
from imagebuilders.daemonless.contents_tables import read_table
from imagebuilders.daemonless.file_list_format import (
    InvalidListError,
    ListedLayer,
    pack_list,
    unpack_list,
)
from imagebuilders.daemonless.whole_files import write_whole
from imagebuilders.evaluation.accounts import MAX_FILE_BYTES
from imagebuilders.exceptions import ImageFormatError, LayerFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import Tree, clean
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.members import MAX_ARCHIVE_BYTES, Member
from imagebuilders.oci.tar_header import TarEntry

_logger = logging.getLogger(__name__)

MAX_FOLDER_BYTES = 256 * 1024 * 1024
"""The lists longest unused are removed when all of them together exceed this."""
MAX_FILES = 2_000_000
"""The most entries of one layer that are taken, and the most files of a base."""
_ACCOUNTS = frozenset({"etc/passwd", "etc/group"})
"""Files that are looked into whenever an owner is written by name: their contents are kept."""


class FileLists:
    """Knows what files bases have.

    Args:
        folders: where lists are kept, the own first; none to remember nothing.
        tell: is told of each layer that is read, with its size in bytes, before that is done.
        max_archive_bytes: the most bytes that a layer may unpack to.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        tell: Callable[[Descriptor], None] = lambda _: None,
        max_archive_bytes: int = MAX_ARCHIVE_BYTES,
    ) -> None:
        self._folders = folders
        self._tell = tell
        self._max_bytes = max_archive_bytes
        self._trees: dict[Digest, Tree] = {}
        self._contents: dict[Digest, LayerContents] = {}
        self._lock = threading.RLock()

    def tree(self, image: BaseImage) -> Tree:
        """Return the files of an image; what is in them is read when it is needed.

        Raises:
            RegistryError: a layer cannot be read.
            LayerFormatError: a layer is malformed, or larger than any is taken.
            ImageBuilderError: an image layout lacks a layer.
        """
        with self._lock:
            if image.digest not in self._trees:
                self._trees[image.digest] = self._read(image)
            return self._trees[image.digest]

    def _read(self, image: BaseImage) -> Tree:
        layers = image.manifest.layers
        keys = _keys(layers)
        known = len(layers)
        tree: Tree = {}
        while known:
            found = self._remembered(keys[known - 1], image)
            if found is not None:
                tree = found
                break
            known -= 1
        for layer in layers[known:]:
            self._tell(layer)
            tree = apply_layer(tree, self._members(image, layer))
            if len(tree) > MAX_FILES:
                raise LayerFormatError(f"{image.reference} has more than {MAX_FILES} files.")
        if known < len(layers):
            self._remember(keys[-1], tree, layers)
        return tree

    def _members(self, image: BaseImage, layer: Descriptor) -> Iterator[Member]:
        for count, member in enumerate(self._all_members(image, layer), 1):
            if count > MAX_FILES:
                raise LayerFormatError(
                    f"The layer {layer.digest} of {image.reference} has more than {MAX_FILES} "
                    "entries."
                )
            yield member

    def _all_members(self, image: BaseImage, layer: Descriptor) -> Iterable[Member]:
        """Return a layer's entries: by its table of contents if it has one, else as it streams."""
        try:
            listed = read_table(image.source, layer)
        except ImageFormatError as error:
            _logger.debug("The table of contents of %s is not used: %s", layer.digest, error)
            listed = None
        if listed is not None:
            return listed
        return self._contents_of(image, layer).members(holds=_is_account_file)

    def _contents_of(self, image: BaseImage, layer: Descriptor) -> LayerContents:
        known = self._contents.get(layer.digest)
        if known is None:
            known = LayerContents(lambda: _blob(image, layer), max_archive_bytes=self._max_bytes)
            self._contents[layer.digest] = known
        return known

    # --- what is remembered ---------------------------------------------------------

    def _remembered(self, key: str, image: BaseImage) -> Tree | None:
        by_digest = {str(layer.digest): layer for layer in image.manifest.layers}

        def contents(digest: str) -> ListedLayer:
            layer = by_digest[digest]
            return ListedLayer(image.source, layer.digest, self._contents_of(image, layer))

        for number, folder in enumerate(self._folders):
            path = folder / key
            try:
                packed = path.read_bytes()
                tree = unpack_list(packed, contents)
            except OSError:
                continue
            except (InvalidListError, KeyError) as error:
                _logger.debug("The file list %s is not used: %s", path, error)
                continue
            with suppress(OSError):
                path.touch()  # the lists longest unused are the first to go
            if number:
                self._write(self._folders[0], key, packed)
            return tree
        return None

    def _remember(self, key: str, tree: Tree, layers: Sequence[Descriptor]) -> None:
        if not self._folders:
            return
        names = {layer: str(digest) for digest, layer in self._contents.items()}
        packed = pack_list(tree, names, [str(layer.digest) for layer in layers])
        for folder in self._folders:
            self._write(folder, key, packed)

    def _write(self, folder: Path, key: str, packed: bytes) -> None:
        try:
            write_whole(folder / key, packed)
            limit_folder(folder, MAX_FOLDER_BYTES)
        except OSError as error:
            _logger.debug("The file list %s is not kept: %s", folder / key, error)


def _keys(layers: Sequence[Descriptor]) -> list[str]:
    """Return the name of the list behind each layer."""
    hasher = hashlib.sha256(b"imagebuilders-file-list 1\n")
    found = []
    for layer in layers:
        hasher.update(f"{layer.digest}\n".encode())
        found.append(hasher.hexdigest())
    return found


def _is_account_file(entry: TarEntry) -> bool:
    return entry.size <= MAX_FILE_BYTES and clean(entry.name) in _ACCOUNTS


def _blob(image: BaseImage, layer: Descriptor) -> Iterator[bytes]:
    with image.source.open_blob(layer.digest, size=layer.size) as pieces:
        yield from pieces
