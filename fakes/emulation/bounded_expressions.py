"""Regular expressions that end in time, whatever a script asks of them.

`re` backtracks, so that `(a+)+b` takes years of a line of forty letters, and nothing can stop it.
What could take long is matched here instead: no place of an expression is tried twice at the same
place of a text (the way of RE2's bit state), and what has back references is counted.

It is longer because the reader of the few constructs that `re` is asked for stands here as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple, cast

from .endings import BoundReachedError

_MOST_STEPS = 30_000_000
"""What `re` may need at the worst; the estimate is that each choice is as many as letters."""
_MOST_INSTRUCTIONS = 20_000
_MOST_STATES = 2_000_000
_MOST_REFERRING = 100_000

_REPETITION = re.compile(r"(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)")
_GROUP = re.compile(r"\((?:\?(:|=|!|<!|<=))?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)


def compile_bounded(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return an expression as `re.compile` does, whose matches end in time.

    Raises:
        re.error: it is none.
    """
    pattern = re.compile(source, flags)
    count, is_nested = _repetitions(source)
    if not count:
        return pattern
    return cast("re.Pattern[str]", _Bounded(pattern, 99 if is_nested else count))


def _repetitions(source: str) -> tuple[int, bool]:
    """How many choices there are of how to go on, and whether one is within a repetition."""
    count, position = 0, 0
    inner = [False]
    is_nested = False
    ended = False  # whether a group that holds a choice ends right here
    while position < len(source):
        letter = source[position]
        if letter == "[" and (match := _CLASS.match(source, position)):
            position, ended = match.end(), False
        elif letter == "\\":
            position, ended = position + 2, False
        elif letter == "(":
            inner.append(False)
            match = _GROUP.match(source, position)
            position, ended = (match.end() if match else position + 1), False
        elif letter == ")":
            ended = inner.pop() if len(inner) > 1 else False
            inner[-1] = inner[-1] or ended
            position += 1
        elif match := _REPETITION.match(source, position):
            is_nested = is_nested or (ended and match[1] != "?")
            count += 1
            inner[-1] = True
            position, ended = match.end(), False
        elif letter == "|":
            count += 1
            inner[-1] = True
            position, ended = position + 1, False
        else:
            position, ended = position + 1, False
    return count, is_nested


class _Bounded:
    """What scripts' expressions are asked for, of a pattern that may take long."""

    def __init__(self, pattern: re.Pattern[str], repetitions: int) -> None:
        self._pattern = pattern
        self._repetitions = repetitions
        self.pattern = pattern.pattern
        self.flags = pattern.flags
        self.groups = pattern.groups

    def _is_quick(self, text: str) -> bool:
        size = len(text)
        return size < 2 or (size ** min(self._repetitions + 1, 60)) <= _MOST_STEPS

    @cached_property
    def _program(self) -> _Program:
        return _Program(self.pattern, self.flags)

    def search(self, text: str, position: int = 0) -> re.Match[str] | None:
        """Return the first match from a position."""
        if self._is_quick(text):
            return self._pattern.search(text, position)
        return self._found(text, range(position, len(text) + 1))

    def match(self, text: str, position: int = 0) -> re.Match[str] | None:
        """Return the match at a position."""
        if self._is_quick(text):
            return self._pattern.match(text, position)
        return self._found(text, range(position, position + 1))

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match of the whole text."""
        if self._is_quick(text):
            return self._pattern.fullmatch(text)
        return compile_bounded(f"(?:{self.pattern})\\Z", self.flags & ~re.U).match(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield all matches."""
        position = 0
        while position <= len(text):
            match = self.search(text, position)
            if match is None:
                return
            yield match
            position = match.end() + (match.end() == match.start())

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str, count: int = 0) -> str:
        """Return the text with matches replaced."""
        if self._is_quick(text):
            return self._pattern.sub(new, text, count=count)
        pieces, last = [], 0
        for number, match in enumerate(self.finditer(text), 1):
            shown = new(match) if callable(new) else new.replace(r"\g<0>", match[0])
            pieces += [text[last : match.start()], shown]
            last = match.end()
            if number == count:
                break
        return "".join([*pieces, text[last:]])

    def _found(self, text: str, starts: range) -> re.Match[str] | None:
        saved = self._program.run(text, starts)
        return None if saved is None else cast("re.Match[str]", _Match(self, text, saved))


class _Match:
    """What a match is asked for."""

    def __init__(self, expression: _Bounded, text: str, saved: tuple[int, ...]) -> None:
        self.re = expression
        self._text = text
        self._saved = saved

    def __getitem__(self, number: int) -> str | None:
        first, last = self._saved[2 * number], self._saved[2 * number + 1]
        return None if first < 0 or last < 0 else self._text[first:last]

    def start(self) -> int:
        """Return where it begins."""
        return self._saved[0]

    def end(self) -> int:
        """Return where it ends."""
        return self._saved[1]


