"""Which files of a context a COPY or ADD takes, and where they go.

What lies at the destination is not known here: `COPY app.py /srv` makes the file `/srv`, unless
the base has a folder there. An archive that ADD unpacks counts as the file it is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.evaluation.paths import has_wildcards
from imagebuilders.evaluation.steps import ContextOrigin, Copy, PathSource
from imagebuilders.go_text import GlobSyntaxError, clean_path, match_glob
from imagebuilders.lazy_dataclass import dataclass

_MOST_LINKS = 255


@dataclass(frozen=True)
class TakenFile:
    """A file or link that a step takes from the context.

    Attributes:
        path: in the context.
        destination: in the image; with a COPY of a single file to a path without a slash at its
            end, the file's name follows if there is a folder.
    """

    path: str
    destination: str


class TakenFiles:
    """Finds the files of a context that steps take."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Begin with a context.

        Args:
            entries: sorted, parents first, as a `ContextSnapshot` has them.
        """
        self._entries = {entry.path: entry for entry in entries}

    def of(self, step: Copy) -> tuple[TakenFile, ...]:
        """Return what a step takes of the main context, in the order in which it is copied.

        Of another origin, of URLs and here-documents nothing is told, and neither is what is
        missing. A file that is taken twice is told twice.
        """
        if step.origin != ContextOrigin():
            return ()
        found: list[TakenFile] = []
        excludes = _rules(step.excludes)
        for source in step.sources:
            if isinstance(source, PathSource):
                found += self._of_source(source, step.destination, excludes)
        return tuple(found)

    def _of_source(
        self, source: PathSource, destination: str, excludes: IgnoreRules
    ) -> Iterator[TakenFile]:
        start = self._resolve(source.path)
        if source.include:
            rules = _rules((source.include,))
            for path in self._below(start):
                relative = _relative(path, start)
                if rules.excludes(relative) and not excludes.excludes(relative):
                    yield TakenFile(path, _join(destination, relative))
            return
        for named in self._matching(source.path):
            yield from self._of_path(named, destination, excludes)

    def _of_path(self, named: str, destination: str, excludes: IgnoreRules) -> Iterator[TakenFile]:
        """Return what is at a path; a link at its end is followed, but the name stays."""
        path = self._resolve(named)
        entry = self._entries.get(path)
        if entry is not None and entry.type is not EntryType.DIRECTORY:
            name = posixpath.basename(clean_path(named))
            into = destination.endswith(("/", "/."))
            yield TakenFile(path, _join(destination, name) if into else clean_path(destination))
            return
        for below in self._below(path):
            relative = _relative(below, path)
            if not excludes.excludes(relative):
                yield TakenFile(below, _join(destination, relative))

    def _matching(self, written: str) -> list[str]:
        """Return the paths that a source names; those below a folder that matches do not count."""
        if not has_wildcards(written):
            return [written]
        pattern = clean_path(written).strip("/")
        found: list[str] = []
        for path in self._entries:
            if _matches(pattern, path) and not (found and path.startswith(f"{found[-1]}/")):
                found.append(path)
        return found

    def _below(self, folder: str) -> Iterator[str]:
        prefix = f"{folder}/" if folder else ""
        for path, entry in self._entries.items():
            if path.startswith(prefix) and entry.type is not EntryType.DIRECTORY:
                yield path

    def _resolve(self, path: str) -> str:
        """Return where a path leads to, links followed, within the context."""
        rest = [part for part in path.split("/") if part not in ("", ".")]
        found: list[str] = []
        links = 0
        while rest:
            part = rest.pop(0)
            if part == "..":
                found = found[:-1]
                continue
            entry = self._entries.get("/".join([*found, part]))
            if entry is None or entry.type is not EntryType.LINK or links == _MOST_LINKS:
                found.append(part)
                continue
            links += 1
            if entry.target.startswith("/"):
                found = []
            rest = [part for part in entry.target.split("/") if part not in ("", ".")] + rest
        return "/".join(found)


def _rules(patterns: Sequence[str]) -> IgnoreRules:
    try:
        return IgnoreRules.compile(patterns)
    except RuleError:
        return IgnoreRules()  # the step fails when it is done


def _matches(pattern: str, path: str) -> bool:
    try:
        return match_glob(pattern, path)
    except GlobSyntaxError:
        return False


def _relative(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder else path


def _join(destination: str, relative: str) -> str:
    return clean_path(f"{destination}/{relative}")
