"""An ignore file as a whole: which paths of a tree do its patterns keep?

Patterns are tried in order. A path is dropped when the last pattern that hits it is
not negated; a pattern that hit the parent folder hits everything below it too. As in
Docker, a pattern is tried on a path only when its answer could change the outcome so
far, and only what was tried is handed down. Hence `foo/bar` followed by `!foo` keeps
`foo/bar` out, and `foo`, `!foo/a.py`, `foo` keeps `foo/a.py` in
(`MatchesUsingParentResults` of https://github.com/moby/patternmatcher).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagebuilders.context.patterns import Pattern, PatternSyntaxError, compile_pattern


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
    """Compiled patterns, in order."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        self.patterns: tuple[Pattern, ...] = tuple(patterns)

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
                try:
                    hit = pattern.matches(path)
                except PatternSyntaxError as error:
                    raise RuleError(pattern.text, pattern.line, str(error)) from error
            if hit:
                hits |= 1 << index
                excluded = not pattern.negated
                decisive = index
        return Verdict(excluded, hits, decisive)

    def may_keep_below(self, path: str, hits: int) -> bool:
        """Say whether anything below a dropped directory can be kept.

        It cannot when no negated pattern that has not hit the directory yet could hit a path
        below it: then the directory need not be opened.
        """
        below = path + "/"
        return any(
            pattern.negated and not hits >> index & 1 and pattern.may_match_below(below)
            for index, pattern in enumerate(self.patterns)
        )
