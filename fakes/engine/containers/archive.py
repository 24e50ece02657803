"""Files of a container, taken out and put in as archives."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from imagebuilders.exceptions import UnpackError
from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    children,
    clean,
    resolve,
)
from imagebuilders.oci.rooted_files import MISSING
from imagebuilders.oci.tar_writer import with_hard_links, write_tar
from imagebuilders.oci.unpacking import Unpacker

from ...images import tar
from ..errors import ApiError
from ..filesystem.overlay import Overlay, Owner
from ..images.tar_styles import STYLES
from ..images.unpacking import SAFE_PATHS, rules, told, unpack
from ..versions import EngineVersion


@dataclass(frozen=True)
class Found:
    """A path of a container.

    Attributes:
        name: by which it goes into an archive.
        path: where it is, without a leading slash.
        file: what it is.
        target: where a link leads to in the end.
    """

    name: str
    path: str
    file: File
    target: str = ""


class ContainerArchive:
    """A container's files.

    Args:
        overlay: the files.
        version: of the engine.
        container: its name, for messages.
    """

    def __init__(self, overlay: Overlay, version: EngineVersion, container: str) -> None:
        self._overlay = overlay
        self._version = version
        self._container = container

    @property
    def _tree(self) -> Tree:
        return self._overlay.tree

    @property
    def _root(self) -> str:
        """How messages begin a path; older engines look from the outside."""
        return "" if self._version >= "23.0" else self._overlay.root

    # --- out ------------------------------------------------------------------

    def find(self, asked: str) -> Found:
        """A path; a slash or `/.` at its end follows a link and wants a folder.

        Raises:
            ApiError: when it is not there or cannot be looked up.
        """
        absolute = _absolute(asked)
        folder, _, base = absolute.rpartition("/")
        real_folder = self._resolved(folder, absolute)
        if base in ("", "."):
            shown = f"{self._root}/{real_folder}/{base}"
            # Newer engines look at the path itself, in a root of their own.
            self._expect_folder(real_folder, asked, absolute if self._version >= "23.0" else shown)
            root = File("dir", 0o755, mtime=self._overlay.now)
            file = self._tree.get(real_folder, root)
            return Found(_name(absolute), real_folder, file)
        path = f"{real_folder}/{base}".lstrip("/")
        self._expect_folder(real_folder, asked, f"{self._root}/{path}")
        if path not in self._tree:
            raise self._missing(asked)
        file = self._tree[path]
        target = f"/{self._resolved(path, path)}" if file.kind == "symlink" else ""
        return Found(base, path, file, target)

    def _expect_folder(self, path: str, asked: str, shown: str) -> None:
        if path and path not in self._tree:
            for above in ancestors(path):
                if self._tree.get(above, File("dir")).kind != "dir":
                    raise ApiError(500, f"lstat {shown}: not a directory")
            raise self._missing(asked)
        if path and self._tree[path].kind != "dir":
            raise ApiError(500, f"lstat {shown}: not a directory")

    def _resolved(self, path: str, asked: str) -> str:
        try:
            return resolve(self._tree, path)
        except UnresolvedPathError as error:
            if self._version >= "23.0" and clean(path) != clean(asked):
                reason = f"lstat {asked}: too many levels of symbolic links"
            else:
                shown = f"{self._root}/{clean(path)}"
                reason = f"evalSymlinksInScope: too many links in {shown}"
            raise ApiError(500, reason) from error

    def _missing(self, asked: str) -> ApiError:
        return ApiError(404, f"Could not find the file {asked} in container {self._container}")

    def pack(self, found: Found) -> bytes:
        """A tar of a path and all below it."""
        entries = [(found.name, found.file)]
        prefix = f"{found.name}/".replace("//", "/")
        for below in children(self._tree, found.path):
            inside = below[len(found.path) :].lstrip("/")
            entries.append((f"{prefix}{inside}", self._tree[below]))
        return write_tar(with_hard_links(entries), style=STYLES.of(self._version))

    # --- in -------------------------------------------------------------------

    def unpack(
        self, asked: str, archive: bytes, *, keep_kinds: bool, owner: Owner | None = None
    ) -> None:
        """Put an archive's files below a folder; what came before a failure stays.

        Args:
            asked: the folder.
            archive: a tar, perhaps compressed.
            keep_kinds: refuse a file in the place of a folder and the other way round.
            owner: of all files; each has its own when left out.

        Raises:
            ApiError: when the folder is none, or the archive cannot be put there.
        """
        folder, overlay, version = self._destination(asked), self._overlay, self._version
        # What it was asked to write to is all that a newer engine sees.
        root, below = (folder, "") if version >= SAFE_PATHS else ("", folder)
        unpacker = Unpacker(
            overlay,
            root=root,
            folder=below,
            now=overlay.now,
            rules=rules(version, keeps_kinds=keep_kinds),
        )
        try:
            unpack(overlay, archive, unpacker, owner)
        except (tar.TarError, UnpackError) as error:
            reason = error.reason if isinstance(error, UnpackError) else ""
            if reason == MISSING and version >= "23.0":
                raise self._missing(asked) from error
            raise ApiError(500, told(error, version, folder)) from error

    def check_destination(self, asked: str) -> None:
        """Refuse what is no folder.

        Raises:
            ApiError: when it is not there, or something else.
        """
        self._destination(asked)

    def _destination(self, asked: str) -> str:
        absolute = _absolute(asked)
        try:
            path = resolve(self._tree, absolute)
        except UnresolvedPathError as error:
            if self._version >= "23.0":
                raise ApiError(500, "EvalSymlinks: too many links") from error
            path = self._resolved(absolute, absolute)
        shown = f"{self._root}/{clean(absolute)}"
        if path and path not in self._tree:
            if any(self._tree.get(p, File("dir")).kind != "dir" for p in ancestors(path)):
                where = "" if self._version >= "23.0" else f"lstat {shown}: "
                raise ApiError(500, f"{where}not a directory")
            raise self._missing(asked)
        if path and self._tree[path].kind != "dir":
            if self._version >= "23.0" and absolute.endswith("/"):
                raise ApiError(500, f"lstat {shown}/: not a directory")
            raise ApiError(
                400 if self._version >= "28.0" else 500, "extraction point is not a directory"
            )
        return path


def _absolute(asked: str) -> str:
    """A path from the root, tidied; a slash or `/.` at its end stays."""
    path = posixpath.normpath(f"/{asked}").replace("//", "/")
    last = asked.rpartition("/")[2]
    if last == ".":
        return f"{path}/.".replace("//", "/")
    if not last and path != "/":
        return f"{path}/"
    return path


def _name(absolute: str) -> str:
    if absolute.endswith("/."):
        return "."
    return posixpath.basename(absolute.rstrip("/")) or "/"
