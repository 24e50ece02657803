"""An ignore file as a whole: which paths of a tree do its patterns keep?

Patterns are tried in order. A path is dropped when the last pattern that hits it is
not negated; a pattern that hit the parent folder hits everything below it too. As in
Docker, a pattern is tried on a path only when its answer could change the outcome so
far, and only what was tried is handed down. Hence `foo/bar` followed by `!foo` keeps
`foo/bar` out, and `foo`, `!foo/a.py`, `foo` keeps `foo/a.py` in
(`MatchesUsingParentResults` of https://github.com/moby/patternmatcher).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from imagebuilders.context.name_matcher import NameMatcher
from imagebuilders.context.patterns import Pattern, PatternSyntaxError, compile_pattern
from imagebuilders.context.split_pattern import (
    BasenameTest,
    DirnameKind,
    SplitPattern,
    split_pattern,
)
from imagebuilders.context.tokens import Test
from imagebuilders.lazy_dataclass import dataclass

Outcome: TypeAlias = tuple[bool, int]
"""Whether a path is excluded, and the patterns that hit it, as a bit set."""


class RuleError(ValueError):
    """A pattern is malformed.

    Attributes:
        pattern: the pattern as it was given.
        line: the number of its line, from 1; 0 when it comes from no file.
    """

    def __init__(self, pattern: str, line: int, reason: str) -> None:
        super().__init__(reason)
        self.pattern = pattern
        self.line = line


@dataclass(frozen=True)
class Verdict:
    """What the rules say of one path.

    Attributes:
        excluded: whether the path is dropped.
        decisive: the index of the pattern that decided, `None` when none hit the path.
        hits: the patterns that hit, as a bit set, to be handed to the paths below.
    """

    excluded: bool
    hits: int
    decisive: int | None


class IgnoreRules:
    """Compiled patterns, in order.

    `judge` says what they mean, one pattern after the other. `in_folder` gives the same answers
    for the names of one folder, but does not try the patterns that cannot hit there.
    """

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        self.patterns: tuple[Pattern, ...] = tuple(patterns)
        split_up: list[tuple[int, SplitPattern]] = []
        odd: list[tuple[int, Test]] = []
        self._negations: list[tuple[int, tuple[SplitPattern, ...] | None]] = []
        self._positives: list[tuple[SplitPattern, ...] | None] = []
        self._malformed = False
        for index, pattern in enumerate(self.patterns):
            bit = 1 << index
            splits = split_pattern(pattern)
            if splits is not None:
                split_up.extend((bit, split) for split in splits)
            else:
                try:
                    odd.append((bit, pattern.matches))
                except PatternSyntaxError:
                    self._malformed = True  # an error only if it is ever tried
            if pattern.negated:
                self._negations.append((bit, splits))
            else:
                self._positives.append(splits)
        self._odd = tuple(odd)
        self._folders = FolderMatcher(split_up)
        self._outcomes: dict[int, dict[int, Outcome]] = {}

    @classmethod
    def compile(cls, patterns: Sequence[str | tuple[int, str]]) -> IgnoreRules:
        """Compile patterns, each alone or with the number of its line.

        Raises:
            RuleError: one of them is malformed.
        """
        compiled = []
        for given in patterns:
            line, text = (0, given) if isinstance(given, str) else given
            try:
                compiled.append(compile_pattern(text, line=line))
            except PatternSyntaxError as error:
                raise RuleError(text, line, str(error)) from error
        return cls(compiled)

    @property
    def has_negations(self) -> bool:
        """Whether a pattern is negated (`!`)."""
        return bool(self._negations)

    def judge(self, path: str, parent_hits: int = 0) -> Verdict:
        """Judge one path, given the hits of its parent folder's verdict.

        Raises:
            RuleError: a pattern turns out to be malformed now that it is tried.
        """
        excluded = False
        hits = 0
        decisive = None
        for index, pattern in enumerate(self.patterns):
            hit: object = parent_hits >> index & 1
            if not hit and pattern.negated == excluded:
                hit = _matches(pattern, path)
            if hit:
                hits |= 1 << index
                excluded = not pattern.negated
                decisive = index
        return Verdict(excluded, hits, decisive)

    def judge_deep(self, path: str) -> list[tuple[str, Verdict]]:
        """Judge a path and the folders above it, from the top; gives each with its verdict.

        Raises:
            RuleError: a pattern turns out to be malformed now that it is tried.
        """
        verdicts = []
        hits = 0
        end = -1
        while end < len(path):
            end = path.find("/", end + 1)
            end = len(path) if end < 0 else end
            verdict = self.judge(path[:end], hits)
            hits = verdict.hits
            verdicts.append((path[:end], verdict))
        return verdicts

    def excludes(self, path: str) -> bool:
        """Say whether a path is dropped, its folders taken into account."""
        return self.judge_deep(path)[-1][1].excluded

    def in_folder(self, folder: str, hits: int) -> Callable[[str], Outcome]:
        """Return a function that judges the names in a folder.

        Args:
            folder: the folder's path with a slash at its end, `""` for the root.
            hits: the hits of the folder's own verdict.

        Raises:
            RuleError: a pattern turns out to be malformed now that it is tried; so does the
                function.
        """
        if self._malformed or "\n" in folder:
            return self._one_by_one(folder, hits)
        match = self._folders.names_in(folder)
        odd = self._odd
        outcomes = self._outcomes.setdefault(hits, {})

        def judge(name: str) -> Outcome:
            if "\n" in name:
                return one_by_one(name)
            fits = match(name)
            if odd:
                path = folder + name
                for bit, test in odd:
                    if test(path):
                        fits |= bit
            outcome = outcomes.get(fits)
            if outcome is None:
                outcome = outcomes[fits] = self._outcome(fits, hits)
            return outcome

        one_by_one = self._one_by_one(folder, hits)
        return judge

    def may_keep_below(self, folder: str, hits: int) -> bool:
        """Say whether anything below a dropped folder can be kept.

        It cannot when no negated pattern that has not hit the folder yet could hit a path below
        it: then the folder need not be opened.

        Args:
            folder: the folder's path with a slash at its end.
            hits: the hits of the folder's verdict.
        """
        for bit, splits in self._negations:
            if not hits & bit and (
                splits is None or any(split.dirname.may_fit_below(folder) for split in splits)
            ):
                return True
        return False

    def may_drop_below(self, folder: str) -> bool:
        """Say whether anything below a kept folder can be dropped.

        Args:
            folder: the folder's path with a slash at its end.
        """
        return any(
            splits is None or any(split.dirname.may_fit_below(folder) for split in splits)
            for splits in self._positives
        )

    def _one_by_one(self, folder: str, hits: int) -> Callable[[str], Outcome]:
        def judge(name: str) -> Outcome:
            verdict = self.judge(folder + name, hits)
            return verdict.excluded, verdict.hits

        return judge

    def _outcome(self, fits: int, parent_hits: int) -> Outcome:
        """Do what `judge` does, given all the patterns that fit the path by themselves."""
        excluded = False
        hits = 0
        left = fits | parent_hits
        while left:
            bit = left & -left
            left ^= bit
            negated = self.patterns[bit.bit_length() - 1].negated
            if parent_hits & bit or negated == excluded:
                hits |= bit
                excluded = not negated
        return excluded, hits


class FolderMatcher:
    """Split patterns by the folders that their tests of the folder fit."""

    def __init__(self, splits: Iterable[tuple[int, SplitPattern]]) -> None:
        self._everywhere: list[tuple[int, BasenameTest]] = []
        self._in_one: dict[str, list[tuple[int, BasenameTest]]] = defaultdict(list)
        self._tested: list[tuple[int, SplitPattern]] = []
        for bit, split in splits:
            if split.dirname.kind is DirnameKind.ANY:
                self._everywhere.append((bit, split.basename))
            elif split.dirname.kind is DirnameKind.SAME:
                self._in_one[split.dirname.text].append((bit, split.basename))
            else:
                self._tested.append((bit, split))
        self._shared = NameMatcher(self._everywhere)
        self._mixed: dict[tuple[int, ...], NameMatcher] = {}

    def names_in(self, folder: str) -> NameMatcher:
        """Return the matcher for the names in a folder (with a slash at its end)."""
        fitting = [
            (bit, split.basename) for bit, split in self._tested if split.dirname.fits(folder)
        ]
        if folder in self._in_one:
            return NameMatcher([*self._everywhere, *self._in_one[folder], *fitting])
        if not fitting:
            return self._shared
        key = tuple(bit for bit, _ in fitting)
        if key not in self._mixed:
            self._mixed[key] = NameMatcher([*self._everywhere, *fitting])
        return self._mixed[key]


def _matches(pattern: Pattern, path: str) -> object:
    try:
        return pattern.matches(path)
    except PatternSyntaxError as error:
        raise RuleError(pattern.text, pattern.line, str(error)) from error
