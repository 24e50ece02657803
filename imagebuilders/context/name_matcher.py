"""Many tests of names at once: which of them does a name pass?

Exact names are looked up, the others are tried only on names that begin or end as they do,
so that the cost of a name hardly grows with the number of patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from imagebuilders.context.split_pattern import BasenameKind, BasenameTest
from imagebuilders.context.tokens import Test, TokenKind

_Tests = tuple[tuple[Test, int], ...]


class NameMatcher:
    """A set of tests, each with a number of its own that has one bit set."""

    def __init__(self, tests: Iterable[tuple[int, BasenameTest]]) -> None:
        always = 0
        names: dict[str, int] = defaultdict(int)
        first: dict[str, list[tuple[Test, int]]] = defaultdict(list)
        last: dict[str, list[tuple[Test, int]]] = defaultdict(list)
        other: list[tuple[Test, int]] = []
        for bit, basename in tests:
            if basename.kind is BasenameKind.ANY or not (basename.text or basename.tokens):
                always |= bit
            elif basename.kind is BasenameKind.SAME:
                names[basename.text] |= bit
            elif basename.kind is BasenameKind.STARTS:
                first[basename.text[0]].append((basename.test, bit))
            elif basename.kind is BasenameKind.ENDS:
                last[basename.text[-1]].append((basename.test, bit))
            elif basename.tokens[0].kind is TokenKind.LITERAL:
                first[basename.tokens[0].text].append((basename.test, bit))
            elif basename.tokens[-1].kind is TokenKind.LITERAL:
                last[basename.tokens[-1].text].append((basename.test, bit))
            else:
                other.append((basename.test, bit))
        self._always = always
        self._names = {name: bits | always for name, bits in names.items()}
        self._first: dict[str, _Tests] = {char: tuple(tests) for char, tests in first.items()}
        self._last: dict[str, _Tests] = {char: tuple(tests) for char, tests in last.items()}
        self._other: _Tests = tuple(other)

    def __call__(self, name: str) -> int:
        """Return the bits of the tests that the name passes."""
        bits = self._names.get(name, self._always)
        if name[0] in self._first:
            for test, bit in self._first[name[0]]:
                if test(name):
                    bits |= bit
        if name[-1] in self._last:
            for test, bit in self._last[name[-1]]:
                if test(name):
                    bits |= bit
        for test, bit in self._other:
            if test(name):
                bits |= bit
        return bits
