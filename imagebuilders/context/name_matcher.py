"""Many tails at once: which of them does a name fit?

Exact names are looked up, the others are tried only on names that begin or end as they do,
so that the cost of a name hardly grows with the number of patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from imagebuilders.context.shape import Tail, TailKind
from imagebuilders.context.tokens import Test, TokenKind

_Tests = tuple[tuple[Test, int], ...]


class NameMatcher:
    """A set of tails, each with a number of its own that has one bit set."""

    def __init__(self, tails: Iterable[tuple[int, Tail]]) -> None:
        always = 0
        names: dict[str, int] = defaultdict(int)
        first: dict[str, list[tuple[Test, int]]] = defaultdict(list)
        last: dict[str, list[tuple[Test, int]]] = defaultdict(list)
        other: list[tuple[Test, int]] = []
        for bit, tail in tails:
            if tail.kind is TailKind.ANY or not (tail.text or tail.tokens):
                always |= bit
            elif tail.kind is TailKind.SAME:
                names[tail.text] |= bit
            elif tail.kind is TailKind.STARTS:
                first[tail.text[0]].append((tail.test, bit))
            elif tail.kind is TailKind.ENDS:
                last[tail.text[-1]].append((tail.test, bit))
            elif tail.tokens[0].kind is TokenKind.LITERAL:
                first[tail.tokens[0].text].append((tail.test, bit))
            elif tail.tokens[-1].kind is TokenKind.LITERAL:
                last[tail.tokens[-1].text].append((tail.test, bit))
            else:
                other.append((tail.test, bit))
        self._always = always
        self._names = {name: bits | always for name, bits in names.items()}
        self._first: dict[str, _Tests] = {char: tuple(tests) for char, tests in first.items()}
        self._last: dict[str, _Tests] = {char: tuple(tests) for char, tests in last.items()}
        self._other: _Tests = tuple(other)

    def __call__(self, name: str) -> int:
        """Give the bits of the tails that the name fits."""
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
