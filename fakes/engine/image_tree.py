"""The files of an image as an assertion wants them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from imagebuilders.oci.file_tree import (
    File,
    UnresolvedPathError,
    children,
    clean,
    resolve,
)

if TYPE_CHECKING:
    from .engine import FakeDockerEngine

Content = str | bytes
_KINDS = {
    "file": "file",
    "dir": "directory",
    "symlink": "symbolic link",
    "char": "character device",
    "block": "block device",
    "fifo": "fifo",
}
_SHOWN = 20
_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")
_GLOB_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class ImageTree:
    """The files of an image, all its layers together, made for assertions.

    A path means the same with a leading slash and without. Iterating gives the paths of
    all but directories, sorted; `in` knows directories as well.

    It equals a mapping that has each of these paths with its content: text or bytes, and for
    a symbolic link an arrow with its target, as in `-> lib/app`.
    """

    def __init__(self, engine: FakeDockerEngine, name: str, *, below: str = "") -> None:
        """Look into an image.

        Args:
            engine: where it is.
            name: its name, id or digest reference.
            below: a folder to take for the root.

        Raises:
            LookupError: when there is no such image, or no such folder in it.
        """
        self._tree = engine.image(name).tree
        self._title = f"{name}, below /{clean(below)}" if clean(below) else name
        self._root = self._folder(name, below)
        skip = len(self._root) + 1 if self._root else 0
        self._files = {path[skip:]: self._tree[path] for path in children(self._tree, self._root)}

    def _folder(self, name: str, below: str) -> str:
        try:
            root = resolve(self._tree, below)
        except UnresolvedPathError:
            root = clean(below)
        file = self._tree.get(root)
        if not root or (file is not None and file.kind == "dir"):
            return root
        place = f"/{clean(below)} in the image {name}"
        if file is not None:
            raise LookupError(f"{place} is a {_KINDS[file.kind]}, not a folder")
        raise LookupError(f"no folder {place}{self._near(below)}")

    # --- which files ----------------------------------------------------------

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and clean(path) in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths())

    def __len__(self) -> int:
        return len(self.paths())

    def paths(self, pattern: str = "**") -> list[str]:
        """The paths of all but directories that match a pattern, sorted.

        Args:
            pattern: `*` stands for any part of a name, `**` for any number of folders.
        """
        wanted = _compiled(pattern.lstrip("/"))
        kept = (path for path, file in self._files.items() if file.kind != "dir")
        return sorted(path for path in kept if wanted.fullmatch(path))

    # --- one file -------------------------------------------------------------

    def read(self, path: str) -> bytes:
        """The content of a file; links are followed.

        Raises:
            LookupError: when there is no file.
        """
        try:
            file = self._tree.get(resolve(self._tree, f"{self._root}/{clean(path)}"))
        except UnresolvedPathError:
            file = None
        if file is None or file.kind != "file":
            self._file(path)
            what = "leads to no file" if file is None else f"is a {_KINDS[file.kind]}"
            raise LookupError(f"/{clean(path)} in the image {self._title} {what}")
        return file.data

    def read_text(self, path: str, encoding: str = "utf-8") -> str:
        """As `read`, decoded."""
        return self.read(path).decode(encoding)

    def kind(self, path: str) -> str:
        """`file`, `directory`, `symbolic link`, `fifo`, `character device` or `block device`."""
        return _KINDS[self._file(path).kind]

    def mode(self, path: str) -> int:
        """The permission bits; of a link its own."""
        return self._file(path).mode & 0o7777

    def owner(self, path: str) -> tuple[int, int]:
        """The numbers of owner and group."""
        file = self._file(path)
        return file.uid, file.gid

    def link(self, path: str) -> str:
        """Where a symbolic link points to, empty for all else."""
        return self._file(path).link

    def _file(self, path: str) -> File:
        wanted = clean(path)
        if wanted not in self._files:
            raise LookupError(f"no /{wanted} in the image {self._title}{self._near(wanted)}")
        return self._files[wanted]

    def _near(self, path: str) -> str:
        known = getattr(self, "_files", self._tree)
        similar = difflib.get_close_matches(clean(path), list(known), n=3)
        return f"; there is /{', /'.join(similar)}" if similar else ""

    # --- all of them ----------------------------------------------------------

    def contents(self) -> dict[str, Content]:
        """What the tree is compared by: text where it is UTF-8, else bytes."""
        return {path: _content(self._files[path]) for path in self.paths()}

    def diff(self, expected: Mapping[str, Content] | ImageTree) -> list[str]:
        """What differs from what was expected, in lines for people; empty when nothing does."""
        have, want = self.contents(), _normal(expected)
        lines = [f"missing: {path}" for path in sorted(want.keys() - have.keys())]
        lines += [f"not expected: {path}" for path in sorted(have.keys() - want.keys())]
        for path in sorted(have.keys() & want.keys()):
            if have[path] != want[path]:
                lines.append(f"different: {path}")
                lines.extend(f"  {line}" for line in _changes(have[path], want[path]))
        return lines

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping | ImageTree):
            return self.contents() == _normal(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        paths = self.paths()
        more = f", … {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        return f"<ImageTree of {self._title}: {', '.join(paths[:_SHOWN])}{more}>"


def _content(file: File) -> Content:
    if file.kind == "symlink":
        return f"-> {file.link}"
    return _text(file.data)


def _text(data: Content) -> Content:
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _normal(expected: Mapping[str, Content] | ImageTree) -> dict[str, Content]:
    if isinstance(expected, ImageTree):
        return expected.contents()
    return {clean(path): _text(content) for path, content in expected.items()}


def _changes(have: Content, want: Content) -> list[str]:
    if isinstance(have, str) and isinstance(want, str):
        lines = difflib.unified_diff(want.splitlines(), have.splitlines(), n=1, lineterm="")
        return list(lines)[3:] or [f"expected {want!r}, found {have!r}"]
    return [f"expected {want[:40]!r}", f"found    {have[:40]!r}"]


def _compiled(pattern: str) -> re.Pattern[str]:
    expression, end = "", 0
    for found in _GLOB.finditer(pattern):
        part = found.group()
        expression += re.escape(pattern[end : found.start()])
        expression += _GLOB_PARTS.get(part) or part.replace("[!", "[^")
        end = found.end()
    return re.compile(expression + re.escape(pattern[end:]), re.DOTALL)


def explain(op: str, left: object, right: object) -> list[str] | None:
    """The lines in which pytest explains a comparison that failed, `None` for any other."""
    if op == "==" and isinstance(left, ImageTree) and isinstance(right, Mapping | ImageTree):
        return [f"{left._title} == what was expected", *left.diff(right)]
    if op == "==" and isinstance(right, ImageTree) and isinstance(left, Mapping):
        return explain(op, right, left)
    if op == "in" and isinstance(right, ImageTree) and isinstance(left, str):
        near = right._near(left)
        return [f"{left!r} in the image {right._title}{near}", *right.paths()[:_SHOWN]]
    return None
