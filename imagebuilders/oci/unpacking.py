"""Unpacking an archive's entries onto files, as a program does whose root is a folder of them.

The links that the files have, or that the archive brings, are followed by the rules of
path_resolution(7), never out of the root. What was unpacked before an entry fails stays.

The module is longer because all in which programs differ is decided in one place.
"""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress

from imagebuilders.exceptions import UnpackError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.file_tree import File, Tree, ancestors, new_inode, parent
from imagebuilders.oci.members import Member
from imagebuilders.oci.owners import with_settled_owners
from imagebuilders.oci.rooted_files import (
    ENDLESS,
    ESCAPES,
    EXISTS,
    MISSING,
    NOT_A_FOLDER,
    TOO_LONG,
    Files,
    PathError,
    RootedFiles,
    is_local,
)

_LINK_MODE = 0o777
_LONGEST_TARGET = 4095
_OPERATIONS = {"file": "open", "dir": "mkdir", "symlink": "symlink"}


@dataclass(frozen=True)
class UnpackRules:
    """What programs that unpack do differently.

    Attributes:
        follows_dangling: the folders of an entry are made where a link leads to nothing.
        refuses_escapes: links and names that lead above the root are refused; else the root is
            above itself.
        keeps_inside: hard links and symbolic links that lead out of the folder that is written
            to are refused.
        keeps_kinds: nothing takes a folder's place but a folder, and no folder anything else's.
        keeps_folder: an entry of the folder itself that is written to means nothing.
        links_take_entries: a hard link's entry gives its mode, owner and time to the file.
        tells_lost_folders: a folder that is none any more when it gets its time is an error.
    """

    follows_dangling: bool = True
    refuses_escapes: bool = False
    keeps_inside: bool = False
    keeps_kinds: bool = False
    keeps_folder: bool = False
    links_take_entries: bool = False
    tells_lost_folders: bool = False


