"""Files that new layers take over from the layers of images.

A layer's archive can be read only from its beginning. So all that is needed of it is read in one
pass, in its own order, and lies in one temporary file until the build has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from types import TracebackType
from typing import IO

from imagebuilders.daemonless.stored_bytes import StoredBytes, unnamed_file
from imagebuilders.exceptions import BuildError
from imagebuilders.oci.digest import Hasher
from imagebuilders.oci.layer_contents import LayerContent, LayerContents
from imagebuilders.oci.members import Member


class LayerFiles:
    """Files of layers, stored for a build. Use as a context manager; not by two threads at once."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._stored: IO[bytes] | None = None
        self._size = 0

    def __enter__(self) -> LayerFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def fetch(self, members: Sequence[Member]) -> None:
        """Store what some entries have of layers; it is read from here afterwards.

        Raises:
            RegistryError: a layer cannot be read.
            LayerFormatError: it is malformed.
            BuildError: there is no place for the files.
        """
        wanted: dict[LayerContents, dict[int, LayerContent]] = {}
        for member in members:
            content = member.file.content
            if isinstance(content, LayerContent) and not member.hard_link and not content.is_stored:
                wanted.setdefault(content.layer, {})[content.index] = content
        for layer, contents in wanted.items():
            with closing(layer):
                for _, content in sorted(contents.items()):
                    self._store(content)
                layer.finish()

    def _store(self, content: LayerContent) -> None:
        hasher = Hasher()
        start = self._size
        try:
            if self._stored is None:
                self._stored = self._open.enter_context(unnamed_file())
            for piece in content.pieces():
                hasher.update(piece)
                self._stored.write(piece)
                self._size += len(piece)
            self._stored.flush()
        except OSError as error:
            raise BuildError(
                f"Files of a base image cannot be stored: {error.strerror or error}. They are "
                "written into the folder for temporary files, which TMPDIR names."
            ) from error
        stored = StoredBytes(self._stored.fileno(), start, content.size)
        content.store(stored.pieces, hasher.digest())
