"""Files of a container, taken out and put in as archives."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    children,
    clean,
    parent,
    remove,
    resolve,
)
from imagebuilders.oci.layer import Member, add_member

from .. import go_text, messages
from ..errors import ApiError
from ..filesystem.overlay import Overlay
from ..images import tar
from ..versions import EngineVersion

_BLOCK = 512


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
            self._expect_folder(real_folder, asked, f"{self._root}/{real_folder}/{base}")
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
        entries = [(found.name, found.file, "")]
        prefix = f"{found.name}/".replace("//", "/")
        for below in children(self._tree, found.path):
            inside = below[len(found.path) :].lstrip("/")
            entries.append((f"{prefix}{inside}", self._tree[below], ""))
        return tar.write(entries)

    # --- in -------------------------------------------------------------------

    def unpack(self, asked: str, archive: bytes, *, keep_kinds: bool) -> None:
        """Put an archive's files below a folder; what came before a failure stays.

        Args:
            asked: the folder.
            archive: a tar, perhaps compressed.
            keep_kinds: refuse a file in the place of a folder and the other way round.

        Raises:
            ApiError: when the folder is none, or the archive cannot be put there.
        """
        folder = self._destination(asked)
        try:
            members = tar.read(_plain(archive))
        except tar.TarError as error:
            raise self._failed(str(error)) from error
        folders: list[tuple[str, int]] = []
        for member in members:
            self._add(folder, member, folders, keep_kinds=keep_kinds)
        for path, mtime in folders:
            if path in self._tree:
                self._tree[path] = self._tree[path]._replace(mtime=mtime)

    def _destination(self, asked: str) -> str:
        absolute = _absolute(asked)
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

    def _failed(self, reason: str) -> ApiError:
        return ApiError(500, messages.TAR_FAILURE(self._version, reason))

    def _add(
        self,
        folder: str,
        member: Member,
        folders: list[tuple[str, int]],
        *,
        keep_kinds: bool,
    ) -> None:
        name = posixpath.normpath(member.name)
        is_folder = member.file.kind == "dir" and not member.hard_link
        if name.startswith("../") or (name == ".." and self._version >= "28.0"):
            if self._version >= "28.0":
                shown = go_text.quote(f"{name}/" if is_folder else name)
                raise self._failed(f"invalid entry name {shown}")
            raise self._failed(f'"{name}" is outside of "/{folder}"')
        inside = clean(name)
        if not inside:
            return
        path = f"{folder}/{inside}".lstrip("/")
        existing = self._tree.get(path)
        if keep_kinds and existing is not None and (existing.kind == "dir") != is_folder:
            self._refuse_kind(folder, inside, existing)
        if member.file.kind == "symlink":
            self._check_link(folder, path, member.file.link)
        self._overlay.make_directories(parent(path))
        if member.hard_link:
            self._link(folder, path, member)
            return
        self._overlay.put(path, member.file)
        if is_folder:
            folders.append((path, member.file.mtime))

    def _refuse_kind(self, folder: str, inside: str, existing: File) -> None:
        shown = inside if self._version >= "28.0" else f"/{folder}/{inside}".replace("//", "/")
        one, other = "directory", "non-directory"
        if existing.kind != "dir":
            one, other = other, one
        raise self._failed(f'cannot overwrite {one} "{shown}" with {other} "/{folder}"')

    def _check_link(self, folder: str, path: str, link: str) -> None:
        """Older engines refuse a link that leads out of the folder that is written."""
        target = posixpath.normpath(f"/{parent(path)}/{link}")
        if self._version < "28.0" and folder and not f"{target}/".startswith(f"/{folder}/"):
            raise self._failed(f'invalid symlink "/{path}" -> "{link}"')

    def _link(self, folder: str, path: str, member: Member) -> None:
        target = f"{folder}/{clean(member.hard_link)}".lstrip("/")
        if target not in self._tree:
            raise self._failed(f"link /{target} /{path}: no such file or directory")
        remove(self._tree, path)
        add_member(self._tree, path, Member(path, File("file"), hard_link=target))
        self._overlay.touched.update((path, target))
        self._overlay.touch_directory(parent(path))


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


def _plain(archive: bytes) -> bytes:
    data = tar.decompress(archive)
    if 0 < len(data) < _BLOCK:
        raise tar.TarError("unexpected EOF")
    return data