class _Step(NamedTuple):
    """An instruction.

    Attributes:
        kind: `test` (a letter), `assert`, `same` (a group again), `save`, `split`, `jump`, `end`.
        number: of a group or a place to save, or the first way to go on.
        other: the second way.
        test: what is matched.
    """

    kind: str
    number: int = 0
    other: int = 0
    test: re.Pattern[str] | None = None


class _Program:
    """An expression as instructions."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags & (re.I | re.S | re.M | re.A)
        self._position = 0
        self._groups = 0
        self._has_references = False
        steps = self._choices()
        self._steps = [_Step("save", 0), *steps, _Step("save", 1), _Step("end")]

    # --- reading: addresses are relative to each step -----------------------------------

    def _choices(self) -> list[_Step]:
        steps = self._sequence()
        while self._source[self._position : self._position + 1] == "|":
            self._position += 1
            others = self._sequence()
            steps = [
                _Step("split", 1, len(steps) + 2),
                *steps,
                _Step("jump", len(others) + 1),
                *others,
            ]
        return steps

    def _sequence(self) -> list[_Step]:
        steps: list[_Step] = []
        while self._position < len(self._source) and self._source[self._position] not in "|)":
            one = self._one()
            while match := _REPETITION.match(self._source, self._position):
                self._position = match.end()
                one = self._repeated(one, match)
            steps += one
            if len(steps) > _MOST_INSTRUCTIONS:
                raise BoundReachedError("a regular expression of too many parts")
        return steps

    def _repeated(self, one: list[_Step], match: re.Match[str]) -> list[_Step]:
        if match[1]:
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
        else:
            least = int(match[2])
            most = (int(match[4]) if match[4] else None) if match[3] else least
        if len(one) * max(least, most or 1) > _MOST_INSTRUCTIONS:
            raise BoundReachedError("a regular expression of too many parts")
        steps = one * least
        if most is None:
            return [*steps, _Step("split", 1, len(one) + 2), *one, _Step("jump", -len(one) - 1)]
        for _ in range(most - least):
            steps += [_Step("split", 1, len(one) + 1), *one]
        return steps

    def _one(self) -> list[_Step]:
        source, start = self._source, self._position
        letter = source[start]
        if letter == "(":
            return self._group()
        if letter == "[" and (match := _CLASS.match(source, start)):
            self._position = match.end()
        elif letter == "\\":
            self._position += 2
            if source[start + 1].isdigit():
                self._has_references = True
                return [_Step("same", int(source[start + 1]))]
        else:
            self._position += 1
        text = source[start : self._position]
        kind = "assert" if text in ("^", "$", r"\b", r"\B", r"\A", r"\Z") else "test"
        return [_Step(kind, test=re.compile(text, self._flags))]

    def _group(self) -> list[_Step]:
        match = _GROUP.match(self._source, self._position)
        assert match is not None
        start, self._position = self._position, match.end()
        if match[1] is None:
            self._groups += 1
            number = self._groups
            steps = self._choices()
            self._position += 1
            return [_Step("save", 2 * number), *steps, _Step("save", 2 * number + 1)]
        groups = self._groups
        steps = self._choices()
        self._position += 1
        if match[1] == ":":
            return steps
        self._groups = groups
        test = compile_bounded(self._source[start : self._position], self._flags)
        return [_Step("assert", test=test)]

    # --- matching -------------------------------------------------------------------------

    def run(self, text: str, starts: range) -> tuple[int, ...] | None:
        """Return where the groups of the first match begin and end."""
        tried: set[object] = set()
        blank = (-1,) * (2 * self._groups + 2)
        for start in starts:
            found = self._from(text, start, blank, tried)
            if found is not None:
                return found
        return None

    def _from(
        self, text: str, start: int, blank: tuple[int, ...], tried: set[object]
    ) -> tuple[int, ...] | None:
        steps, size = self._steps, len(text)
        pending = [(0, start, blank)]
        while pending:
            place, position, saved = pending.pop()
            while True:
                key = (
                    (place, position, saved)
                    if self._has_references
                    else place * (size + 1) + position
                )
                if key in tried:
                    break
                tried.add(key)
                if len(tried) > (_MOST_REFERRING if self._has_references else _MOST_STATES):
                    raise BoundReachedError("a regular expression that takes too long")
                kind, number, other, test = steps[place]
                if kind == "test":
                    if position >= size or not cast("re.Pattern[str]", test).match(text, position):
                        break
                    place, position = place + 1, position + 1
                elif kind == "split":
                    pending.append((place + other, position, saved))
                    place += number
                elif kind == "jump":
                    place += number
                elif kind == "save":
                    saved = (*saved[:number], position, *saved[number + 1 :])
                    place += 1
                elif kind == "assert":
                    if not cast("re.Pattern[str]", test).match(text, position):
                        break
                    place += 1
                elif kind == "same":
                    first, last = saved[2 * number], saved[2 * number + 1]
                    piece = text[first:last]
                    if first < 0 or last < 0 or not text.startswith(piece, position):
                        break
                    place, position = place + 1, position + len(piece)
                else:
                    return saved
        return None
