"""The command `find`: it walks through folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...invoking import invoke
from .expression import Expression
from .visit import Search, Visit

if TYPE_CHECKING:
    from ....process import Process


def find(process: Process) -> int:
    """Walk through folders, and test what is there."""
    words = process.arguments[1:]
    follows = ""
    while words and words[0] in ("-H", "-L", "-P"):
        follows = words.pop(0)
    starts = []
    while (
        words
        and not (words[0].startswith("-") and len(words[0]) > 1)
        and words[0] not in ("(", "!", ")")
    ):
        starts.append(words.pop(0))
    return _Walk(process, words, follows).run(starts or ["."])


class _Walk(Expression):
    """Walks, and gives each file to the expression."""

    def __init__(self, process: Process, words: list[str], follows: str) -> None:
        super().__init__(process, words, Search())
        self._follows = follows
        self._test = self.whole()

    def run(self, starts: list[str]) -> int:
        """Walk from each path, and return the exit code."""
        for start in starts:
            self._walk(start, start, 0)
        for command, batch in self._search.batches:
            if batch:
                self._process.flush()
                if invoke(self._process, [*command, *batch], complain=self._not_run):
                    self._search.code = 1
        return self._search.code

    def _walk(self, path: str, start: str, depth: int) -> None:
        files = self._process.system.files
        follow = self._follows == "-L" or (self._follows == "-H" and not depth)
        try:
            try:
                status = files.status(self._process, path, follow=follow)
            except OSError:
                if not follow:
                    raise
                status = files.status(self._process, path, follow=False)
        except OSError as error:
            self._complain(path, error)
            return
        visit = Visit(path, start, depth, status)
        self._search.prunes = False
        counts = depth >= self._search.lowest
        if counts and not self._search.depth_first:
            self._test(visit)
        if status.kind == "dir" and depth < self._search.highest and not self._search.prunes:
            try:
                names = files.names(self._process, path)
            except OSError as error:
                self._complain(path, error)
                names = []
            for name in names:
                self._walk(f"{path.rstrip('/') if path != '/' else ''}/{name}", start, depth + 1)
        if counts and self._search.depth_first:
            self._test(visit)
