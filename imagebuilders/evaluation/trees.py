"""File trees that share what they have in common.

A tree is a folder. What stands in it never changes once the step that made it has ended, and two
trees tell by identity where they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagebuilders.oci.file_tree import File, Tree, ancestors, parent


class Folder:
    """A folder of a tree.

    Attributes:
        file: its mode, owner and time.
        names: what is in it. Whoever has a tree only reads them.
        lineage: the same for a folder and its copies that steps wrote into; a folder that was
            made anew at its place has another.
    """

    __slots__ = ("_writer", "file", "lineage", "names")

    def __init__(
        self,
        file: File,
        names: dict[str, File | Folder] | None = None,
        *,
        lineage: object = None,
        writer: object = None,
    ) -> None:
        self.file = file
        self.names: dict[str, File | Folder] = {} if names is None else names
        self.lineage = object() if lineage is None else lineage
        self._writer = writer

    def written_by(self, writer: object) -> Folder:
        """Return this folder if a step has copied it already, else a copy of its own."""
        if self._writer is writer:
            return self
        return Folder(self.file, dict(self.names), lineage=self.lineage, writer=writer)

    def sorted_names(self) -> list[str]:
        """Return the names in the order of their bytes."""
        return sorted(self.names, key=name_key)

    def find(self, path: str) -> File | Folder | None:
        """Return what stands at a path, no link being followed; `""` is the folder itself."""
        found: File | Folder | None = self
        for name in path.split("/") if path else ():
            if not isinstance(found, Folder):
                return None
            found = found.names.get(name)
        return found

    def find_file(self, path: str) -> File | None:
        """Return what stands at a path if it is no folder."""
        found = self.find(path)
        return found if isinstance(found, File) else None

    def walk(self, prefix: str = "") -> Iterator[tuple[str, File | Folder]]:
        """Yield everything below the folder with its path: a folder, then what is in it."""
        for name in self.sorted_names():
            entry = self.names[name]
            yield prefix + name, entry
            if isinstance(entry, Folder):
                yield from entry.walk(f"{prefix}{name}/")


def name_key(name: str) -> bytes:
    """Return the key of the order in which a daemon lists names."""
    return name.encode("utf-8", "surrogateescape")


def empty_folder() -> Folder:
    """Return a root with nothing in it."""
    return Folder(File("dir", 0o755))


def folder_of(tree: Mapping[str, File]) -> Folder:
    """Return a tree of paths as folders; a folder that is only implied has mode 0755."""
    root = Folder(tree.get("", File("dir", 0o755)))
    folders = {"": root}

    def folder_at(path: str) -> Folder:
        found = folders.get(path)
        if found is None:
            found = folders[path] = Folder(tree.get(path, File("dir", 0o755)))
            folder_at(parent(path)).names[path.rpartition("/")[2]] = found
        return found

    for path, file in tree.items():
        if not path:
            continue
        if file.kind == "dir":
            folder_at(path)
        elif all(above not in tree or tree[above].kind == "dir" for above in ancestors(path)):
            folder_at(parent(path)).names[path.rpartition("/")[2]] = file
    return root


def tree_of(root: Folder) -> Tree:
    """Return folders as a tree of paths, without the root."""
    return {path: entry.file if isinstance(entry, Folder) else entry for path, entry in root.walk()}


def merged(lower: Folder, upper: Folder) -> Folder:
    """Return a tree with another one laid over it.

    Folders are put together, with the upper one's mode, owner and time; all else replaces what
    has the same path below.
    """
    names = dict(lower.names)
    for name, entry in upper.names.items():
        below = names.get(name)
        if isinstance(entry, Folder) and isinstance(below, Folder):
            entry = merged(below, entry)
        names[name] = entry
    return Folder(upper.file, names, lineage=lower.lineage)


def stamped(file: File, nanoseconds: int) -> File:
    """Return a file with another time, in nanoseconds since 1970."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return file._replace(mtime=seconds, nanoseconds=rest)
