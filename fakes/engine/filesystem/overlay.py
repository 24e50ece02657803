"""A tree that is written over another, as layers are made."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    clean,
    parent,
    remove,
    resolve,
)

from .. import messages
from ..errors import StepError
from ..versions import CONTAINERD, EngineVersion


@dataclass(frozen=True)
class Owner:
    """A numeric owner."""

    uid: int
    gid: int


class Overlay:
    """A tree being written over another, remembering what was touched.

    Attributes:
        full: there is no room for another file with content.
    """

    def __init__(
        self, lower: Tree, now: int, version: EngineVersion, root_id: str = "0" * 64
    ) -> None:
        self.lower = lower
        self.tree: Tree = dict(lower)
        self.now = now
        self.touched: set[str] = set()
        self.opaque: set[str] = set()
        self.version = version
        self.full = False
        # What error messages call the root: only the first layer has none below it.
        self.root = f"/var/lib/docker/overlay2/{root_id}/{'merged' if lower else 'diff'}"
        if version.image_store == CONTAINERD:
            self.root = f"/var/lib/docker/rootfs/overlayfs/{root_id}"

    def name_as_copied_to(self) -> None:
        """Let errors name it as the place of a COPY, which containerd's store has elsewhere."""
        if self.version.image_store == CONTAINERD:
            self.root = f"/var/lib/docker/tmp/buildkit-mount{self.root[-10:]}"

    def locate(self, path: str) -> str:
        """Where a path leads.

        Raises:
            StepError: when its links lead round in circles.
        """
        try:
            return resolve(self.tree, path)
        except UnresolvedPathError as error:
            raise StepError(
                f"evalSymlinksInScope: too many links in {self.root}/{clean(path)}"
            ) from error

    def put(self, path: str, file: File) -> None:
        """Write a path; the directory that holds it gets a new time.

        Raises:
            StepError: when there is no room for it.
        """
        self.check_room(path, file)
        old = self.tree.get(path)
        if old is not None and not (old.kind == "dir" and file.kind == "dir"):
            remove(self.tree, path)
            old = None
        if old is None:
            self.touch_directory(parent(path))
            if file.kind == "dir":
                self.note_new_folder(path)
        self.tree[path] = file
        self.touched.add(path)

    def note_new_folder(self, path: str) -> None:
        """Hide what the tree below has where a folder is made."""
        if self._is_below(path):
            self.opaque.add(path)

    def _is_below(self, path: str) -> bool:
        """Whether the tree below has something at a path that was not hidden with a folder."""
        return path in self.lower and not any(above in self.opaque for above in ancestors(path))

    def get(self, path: str) -> File | None:
        """What is at a path."""
        return self.tree.get(path)

    def remove(self, path: str) -> None:
        """Take a path away, and all below it."""
        remove(self.tree, path)
        self.touch_directory(parent(path))

    def change(self, path: str, file: File) -> None:
        """Change what is at a path in place."""
        self.tree[path] = file
        self.touched.add(path)

    def make_folder(self, path: str, now: int) -> None:
        """Make a folder because something is to be below it, at a time in seconds since 1970."""
        self.put(path, File("dir", 0o755, mtime=now))

    def check_room(self, shown: str, file: File) -> None:
        """Refuse a file for which there is no room.

        Raises:
            StepError: with the path as it is shown.
        """
        if self.full and file.kind == "file" and file.data:
            raise StepError(messages.NO_SPACE(self.version, shown))

    def touch_directory(self, path: str) -> None:
        """A directory whose entries change gets the present time."""
        directory = self.tree.get(path)
        if directory is not None:
            self.tree[path] = directory._replace(mtime=self.now)
            self.touched.add(path)

    def make_directories(self, path: str, owner: Owner | None = None) -> None:
        """Create a directory and those above it, mode 0755, where they are missing.

        Raises:
            StepError: when something on the way is no directory.
        """
        for step in [*ancestors(path), path] if path else []:
            existing = self.tree.get(step)
            if existing is None:
                uid, gid = (owner.uid, owner.gid) if owner else (0, 0)
                self.put(step, File("dir", 0o755, uid, gid, self.now))
            elif existing.kind != "dir":
                raise StepError(f"mkdir {self.root}/{step}: not a directory")
