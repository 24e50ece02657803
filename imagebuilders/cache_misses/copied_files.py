"""Which files of a context the sources of a COPY or ADD stand for, and what tells them apart.

BuildKit knows what is copied by paths, types, permissions, contents and the targets of links; not
by times. A link that is a source itself, or lies on the way to one, is followed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from imagebuilders.context.entries import EntryType
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.go_text import GlobSyntaxError, clean_path, match_glob, to_lower

if TYPE_CHECKING:
    from imagebuilders.cache_misses.fingerprints import Fingerprints
    from imagebuilders.context.snapshot import ContextSnapshot

_MAX_LINKS = 255
_WILD = frozenset("*?[\\")


class UnknownFilesError(Exception):
    """What a source stands for is not known here."""


class ContextFiles:
    """The entries of a context by path, each as permissions and a fingerprint of its content."""

    def __init__(
        self,
        marks: Mapping[str, str],
        links: Mapping[str, str],
        named: Mapping[str, ContextFiles] | None = None,
    ) -> None:
        """Take the entries.

        Args:
            marks: `MODE:FINGERPRINT` by path, the mode in octal digits.
            links: the targets of links by path.
            named: the folders that named contexts stand for, by name in lower case.
        """
        self._marks = marks
        self._links = links
        self._named = named or {}

    @classmethod
    def of(
        cls,
        snapshot: ContextSnapshot,
        fingerprints: Fingerprints,
        named: Mapping[str, ContextFiles] | None = None,
    ) -> ContextFiles:
        """Read a context; contents that are known from before are not read again.

        Args:
            snapshot: the context.
            fingerprints: of contents.
            named: the folders that named contexts stand for, by name in lower case.

        Raises:
            BuildContextError: a file cannot be read.
            ContextChangedError: a file changed since the snapshot was taken.
        """
        marks: dict[str, str] = {}
        links: dict[str, str] = {}
        for entry, content in snapshot.hashed_entries():
            is_link = entry.type is EntryType.LINK
            if is_link:
                links[entry.path] = entry.target
            mode = 0o777 if is_link else entry.mode & 0o7777
            mark = fingerprints.of(entry.type.value, content)[:16]
            marks[entry.path] = f"{mode:o}:{mark}"
        return cls(marks, links, named)

    def named(self, name: str) -> ContextFiles | None:
        """Return the folder that a named context stands for; `None` if it is no folder."""
        return self._named.get(to_lower(name))

    def copied(self, sources: Iterable[str], excludes: Iterable[str] = ()) -> dict[str, str]:
        """Return the entries that sources stand for.

        Args:
            sources: paths or patterns, relative to the context's root.
            excludes: patterns of what is left out of folders, relative to them.

        Raises:
            UnknownFilesError: they are not known.
        """
        try:
            rules = IgnoreRules.compile(list(excludes))
            found: dict[str, str] = {}
            for source in sources:
                for path in self._matching(clean_path("/" + source)[1:]):
                    found.update(self._below(path, rules))
            return found
        except (RuleError, GlobSyntaxError) as error:
            raise UnknownFilesError(str(error)) from error

    def _matching(self, source: str) -> Iterator[str]:
        if not _WILD.intersection(source):
            yield source
            return
        depth = source.count("/")
        for path in self._marks:
            if path.count("/") == depth and match_glob(source, path):
                yield path

    def _below(self, path: str, rules: IgnoreRules) -> Iterator[tuple[str, str]]:
        path = self._followed(path)
        mark = self._marks.get(path)
        if mark is not None:
            yield path, mark
        prefix = path and path + "/"
        for each, found in self._marks.items():
            if each.startswith(prefix) and not (
                rules.patterns and rules.excludes(each[len(prefix) :])
            ):
                yield each, found

    def _followed(self, path: str) -> str:
        """Return what a path leads to when every link in it is followed."""
        for _ in range(_MAX_LINKS):
            link = self._first_link(path)
            if link is None:
                return path
            rest = path[len(link) :]
            target = self._links[link]
            start = "/" if target.startswith("/") else f"/{posixpath.dirname(link)}"
            path = clean_path(f"{start}/{target}{rest}")[1:]
        raise UnknownFilesError(f"too many links on the way to {path}")

    def _first_link(self, path: str) -> str | None:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count])
            if above in self._links:
                return above
        return None
