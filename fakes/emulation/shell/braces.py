"""Brace expansion, which bash does before all else: `a{b,c}` and `{1..3}`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from ..endings import BoundReachedError
from .syntax import Part, Text, Word

Atom = str | Part
"""An unquoted letter, or something that braces do not look into."""

_RANGE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?")
_MOST = 100_000


def expand_braces(word: Word) -> list[Word]:
    """Return the words that a word stands for."""
    if not any(
        isinstance(part, Text) and not part.is_quoted and "{" in part.text for part in word.parts
    ):
        return [word]
    atoms: list[Atom] = []
    for part in word.parts:
        if isinstance(part, Text) and not part.is_quoted:
            atoms.extend(part.text)
        else:
            atoms.append(part)
    return [_word(expanded) for expanded in _expand(atoms)]


def _word(atoms: Sequence[Atom]) -> Word:
    parts: list[Part] = []
    letters: list[str] = []
    for atom in atoms:
        if isinstance(atom, str):
            letters.append(atom)
            continue
        if letters:
            parts.append(Text("".join(letters)))
            letters = []
        parts.append(atom)
    if letters:
        parts.append(Text("".join(letters)))
    return Word(tuple(parts))


def _expand(atoms: list[Atom]) -> list[list[Atom]]:
    for start, atom in enumerate(atoms):
        if atom != "{":
            continue
        found = _group(atoms, start)
        if found is None:
            continue
        choices, stop = found
        head, tails = atoms[:start], _expand(atoms[stop + 1 :])
        middles = [inner for choice in choices for inner in _expand(choice)]
        if len(middles) * len(tails) > _MOST:
            raise BoundReachedError(f"{_MOST} words of braces")
        return [[*head, *inner, *tail] for inner in middles for tail in tails]
    return [atoms]


def _group(atoms: list[Atom], start: int) -> tuple[list[list[Atom]], int] | None:
    depth = 0
    commas: list[int] = []
    for position in range(start, len(atoms)):
        atom = atoms[position]
        if atom == "{":
            depth += 1
        elif atom == "," and depth == 1:
            commas.append(position)
        elif atom == "}":
            depth -= 1
            if depth == 0:
                if commas:
                    edges = [start, *commas, position]
                    return [atoms[a + 1 : b] for a, b in itertools.pairwise(edges)], position
                inner = atoms[start + 1 : position]
                if all(isinstance(one, str) for one in inner):
                    words = _range("".join(str(one) for one in inner))
                    if words is not None:
                        return [list(one) for one in words], position
                return None
    return None


def _range(text: str) -> list[str] | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last, step_text = match.groups()
    if first.isalpha() != last.isalpha():
        return None
    step = abs(int(step_text or 1)) or 1
    if first.isalpha():
        begin, end = ord(first), ord(last)
    else:
        begin, end = int(first), int(last)
    if abs(end - begin) // step > _MOST:
        raise BoundReachedError(f"{_MOST} words of braces")
    numbers = range(begin, end + (1 if end >= begin else -1), step if end >= begin else -step)
    if first.isalpha():
        return [chr(number) for number in numbers]
    width = 0
    if any(re.match(r"-?0\d", one) for one in (first, last)):
        width = max(len(first), len(last))
    return [f"{number:0{width}d}" for number in numbers]
