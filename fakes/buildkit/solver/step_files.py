"""The files of a step, as a function sees them that does a command's work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass

from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.paths_in_trees import FOLDER_MODE, resolve_target
from imagebuilders.evaluation.trees import Folder, stamped
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File, clean, parent


@dataclass(frozen=True)
class MountedFiles:
    """What is mounted at a path of a step's files.

    Attributes:
        target: the path, without a slash at its beginning.
        files: what is there.
        source: the folder or file of `files` that is mounted; empty for all.
        read_only: nothing can be written.
    """

    target: str
    files: FileSystem
    source: str = ""
    read_only: bool = False


class StepFiles(MutableMapping[str, bytes]):
    """Contents by absolute path; links are followed, and mounts lie over the files.

    Args:
        root: the files of the step.
        mounts: what lies over them, in the order in which it was mounted.
    """

    def __init__(self, root: FileSystem, mounts: list[MountedFiles] | None = None) -> None:
        self._root = root
        self._mounts = mounts or []

    def __getitem__(self, path: str) -> bytes:
        files, place, _ = self._find(path)
        entry = files.place(place).entry()
        if not isinstance(entry, File):
            raise KeyError(path)
        return b"".join(entry.pieces())

    def __setitem__(self, path: str, content: str | bytes) -> None:
        files, place, mount = self._find(path)
        _check_writable(mount, path)
        write_file(files, place + "/" * path.endswith("/"), content)

    def __delitem__(self, path: str) -> None:
        files, place, mount = self._find(path)
        if files.place(place).entry() is None:
            raise KeyError(path)
        _check_writable(mount, path)
        files.place(place).remove()

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        files, place, _ = self._find(path)
        return files.place(place).entry() is not None

    def __iter__(self) -> Iterator[str]:
        yield from sorted(self._paths())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _paths(self) -> set[str]:
        found = {f"/{path}" for path in _files_of(self._root.tree)}
        for mount in self._mounts:
            found = {path for path in found if not _is_below(path[1:], mount.target)}
            entry = mount.files.place(mount.source).entry()
            if isinstance(entry, File):
                found.add(f"/{mount.target}")
            elif entry is not None:
                found |= {f"/{mount.target}/{path}" for path in _files_of(entry)}
        return found

    def _find(self, path: str) -> tuple[FileSystem, str, MountedFiles | None]:
        """Return the files that a path is in, and its place there."""
        place = resolve_target(self._root, clean(path))
        for mount in reversed(self._mounts):
            if _is_below(place, mount.target):
                below = place[len(mount.target) :].lstrip("/")
                inside = "/".join(part for part in (mount.source, below) if part)
                return mount.files, resolve_target(mount.files, inside), mount
        return self._root, place, None


def write_file(files: FileSystem, path: str, content: str | bytes | None) -> None:
    """Write, make or remove a path.

    A content of `None` removes it, a path that ends with `/` is a folder, and a content that
    begins with `#!` is executable.

    Raises:
        EvaluationError: something on the way is no folder.
    """
    place = resolve_target(files, clean(path))
    if content is None:
        files.place(place).remove()
        return
    _make_folders(files, place if path.endswith("/") else parent(place))
    if path.endswith("/"):
        return
    data = content.encode() if isinstance(content, str) else content
    entry = files.place(place).entry()
    if isinstance(entry, Folder):
        raise EvaluationError(f"open /{place}: is a directory")
    mode = 0o755 if data.startswith(b"#!") else 0o644
    kept = entry._replace(content=None) if entry is not None else File("file", mode)
    files.place(place).put(stamped(kept._replace(data=data), files.now()))


def apply_files(files: FileSystem, contents: Mapping[str, str | bytes | None]) -> None:
    """Write, make or remove paths; see `write_file`."""
    for path, content in contents.items():
        write_file(files, path, content)


def _make_folders(files: FileSystem, path: str) -> None:
    place = files.root
    for name in path.split("/") if path else ():
        place = place.child(name)
        entry = place.entry()
        if entry is None:
            place.make_folder(FOLDER_MODE)
        elif not isinstance(entry, Folder):
            raise EvaluationError(f"mkdir /{place.path}: not a directory")


def _files_of(folder: Folder) -> Iterator[str]:
    return (path for path, entry in folder.walk() if isinstance(entry, File))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/") or not folder


def _check_writable(mount: MountedFiles | None, path: str) -> None:
    if mount is not None and mount.read_only:
        raise PermissionError(f"{path}: read-only file system")
