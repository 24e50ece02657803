"""The file trees that steps are evaluated over: build contexts of this machine, and bases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuilders.build_context import BuildContext
from imagebuilders.context.archive import fixed_mtime
from imagebuilders.context.content import ContentReader
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.daemonless.base_images import BaseImages
from imagebuilders.daemonless.file_lists import FileLists
from imagebuilders.evaluation.contents import context_tree
from imagebuilders.evaluation.steps import ContextOrigin, ImageOrigin
from imagebuilders.evaluation.trees import Folder, folder_of

_SECOND_NS = 10**9
_HEX_DIGITS = 16


class BuildTrees:
    """Says what files there are; shared by the platforms of a build.

    It is what `imagebuilders.evaluation.execution.Executor` asks (`Trees`).

    Args:
        snapshot: the build context.
        folders: the folders of named contexts, by name.
        images: knows the bases.
        file_lists: knows their files.
        reader: reads the contexts' files.
        now: the time of the contexts' roots, in nanoseconds since 1970.
        has_content_times: files of contexts get times that tell nothing but their content.
    """

    def __init__(
        self,
        snapshot: ContextSnapshot,
        folders: Mapping[str, str],
        images: BaseImages,
        file_lists: FileLists,
        reader: ContentReader,
        now: Callable[[], int],
        *,
        has_content_times: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._folders = folders
        self._images = images
        self._file_lists = file_lists
        self._reader = reader
        self._now = now
        self._has_content_times = has_content_times
        self._contexts: dict[str, Folder] = {}

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the files of an image or a build context.

        Raises:
            ImageBuilderError: they cannot be had.
        """
        if isinstance(origin, ImageOrigin):
            image = self._images.image(origin.reference, origin.platform)
            return folder_of(self._file_lists.tree(image))
        if origin.name not in self._contexts:
            self._contexts[origin.name] = self._context(origin.name)
        return self._contexts[origin.name]

    def _context(self, name: str) -> Folder:
        snapshot = self._snapshot
        if name:
            snapshot = BuildContext(self._folders[name]).snapshot(rewrite_ignore_files=False)
        hashes = {
            entry.path: content
            for entry, content in snapshot.hashed_entries()
            if entry.type is EntryType.FILE
        }
        if not self._has_content_times:
            return context_tree(snapshot, self._reader, self._now, hashes=hashes)
        fixed = fixed_mtime() * _SECOND_NS

        def time_of(entry: Entry) -> int:
            content = hashes.get(entry.path, "0")
            return fixed + int(content[:_HEX_DIGITS], 16) % _SECOND_NS

        return context_tree(snapshot, self._reader, self._now, hashes=hashes, time_of=time_of)
