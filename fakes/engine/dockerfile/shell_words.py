"""Quoting and variable substitution in the words of an instruction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fakes.engine.errors import DockerfileError


class Syntax(NamedTuple):
    """How words are written.

    Attributes:
        escape: the escape character.
        modern: more modifiers are known: `-`, `+`, `#`, `%` and `/`.
    """

    escape: str = "\\"
    modern: bool = False


PLAIN = Syntax()
_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")


def process_word(word: str, env: Mapping[str, str], syntax: Syntax = PLAIN) -> str:
    """Substitute the variables of a word and take its quotes away.

    Raises:
        DockerfileError: on a quote or brace without its partner, or a modifier that fails.
    """
    return _Reader(word, env, syntax).read()[0]


def process_words(word: str, env: Mapping[str, str], syntax: Syntax = PLAIN) -> list[str]:
    """As `process_word`, but split at the spaces that are left unquoted."""
    return _Reader(word, env, syntax).read()[1]


def environment(pairs: list[str]) -> dict[str, str]:
    """`NAME=value` pairs as a mapping; the last of a name wins."""
    result: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        result[name] = value
    return result


class _Words:
    """Collects the words that spaces outside quotes delimit."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.current = ""

    def add(self, text: str) -> None:
        for char in text:
            if char.isspace():
                self.finish()
            else:
                self.current += char

    def add_raw(self, text: str) -> None:
        self.current += text

    def finish(self) -> list[str]:
        if self.current:
            self.done.append(self.current)
            self.current = ""
        return self.done


class _Reader:
    def __init__(self, source: str, env: Mapping[str, str], syntax: Syntax) -> None:
        self.source = source
        self.env = env
        self.escape = syntax.escape
        self.modern = syntax.modern
        self.position = 0

    def read(self) -> tuple[str, list[str]]:
        try:
            return self._until(None)
        except DockerfileError as error:
            from fakes.engine.go_text import quote

            raise DockerfileError(
                f"failed to process {quote(self.source)}: {error.message}"
            ) from None

    def _peek(self) -> str:
        return self.source[self.position] if self.position < len(self.source) else ""

    def _next(self) -> str:
        char = self._peek()
        self.position += 1 if char else 0
        return char

    def _until(self, stop: str | None, *, raw: bool = False) -> tuple[str, list[str]]:
        result: list[str] = []
        words = _Words()
        while char := self._peek():
            if char == stop:
                self._next()
                return "".join(result), words.finish()
            if char in "'\"":
                text = self._single_quoted() if char == "'" else self._double_quoted()
                result.append(text)
                words.add_raw(text)
            elif char == "$":
                text = self._dollar()
                result.append(text)
                words.add(text)
            else:
                self._next()
                if char == self.escape:
                    if raw:
                        result.append(char)
                        words.add_raw(char)
                    char = self._next()
                    if not char:
                        break
                    words.add_raw(char)
                else:
                    words.add(char)
                result.append(char)
        if stop is not None:
            raise DockerfileError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result), words.finish()

    def _single_quoted(self) -> str:
        self._next()
        end = self.source.find("'", self.position)
        if end < 0:
            self.position = len(self.source)
            raise DockerfileError(
                "unexpected end of statement while looking for matching single-quote"
            )
        text = self.source[self.position : end]
        self.position = end + 1
        return text

    def _double_quoted(self) -> str:
        self._next()
        result: list[str] = []
        while True:
            char = self._peek()
            if not char:
                raise DockerfileError(
                    "unexpected end of statement while looking for matching double-quote"
                )
            if char == '"':
                self._next()
                return "".join(result)
            if char == "$":
                result.append(self._dollar())
                continue
            self._next()
            if char == self.escape:
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self.escape):
                    char = self._next()
            result.append(char)

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return self.env.get(name, "") if name else "$"
        self._next()
        following = self._peek()
        if not following:
            raise DockerfileError("syntax error: missing '}'")
        if following in "{}:":
            raise DockerfileError("syntax error: bad substitution")
        name = self._name()
        char = self._next()
        if char == "}":
            return self.env.get(name, "")
        if self.modern:
            return self._modified(name, char)
        if char == "?":
            return self._required(name, self._modifier_word(), allow_empty=True)
        if char == ":":
            modifier = self._next()
            word = self._modifier_word()
            value = self.env.get(name, "")
            if modifier == "+":
                return word if value else value
            if modifier == "-":
                return value or word
            if modifier == "?":
                return self._required(name, word, allow_empty=False)
            raise DockerfileError(f"unsupported modifier ({modifier}) in substitution")
        raise DockerfileError("missing ':' in substitution")

    def _modified(self, name: str, char: str) -> str:
        value = self.env.get(name)
        # At the end of the word the engine prints the rune that stands for none.
        written, colon = char or "\ufffd", char == ":"
        if colon:
            char = self._next()
            written += char
        if char == "/" and not colon:
            return self._replaced(value or "")
        if char not in tuple("+-?#%") or (colon and char in tuple("#%")):
            if colon and char not in tuple("#%"):
                self._modifier_word()
            raise DockerfileError(f"unsupported modifier ({written}) in substitution")
        word = self._modifier_word(raw=char in "#%")
        absent = value is None or (colon and not value)
        if char == "-":
            return word if absent or value is None else value
        if char == "+":
            return "" if absent else word
        if char == "?":
            return self._required(name, word, allow_empty=not colon)
        greedy = word[:1] == char
        pattern = word[1:] if greedy else word
        text = value or ""
        if char == "#":
            match = shell_pattern(pattern, greedy=greedy).match(text)
            return text[match.end() :] if match else text
        found = shell_pattern(pattern[::-1], greedy=greedy).match(text[::-1])
        return text[: len(text) - found.end()] if found else text

    def _replaced(self, value: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._next()
        try:
            pattern = self._until("/", raw=True)[0]
        except DockerfileError:
            if not self._peek():
                raise DockerfileError("syntax error: missing '/' in ${}") from None
            raise
        replacement = self._modifier_word(raw=True)
        expression = shell_pattern(pattern, greedy=True)
        return expression.sub(lambda _: replacement, value, count=0 if everywhere else 1)

    def _modifier_word(self, *, raw: bool = False) -> str:
        try:
            return self._until("}", raw=raw)[0]
        except DockerfileError:
            if not self._peek():
                raise DockerfileError("syntax error: missing '}'") from None
            raise

    def _required(self, name: str, word: str, *, allow_empty: bool) -> str:
        if name not in self.env:
            raise DockerfileError(f"{name}: {word or 'is not allowed to be unset'}")
        if not self.env[name] and not allow_empty:
            raise DockerfileError(f"{name}: {word or 'is not allowed to be empty'}")
        return self.env[name]

    def _name(self) -> str:
        start = self.position
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self._next()
        elif first and first in _SPECIAL_PARAMETERS:
            self._next()
        else:
            while self._peek().isalnum() or self._peek() == "_":
                self._next()
        return self.source[start : self.position]


def shell_pattern(pattern: str, *, greedy: bool) -> re.Pattern[str]:
    """The expression behind a pattern of `${name#pattern}` and its kin.

    Raises:
        DockerfileError: when the pattern escapes what needs no escape.
    """
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            parts.append(".*" if greedy else ".*?")
        elif char == "?":
            parts.append(".")
        elif char == "\\":
            following = pattern[position : position + 1]
            position += 1
            if following not in ("*", "?", "\\", "}", "/"):
                raise DockerfileError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{following}'"
                )
            parts.append(re.escape(following))
        else:
            parts.append(re.escape(char))
    return re.compile("".join(parts))
