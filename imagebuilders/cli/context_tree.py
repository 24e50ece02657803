"""A build context as a tree with sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.humanize import size
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sanitize import printable


@dataclass
class Node:
    """A file, link or folder; the sizes and numbers are those of all that is in it."""

    name: str
    is_folder: bool = False
    target: str = ""
    size: int = 0
    files: int = 0
    children: dict[str, Node] = field(default_factory=dict)


def build_tree(entries: Iterable[Entry]) -> Node:
    """Put entries into a tree, and add up sizes and numbers of files."""
    root = Node("", is_folder=True)
    for entry in entries:
        *folders, name = entry.path.split("/")
        above = [root]
        for folder in folders:
            above.append(above[-1].children.setdefault(folder, Node(folder, is_folder=True)))
        is_folder = entry.type is EntryType.DIRECTORY
        above[-1].children.setdefault(name, Node(name, is_folder, entry.target, entry.size))
        if not is_folder:
            for node in above:
                node.size += entry.size
                node.files += 1
    return root


@dataclass(frozen=True)
class Branches:
    """What a tree is drawn with."""

    middle: str = "├── "
    last: str = "└── "
    passing: str = "│   "
    beside: str = "    "


ASCII_BRANCHES = Branches("|-- ", "`-- ", "|   ")


def tree_lines(
    root: Node,
    title: str,
    *,
    depth: int | None = None,
    width: int | None = None,
    branches: Branches | None = None,
) -> Iterator[str]:
    """Draw a tree, in each folder the largest first.

    Args:
        root: the tree.
        title: what to call its root.
        depth: how many levels of folders to open; all by default.
        width: how many entries of a folder to show; all by default.
        branches: what to draw with; lines of Unicode by default.
    """
    yield f"{size(root.size):>9}  {printable(title)}{_count(root)}"
    yield from _below(root, "", depth, width, branches or Branches())


def _below(
    folder: Node, indent: str, depth: int | None, width: int | None, branches: Branches
) -> Iterator[str]:
    if depth == 0:
        return
    children = sorted(folder.children.values(), key=lambda node: (-node.size, node.name))
    # One line that says "1 more" would take as much room as the entry itself.
    shown = children if width is None or len(children) <= width + 1 else children[:width]
    rest = children[len(shown) :]
    for node in shown:
        is_last = node is children[-1]
        branch = branches.last if is_last else branches.middle
        yield f"{size(node.size):>9}  {indent}{branch}{_label(node)}"
        if node.is_folder:
            deeper = None if depth is None else depth - 1
            further = indent + (branches.beside if is_last else branches.passing)
            yield from _below(node, further, deeper, width, branches)
    if rest:
        yield f"{size(sum(node.size for node in rest)):>9}  {indent}{branches.last}{len(rest)} more"


def _label(node: Node) -> str:
    if node.is_folder:
        return f"{printable(node.name)}/{_count(node)}"
    return printable(node.name) + (f" -> {printable(node.target)}" if node.target else "")


def _count(node: Node) -> str:
    return f" ({node.files} file{'' if node.files == 1 else 's'})"
