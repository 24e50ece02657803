"""New layers: made when somebody needs their bytes, and named without being made when known.

A layer's key is made of all that its archive is made of: each entry's header, and the digest of
each file's content. What a layer of a key became is remembered in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import IO

from imagebuilders.context.digest_cache import limit_folder
from imagebuilders.daemonless.layer_compression import (
    LayerCompression,
    compressed,
    compressor_version,
)
from imagebuilders.daemonless.layer_files import LayerFiles
from imagebuilders.daemonless.stored_bytes import StoredBytes, unnamed_file
from imagebuilders.daemonless.whole_files import write_whole
from imagebuilders.exceptions import BuildError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, Hasher
from imagebuilders.oci.json_document import ObjectReader, load_object
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.members import Member
from imagebuilders.oci.tar_writer import CAPABILITIES

_logger = logging.getLogger(__name__)

MAX_FOLDER_BYTES = 1024 * 1024
"""What is remembered of layers takes no more."""


@dataclass(frozen=True)
class LayerNames:
    """What a layer is called.

    Attributes:
        descriptor: media type, digest and size of its blob.
        diff_id: the digest of its archive, uncompressed.
    """

    descriptor: Descriptor
    diff_id: Digest


@dataclass(frozen=True)
class NewLayer:
    """A layer that a build makes.

    Attributes:
        members: its entries, in order.
        key: all that it is made of.
    """

    members: Sequence[Member] = field(repr=False)
    key: str


class NewLayers:
    """The new layers of a build; may be used by several threads. Use as a context manager.

    Args:
        compression: what they are compressed with.
        folder: where names of layers are remembered; `None` not to do so.
        latest: later times become this one, in seconds since 1970.
    """

    def __init__(
        self,
        compression: LayerCompression,
        folder: Path | None,
        *,
        latest: int | None = None,
    ) -> None:
        self._compression = compression
        self._folder = folder
        self._latest = latest
        self._version = compressor_version(compression)
        self._names: dict[str, LayerNames] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._lock = threading.RLock()
        self._open = ExitStack()
        self._contents = self._open.enter_context(LayerFiles())

    def __enter__(self) -> NewLayers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def layer(self, members: Sequence[Member]) -> NewLayer:
        """Return the layer of some entries; it is not made yet.

        Raises:
            ImageBuilderError: a file of it cannot be read.
        """
        with self._lock:
            self._contents.fetch(members)
            return NewLayer(members, self._key(members))

    def names(self, layer: NewLayer) -> LayerNames:
        """Return what a layer is called; it is made unless that is known.

        Raises:
            ImageBuilderError: a file of it cannot be read, or has changed.
            BuildError: it cannot be written.
        """
        with self._lock:
            if layer.key not in self._names:
                known = self._remembered(layer.key)
                if known is None:
                    self._make(layer)
                else:
                    self._names[layer.key] = known
            return self._names[layer.key]

    def is_made(self, layer: NewLayer) -> bool:
        """Return whether the layer's bytes are there already."""
        return layer.key in self._files

    def open(self, layer: NewLayer) -> IO[bytes]:
        """Open a layer's blob, which is made if it is not there; to be closed by the caller.

        Raises:
            ImageBuilderError: a file of it cannot be read, or has changed.
            BuildError: it cannot be written.
        """
        with self._lock:
            if layer.key not in self._files:
                expected = self._names.get(layer.key)
                self._make(layer)
                if expected is not None and self._names[layer.key] != expected:
                    self._forget(layer.key)
                    raise BuildError(
                        f"The layer {expected.descriptor.digest} became another one, "
                        f"{self._names[layer.key].descriptor.digest}: what is remembered of it is "
                        "wrong, and is forgotten now. Build again."
                    )
            size = self._names[layer.key].descriptor.size
            return io.BufferedReader(StoredBytes(self._files[layer.key].fileno(), 0, size))

    # --- inside -----------------------------------------------------------------------

    def _make(self, layer: NewLayer) -> None:
        """Write the layer's blob into a file that has no name."""
        archive, blob = Hasher(), Hasher()
        try:
            stored = self._open.enter_context(unnamed_file())
            written = (
                _noted(piece, archive) for piece in write_layer(layer.members, latest=self._latest)
            )
            with closing(compressed(written, self._compression)) as pieces:
                for piece in pieces:
                    blob.update(piece)
                    stored.write(piece)
            stored.flush()
        except OSError as error:
            raise BuildError(
                f"A layer cannot be written: {error.strerror or error}. It is written into the "
                "folder for temporary files, which TMPDIR names."
            ) from error
        descriptor = Descriptor(self._compression.media_type, blob.digest(), blob.size)
        self._files[layer.key] = stored
        self._names[layer.key] = LayerNames(descriptor, archive.digest())
        self._remember(layer.key)

    def _key(self, members: Sequence[Member]) -> str:
        hasher = hashlib.sha256()
        head = [1, self._compression.value, self._latest, self._version]
        hasher.update(json.dumps(head).encode())
        for member in members:
            hasher.update(json.dumps(self._record(member)).encode())
        return hasher.hexdigest()

    @staticmethod
    def _record(member: Member) -> list[object]:
        file = member.file
        content = ""
        if file.kind == "file" and not member.hard_link:
            found = file.content.digest() if file.content is not None else Digest.of(file.data)
            content = str(found)
        return [
            member.name,
            member.hard_link,
            file.kind,
            file.mode,
            file.uid,
            file.gid,
            file.mtime,
            file.link,
            file.device,
            dict(file.xattrs).get(CAPABILITIES, ""),
            file.size,
            content,
        ]

    # --- what is remembered ---------------------------------------------------------

    def _remembered(self, key: str) -> LayerNames | None:
        if self._folder is None:
            return None
        try:
            content = (self._folder / key).read_bytes()
            fields = ObjectReader(load_object(content, "the record"), "the record")
            descriptor = fields.child("descriptor")
            if descriptor is None:
                return None
            found = LayerNames(
                Descriptor.from_json(descriptor), Digest.parse(fields.required_text("diff_id"))
            )
        except (OSError, ImageFormatError) as error:
            _logger.debug("Nothing is known of the layer %s: %s", key, error)
            return None
        with suppress(OSError):
            (self._folder / key).touch()  # what is longest unused is the first to go
        return found

    def _remember(self, key: str) -> None:
        if self._folder is None:
            return
        names = self._names[key]
        record = {"descriptor": names.descriptor.to_json(), "diff_id": str(names.diff_id)}
        try:
            write_whole(self._folder / key, json.dumps(record).encode())
            limit_folder(self._folder, MAX_FOLDER_BYTES)
        except OSError as error:
            _logger.debug("The name of the layer %s is not kept: %s", key, error)

    def _forget(self, key: str) -> None:
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / key).unlink()


def _noted(piece: bytes, hasher: Hasher) -> bytes:
    hasher.update(piece)
    return piece