class Unpacker:
    """Unpacks entries one after the other; call `finish` after the last.

    Args:
        files: what is written to.
        root: the folder of the files out of which nothing leads.
        folder: the folder below the root that the archive is unpacked in.
        now: the time of folders that the archive does not list, in seconds since 1970.
        rules: see `UnpackRules`.
        lower: files that hard links may lead to, too, and that get their numbers then.
    """

    def __init__(
        self,
        files: Files,
        *,
        root: str = "",
        folder: str = "",
        now: int = 0,
        rules: UnpackRules | None = None,
        lower: Tree | None = None,
    ) -> None:
        self._rules = rules or UnpackRules()
        self._files = RootedFiles(files, root, now=now, refuses_escapes=self._rules.refuses_escapes)
        self._folder = folder
        self._now = now
        self._lower: Tree = {} if lower is None else lower
        self._times: list[tuple[str, File]] = []

    @property
    def implied(self) -> set[str]:
        """The folders that were made because something is below them."""
        return self._files.implied

    # --- entries --------------------------------------------------------------

    def add(self, member: Member) -> str:
        """Unpack one entry; where it went, among all the files.

        Raises:
            UnpackError: there is no place for it.
        """
        path = self._path(member)
        if path is None or path == self._folder:
            self._add_folder_itself(path, member)
            return self._files.full(self._folder)
        self._make_parents(path)
        file = _since_1970(with_settled_owners(member.file))
        is_link = member.is_hard_link
        operation = "link" if is_link else _OPERATIONS.get(file.kind, "mknod")
        place = self._placed(path, operation, self._first_path(member))
        self._make_room(place, path, member)
        if is_link:
            file = self._linked(member, file, path)
        elif file.kind == "symlink":
            self._check_link(path, file.link)
            file = file._replace(mode=_LINK_MODE)
        elif file.kind == "other":
            raise UnpackError("type", (path,), str(ord(member.type_flag)))
        elif file.kind == "dir":
            self._times.append((path, file))
        elif member.size > file.size:  # the archive ends in it
            file = File("file", file.mode, mtime=self._now, data=file.data)
        self._files.put(place, file)
        return self._files.full(place)

    def make_folders(self, member: Member) -> str:
        """Make the folders above an entry that is not unpacked itself; where they are.

        Raises:
            UnpackError: something on the way is no folder.
        """
        path = self._path(member) or ""
        self._make_parents(path)
        return self._files.full(self._placed(parent(path), "stat", follow=True))

    def finish(self) -> None:
        """Set the times of the folders, now that nothing is written to them any more."""
        for path, file in self._times:
            if self._rules.tells_lost_folders:
                self._find_folder(path)
            with suppress(PathError):
                place = self._files.walk(path)
                if (found := self._files.get(place)) is not None and self._files.full(place):
                    self._files.change(place, _as_late(found, file))

    def _find_folder(self, path: str) -> None:
        try:
            if self._files.get(self._files.walk(path)) is None:
                raise PathError(MISSING)
        except PathError as fault:
            raise UnpackError("chtimes", (path,), str(fault)) from fault

    def _path(self, member: Member) -> str | None:
        """Return where an entry goes, relative to the root; `None` for the folder above it."""
        name = member.name
        if self._rules.refuses_escapes and not is_local(name or "."):
            raise UnpackError("name", (member.stored_name,), "it leads out")
        name = posixpath.normpath(name)
        path = _joined(self._folder, name)
        if not _is_below(path, self._folder):
            if name == "..":
                return None
            raise UnpackError("name", (name,), "it leads out")
        return path

    def _add_folder_itself(self, path: str | None, member: Member) -> None:
        """An entry `/` is of the folder that is written to; `.` is not, nor what is above it."""
        is_meant = path is not None and posixpath.normpath(member.name) != "."
        is_there = self._files.full(self._folder) != "" and not self._rules.keeps_folder
        if is_meant and is_there and not self._rules.refuses_escapes and member.file.kind == "dir":
            self._files.put(self._folder, member.file)
            self._times.append((self._folder, member.file))

    def _make_room(self, place: str, path: str, member: Member) -> None:
        existing = self._files.get(place)
        if existing is None:
            return
        is_folder = member.file.kind == "dir"
        was_folder = existing.kind == "dir"
        if self._rules.keeps_kinds and was_folder != is_folder:
            raise UnpackError("overwrite", (path,), "a folder" if was_folder else "not a folder")
        if not (was_folder and is_folder):
            self._files.remove(place)

    def _check_link(self, path: str, link: str) -> None:
        if not link or len(os.fsencode(link)) > _LONGEST_TARGET:
            reason = TOO_LONG if link else MISSING
            raise UnpackError("symlink", (link, path), reason)
        if not self._rules.keeps_inside:
            return
        target = _joined(parent(path), link)
        if not f"/{target}".startswith(f"/{self._folder}"):
            raise UnpackError("link target", (link, path), "it leads out")

    def _linked(self, member: Member, entry: File, path: str) -> File:
        """Make the file that a hard link leads to one of several names of it."""
        target = member.hard_link
        if self._rules.refuses_escapes and not is_local(target):
            raise UnpackError("hard link target", (target, path), "it leads out")
        place = _joined(self._folder, target)
        if self._rules.keeps_inside and not f"/{place}".startswith(f"/{self._folder}"):
            raise UnpackError("hard link target", (target, place), "it leads out")
        found, source = self._target(place, path)
        if source.kind == "dir":
            raise UnpackError("link", (place, path), "operation not permitted")
        if self._rules.links_take_entries and source.kind != "symlink":
            source = source._replace(mode=entry.mode, uid=entry.uid, gid=entry.gid)
            source = _as_late(source, entry)
            self._files.change(found, source)
        return source

    def _target(self, place: str, path: str) -> tuple[str, File]:
        """Return what a hard link leads to, with a number, and where it is."""
        found = place
        try:
            found = self._files.walk(place, follow=False)
            source = self._files.get(found)
        except PathError as fault:
            if self._rules.refuses_escapes and str(fault) in (ESCAPES, ENDLESS):
                raise UnpackError("stat", (parent(place),), str(fault)) from fault
            if place not in self._lower:
                raise UnpackError("link", (place, path), str(fault)) from fault
            source = None
        if source is None and place in self._lower:
            self._lower[place] = source = _numbered(self._lower[place])
        elif source is None:
            raise UnpackError("link", (place, path), MISSING)
        elif not source.inode and source.kind != "dir":
            source = _numbered(source)
            self._files.change(found, source)
        return found, source

    # --- folders --------------------------------------------------------------

    def _make_parents(self, path: str) -> None:
        """Make the folders of an entry, as far as they are not there."""
        folder = parent(path)
        if not folder:
            return
        follow = self._rules.follows_dangling
        try:
            is_missing = self._files.get(self._files.walk(folder, follow=follow)) is None
        except PathError as fault:
            is_missing = str(fault) == MISSING
            if follow and not is_missing:
                raise UnpackError("stat", (folder,), str(fault)) from fault
        if is_missing:
            for step in [*ancestors(folder), folder]:
                self._make_folder(step)

    def _make_folder(self, path: str) -> None:
        if self._rules.follows_dangling:
            self._follow(path)
            return
        try:
            place = self._files.walk(path)
            found = self._files.get(place)
            if found is None and place:
                if self._files.get(self._files.walk(path, follow=False)) is not None:
                    raise PathError(EXISTS)
                self._files.imply(place)
            elif found is not None and found.kind != "dir":
                raise PathError(NOT_A_FOLDER)
        except PathError as fault:
            # A link to nothing is there, but is no folder.
            reason = EXISTS if str(fault) == MISSING else str(fault)
            raise UnpackError("mkdir", (path,), reason) from fault

    def _follow(self, path: str) -> None:
        """Make a folder, and all that links on the way to it lead through."""
        try:
            self._files.walk(path, make=True)
        except PathError as fault:
            raise UnpackError("stat", (path,), str(fault)) from fault

    # --- paths ----------------------------------------------------------------

    def _first_path(self, member: Member) -> tuple[str, ...]:
        """Return what stands before an entry's path in the call that makes it."""
        if member.is_hard_link:
            return (_joined(self._folder, member.hard_link),)
        return (member.file.link,) if member.file.kind == "symlink" else ()

    def _placed(
        self, path: str, operation: str, first: tuple[str, ...] = (), *, follow: bool = False
    ) -> str:
        """Return where an entry goes, with the links of its folders followed."""
        try:
            return self._files.walk(path, follow=follow)
        except PathError as fault:
            raise UnpackError(operation, (*first, path), str(fault)) from fault


def _since_1970(file: File) -> File:
    """Return a file whose time can be set: those who unpack take the epoch for an earlier one."""
    return file if file.mtime >= 0 else file._replace(mtime=0, nanoseconds=0)


def _as_late(file: File, other: File) -> File:
    return file._replace(mtime=other.mtime, nanoseconds=other.nanoseconds)


def _numbered(file: File) -> File:
    return file if file.inode else file._replace(inode=new_inode())


def _joined(folder: str, name: str) -> str:
    return posixpath.normpath(f"/{folder}/{name}").strip("/")


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
