"""What of a folder is sent: its entries, numbered in the order in which they are told.

Files of a packed folder stay packed: a run of them is taken apart only where it must be.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from imagebuilders.context.entries import Entry, EntryType, decode_path, encode_path
from imagebuilders.context.folder import Folder
from imagebuilders.context.rules import IgnoreRules, Outcome
from imagebuilders.context.status import STATE_SIZE


class Run:
    """Packed files of one folder that stand side by side.

    Attributes:
        folder: the folder.
        start, end: the numbers of the first one and of the one behind the last.
        at, stop: where the first name begins in the folder's names, and where the last one ends.
    """

    __slots__ = ("_places", "at", "end", "folder", "start", "stop")

    def __init__(self, folder: Folder, start: int, end: int, at: int, stop: int) -> None:
        self.folder = folder
        self.start = start
        self.end = end
        self.at = at
        self.stop = stop
        self._places: array[int] | None = None

    def names(self) -> list[bytes]:
        """Return the files' names."""
        return self.folder.names[self.at : self.stop - 1].split(b"\0")

    def entry(self, index: int) -> Entry:
        """Return the entry of one of the files, counted from the first."""
        if self._places is None:
            lengths = (len(name) + 1 for name in self.names()[:-1])
            self._places = array("Q", accumulate(lengths, initial=self.at))
        return self.folder.file(self.start + index, self._places[index])


Part = Entry | Run


class Selection:
    """The entries that are told, parents first, with their numbers."""

    def __init__(self, root: Folder, wanted: IgnoreRules | None = None) -> None:
        """Choose.

        Args:
            root: everything.
            wanted: the rules that hit what is sent; all is without them. Folders above what is
                sent are sent, too.
        """
        self._parts = _whole(root) if wanted is None else _hit_by(root, wanted)
        self._told: list[Part] = []
        self._firsts: list[int] = []
        self.count = 0
        """How many entries were told so far."""

    def __iter__(self) -> Iterator[tuple[int, Part]]:
        """Yield the parts that have not been told, each with its first entry's number."""
        for part in self._parts:
            first = self.count
            self.count += part.end - part.start if isinstance(part, Run) else 1
            self._firsts.append(first)
            self._told.append(part)
            yield first, part

    def paths(self) -> Iterator[str]:
        """Yield the paths of the files and links that were told."""
        for part in self._told:
            if isinstance(part, Run):
                yield from map(part.folder.prefix.__add__, map(decode_path, part.names()))
            elif part.type is not EntryType.DIRECTORY:
                yield part.path

    def entry(self, number: int) -> Entry:
        """Return an entry that was told.

        Raises:
            IndexError: none has that number.
        """
        if not 0 <= number < self.count:
            raise IndexError(number)
        index = bisect_right(self._firsts, number) - 1
        part = self._told[index]
        return part.entry(number - self._firsts[index]) if isinstance(part, Run) else part


def _steps(folder: Folder) -> Iterator[tuple[Part, Folder | None]]:
    """Yield the parts of one folder, each directory with what is in it."""
    start = at = 0
    for child in folder.children:
        if child.position > start:
            yield Run(folder, start, child.position, at, child.offset), None
        start, at = child.position, child.offset
        yield child.entry, child.folder
    count = len(folder.states) // STATE_SIZE
    if count > start:
        yield Run(folder, start, count, at, len(folder.names)), None


def _whole(root: Folder) -> Iterator[Part]:
    open_folders = [_steps(root)]
    while open_folders:
        for part, below in open_folders[-1]:
            yield part
            if below is not None:
                open_folders.append(_steps(below))
                break
        else:
            open_folders.pop()


class _Level(NamedTuple):
    """A folder that is being looked through.

    Attributes:
        steps: what is in it.
        judge: tells of a name whether the rules hit it.
        prefix: what the paths of its names begin with.
        held: the folder itself, when it is not told yet.
    """

    steps: Iterator[tuple[Part, Folder | None]]
    judge: Callable[[str], Outcome]
    prefix: str
    held: Entry | None


def _hit_by(root: Folder, wanted: IgnoreRules) -> Iterator[Part]:
    """Yield what rules hit, and the folders above it.

    Raises:
        RuleError: a pattern turns out to be malformed when it is first tried.
    """
    waiting: list[Entry] = []  # folders above, told once something in them is hit
    levels = [_Level(_steps(root), wanted.in_folder("", 0), "", None)]
    while levels:
        level = levels[-1]
        for part, below in level.steps:
            if isinstance(part, Run):
                for run in _runs_hit(part, level.judge):
                    yield from waiting
                    waiting.clear()
                    yield run
                continue
            hit, hits = level.judge(part.path[len(level.prefix) :])
            if hit:
                yield from waiting
                waiting.clear()
                yield part
            if below is None:
                continue
            prefix = f"{part.path}/"
            if hit and not wanted.has_negations:
                yield from _whole(below)
            elif hit or wanted.may_drop_below(prefix):
                if not hit:
                    waiting.append(part)
                judge = wanted.in_folder(prefix, hits)
                levels.append(_Level(_steps(below), judge, prefix, None if hit else part))
                break
        else:
            levels.pop()
            if waiting and waiting[-1] is level.held:
                waiting.pop()


def _runs_hit(run: Run, judge: Callable[[str], Outcome]) -> Iterator[Run]:
    """Yield the parts of a run that are hit."""
    start, at = run.start, run.at
    number, place = start, at
    for name in run.names():
        is_hit = judge(decode_path(name))[0]
        if not is_hit:
            if number > start:
                yield Run(run.folder, start, number, at, place)
            start, at = number + 1, place + len(name) + 1
        number += 1
        place += len(name) + 1
    if number > start:
        yield Run(run.folder, start, number, at, place)


class HardLinks:
    """Finds the files of a selection that are one file on disk."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._firsts: dict[int, dict[int, int]] = {}

    def find(self, inode: int, device: int, number: int) -> bytes:
        """Return the path that was told first for a file; empty when this is the first.

        Args:
            inode: the file's inode; 0 when it has none.
            device: the device that it is on.
            number: the number that the file is told by now.
        """
        if not inode:
            return b""
        on_device = self._firsts.get(device)
        if on_device is None:
            on_device = self._firsts[device] = {}
        first = on_device.setdefault(inode, number)
        return b"" if first == number else encode_path(self._selection.entry(first).path)
