"""An image as a person sees it: its configuration, and its files, all layers together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from imagebuilders.oci.file_tree import File, Tree, UnresolvedPathError, children, clean, resolve
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.members import Member

from .comparison import SHOWN, Content, content_of, differences, expected_contents

_KINDS = {
    "file": "file",
    "dir": "directory",
    "symlink": "symbolic link",
    "char": "character device",
    "block": "block device",
    "fifo": "fifo",
}
_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")
_GLOB_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class LayerEntries(Protocol):
    """A layer, as far as a view wants to know it."""

    @property
    def digest(self) -> str:
        """What it is known by."""
        ...

    @property
    def members(self) -> Sequence[Member]:
        """What is in it."""
        ...


@dataclass(frozen=True)
class ImageFile:
    """One entry of an image's file system.

    Attributes:
        path: absolute, as the container sees it.
        kind: `file`, `directory`, `symbolic link`, `hard link`, `fifo`, `character device`
            or `block device`.
        size: bytes; 0 unless it is a file.
        mode: the permission bits.
        uid: the owner's number.
        gid: the group's number.
        target: where a link points to; empty for all else.
        layer: the digest of the layer it comes from.
    """

    path: str
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    target: str
    layer: str


class ImageView(Mapping[str, File]):
    """An image, made for assertions.

    A path means the same with a leading slash and without. Iterating gives the paths of
    all but directories, sorted and without one; `in` and `[…]` know directories as well.

    It equals a mapping that has each of these paths with its content: text or bytes, and for
    a symbolic link an arrow with its target, as in `-> lib/app`; or with its `File`.

    Args:
        title: what errors call the image.
        tree: its files.
        config: its configuration document.
        layers: the lowest first.
        below: a folder to take for the root.

    Raises:
        LookupError: there is no such folder.
    """

    def __init__(
        self,
        title: str,
        tree: Tree,
        config: Mapping[str, object],
        layers: Sequence[LayerEntries],
        *,
        below: str = "",
    ) -> None:
        self.config = config
        """The configuration document."""
        self._tree = tree
        self._layers = layers
        self.title = title
        """What errors call it."""
        self._root = self._folder(below)
        if clean(below):
            self.title = f"{title}, below /{clean(below)}"
        skip = len(self._root) + 1 if self._root else 0
        self._files = {path[skip:]: tree[path] for path in children(tree, self._root)}

    def _folder(self, below: str) -> str:
        try:
            root = resolve(self._tree, below)
        except UnresolvedPathError:
            root = clean(below)
        file = self._tree.get(root)
        if not root or (file is not None and file.kind == "dir"):
            return root
        place = f"/{clean(below)} in the image {self.title}"
        if file is not None:
            raise self._missing(f"{place} is a {_KINDS[file.kind]}, not a folder")
        raise self._missing(f"no folder {place}{near(below, self._tree)}")

    def _missing(self, message: str) -> LookupError:
        """Make the error of something that is not in the image."""
        return LookupError(message)

    # --- which files ----------------------------------------------------------

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and clean(path) in self._files

    def __getitem__(self, path: str) -> File:
        return self._files[clean(path)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.find())

    def __len__(self) -> int:
        return len(self.find())

    def find(self, pattern: str = "**") -> list[str]:
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
            raise self._missing(f"/{clean(path)} in the image {self.title} {what}")
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

    def file(self, path: str) -> ImageFile:
        """All about an entry, and which layer it comes from; links are not followed.

        Raises:
            LookupError: there is none.
        """
        self._file(path)
        return self._described(f"{self._root}/{clean(path)}".strip("/"))

    def _file(self, path: str) -> File:
        wanted = clean(path)
        if wanted not in self._files:
            known = near(wanted, self._files)
            raise self._missing(f"no /{wanted} in the image {self.title}{known}")
        return self._files[wanted]

    def _described(self, path: str) -> ImageFile:
        file, (layer, link) = self._tree[path], self._origins[path]
        return ImageFile(
            path=f"/{path[len(self._root) :].lstrip('/')}",
            kind="hard link" if link else _KINDS[file.kind],
            size=0 if link else len(file.data),
            mode=file.mode,
            uid=file.uid,
            gid=file.gid,
            target=link or file.link,
            layer=layer,
        )

    @cached_property
    def _origins(self) -> Mapping[str, tuple[str, str]]:
        """The layer that each file comes from, and where it leads as a hard link."""
        origins: dict[str, tuple[str, str]] = {}
        tree: Tree = {}
        for layer in self._layers:
            linked = (member for member in layer.members if member.hard_link)
            links = {clean(member.name): f"/{clean(member.hard_link)}" for member in linked}
            after = apply_layer(tree, layer.members)
            for path, file in after.items():
                if tree.get(path) is not file:
                    origins[path] = (layer.digest, links.get(path, ""))
            tree = after
        return origins

    # --- all of them ----------------------------------------------------------

    def contents(self) -> dict[str, Content]:
        """What the image is compared by: text where it is UTF-8, else bytes."""
        return {path: content_of(self._files[path]) for path in self.find()}

    def diff(
        self, expected: Mapping[str, Content | File] | Mapping[str, Content] | Mapping[str, File]
    ) -> list[str]:
        """What differs from what was expected, in lines for people; empty when nothing does."""
        return differences(self.contents(), expected_contents(expected))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping):
            return self.contents() == expected_contents(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        paths = self.find()
        more = f", … {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        return f"<{type(self).__name__} of {self.title}: {', '.join(paths[:SHOWN])}{more}>"

    # --- the configuration ----------------------------------------------------

    @property
    def layers(self) -> list[str]:
        """The digests of the layers, the lowest first."""
        return [layer.digest for layer in self._layers]

    @property
    def history(self) -> list[Mapping[str, object]]:
        """How it was made, the first step first."""
        return [step for step in _list(self.config.get("history")) if isinstance(step, dict)]

    @property
    def settings(self) -> Mapping[str, object]:
        """What the container is run with: the configuration's `config` object."""
        value = self.config.get("config")
        return value if isinstance(value, dict) else {}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables."""
        pairs = (str(pair).partition("=") for pair in _list(self.settings.get("Env")))
        return {name: value for name, _, value in pairs}

    @property
    def labels(self) -> dict[str, str]:
        """The labels."""
        value = self.settings.get("Labels")
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    @property
    def entrypoint(self) -> list[str]:
        """The entrypoint's words."""
        return [str(word) for word in _list(self.settings.get("Entrypoint"))]

    @property
    def cmd(self) -> list[str]:
        """The command's words."""
        return [str(word) for word in _list(self.settings.get("Cmd"))]

    @property
    def command(self) -> list[str]:
        """The same as `cmd`."""
        return self.cmd

    @property
    def working_dir(self) -> str:
        """Where it runs; empty where nothing is said."""
        return str(self.settings.get("WorkingDir") or "")

    @property
    def user(self) -> str:
        """The user it runs as; empty where nothing is said."""
        return str(self.settings.get("User") or "")

    @property
    def platform(self) -> str:
        """As in `linux/amd64`."""
        return f"{self.config.get('os', '')}/{self.config.get('architecture', '')}"


def near(path: str, known: Iterable[str]) -> str:
    """What of that which is there could have been meant, as the end of an error."""
    similar = difflib.get_close_matches(clean(path), list(known), n=3)
    return f"; there is /{', /'.join(similar)}" if similar else ""


def _compiled(pattern: str) -> re.Pattern[str]:
    expression, end = "", 0
    for found in _GLOB.finditer(pattern):
        part = found.group()
        expression += re.escape(pattern[end : found.start()])
        expression += _GLOB_PARTS.get(part) or part.replace("[!", "[^")
        end = found.end()
    return re.compile(expression + re.escape(pattern[end:]), re.DOTALL)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
