"""Reads what is expanded: parameters, substitutions, arithmetic."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from ..escapes import dollar_quoted
from ..syntax import (
    Arithmetic,
    BadParameter,
    Parameter,
    Part,
    ProcessSubstitution,
    Quotes,
    Script,
    ScriptError,
    Substitution,
    Text,
    Word,
)
from .source import SourceReader

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = "@*#?-$!0123456789"
_OPERATORS = re.compile(r":?[-=?+]|##?|%%?")
_BUSYBOX_OPERATORS = re.compile(r":?[-=?+]|##?|%%?|//?|:")
_BASH_OPERATORS = re.compile(r":?[-=?+]|##?|%%?|//?[#%]?|\^\^?|,,?|@[A-Za-z](?=\})|:")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?\-$!]")


class ExpansionReader(SourceReader, ABC):
    """Reads what begins with a dollar or a backquote, and process substitutions."""

    @abstractmethod
    def _parts(self, ends: frozenset[str]) -> list[Part]:
        """Read the parts of a word, up to a letter that ends it."""

    @abstractmethod
    def _single(self) -> Part:
        """Read what stands between single quotes, both included."""

    @abstractmethod
    def _double(self, end: str = '"') -> list[Part]:
        """Read what stands between double quotes, the closing one included.

        Args:
            end: what closes them; empty for the end of the source, as in a here-document.
        """

    @abstractmethod
    def _inner(self, source: str) -> ExpansionReader:
        """Return a reader of a text within this one."""

    @abstractmethod
    def _script_of(self, source: str) -> Script:
        """Read a text within this one as commands."""

    @abstractmethod
    def _script_until(self, end: str) -> Script:
        """Read commands up to a closing parenthesis, which is passed over."""

    def _inner_word(self, source: str) -> Word:
        """Read a whole text as one word."""
        return Word(tuple(self._inner(source)._parts(frozenset())), source)

    def _arithmetic_word(self, source: str) -> Word:
        """Read an arithmetic expression, whose letters are as within double quotes."""
        return Word(tuple(self._inner(source)._double(end="")), source)

    # --- what begins with a dollar ----------------------------------------------------

    def _dollar(self, *, in_quotes: bool) -> Part | str:
        following = self._source[self._position + 1 : self._position + 2]
        if following == "(":
            if self._starts_with("$(("):
                arithmetic = self._arithmetic()
                if arithmetic is not None:
                    return arithmetic
            self._position += 2
            return Substitution(self._script_until(")"))
        if following == "{":
            return self._braced(in_quotes=in_quotes)
        if following == "'" and self.dialect.has_dollar_quotes and not in_quotes:
            return self._dollar_quotes()
        if following == '"' and self.dialect.is_bash and not in_quotes:
            self._position += 2
            return Quotes(tuple(self._double()))
        if following == "[" and self.dialect.is_bash:
            self._position += 2
            return Arithmetic(self._arithmetic_word(self._balanced_until("]")))
        match = _NAME.match(self._source, self._position + 1)
        if match is not None:
            self._position = match.end()
            return Parameter(match[0])
        if following and following in _SPECIAL:
            self._position += 2
            return Parameter(following)
        self._position += 1
        return "$"

    def _dollar_quotes(self) -> Part:
        position = self._position + 2
        while True:
            if position >= len(self._source):
                raise self._unclosed("'")
            if self._source[position] == "\\":
                position += 2
                continue
            if self._source[position] == "'":
                break
            position += 1
        text = self._source[self._position + 2 : position]
        self._position = position + 1
        return Text(dollar_quoted(text, has_escape=self.dialect.is_bash), is_quoted=True)

    def _arithmetic(self) -> Part | None:
        start, line = self._position, self.line
        self._position += 3
        try:
            source = self._balanced_until("))")
        except ScriptError:
            self._position, self.line = start, line
            return None
        return Arithmetic(self._arithmetic_word(source))

    def _braced(self, *, in_quotes: bool) -> Part:
        start = self._position
        self._position += 2
        is_indirect = is_length = False
        if self._starts_with("!") and self.dialect.is_bash and not self._starts_with("!}"):
            is_indirect = True
            self._position += 1
        if self._starts_with("#"):
            rest = self._source[self._position + 1 : self._position + 2]
            if rest and (rest.isalnum() or rest in "_@*?-$!#") and not self._starts_with("#}"):
                following = self._source[self._position + 2 : self._position + 3]
                if rest.isalnum() or rest == "_" or following == "}":
                    is_length = True
                    self._position += 1
        match = _PARAMETER.match(self._source, self._position)
        if match is None:
            return self._bad(start)
        name = match[0]
        self._position = match.end()
        index: Word | None = None
        if self._starts_with("[") and self.dialect.has_arrays:
            self._position += 1
            index = self._inner_word(self._balanced_until("]"))
        if is_length:
            if not self._starts_with("}"):
                return self._bad(start)
            self._position += 1
            return Parameter(name, "length", index=index)
        if self._starts_with("}"):
            self._position += 1
            return Parameter(name, index=index, is_indirect=is_indirect)
        if (
            is_indirect
            and index is None
            and self._peek() in "*@"
            and self._source[self._position + 1 : self._position + 2] == "}"
        ):
            kind = self._peek()
            self._position += 2
            return Parameter(name, f"prefix{kind}")
        operators = _OPERATORS
        if self.dialect.has_substring:
            operators = _BASH_OPERATORS if self.dialect.is_bash else _BUSYBOX_OPERATORS
        found = operators.match(self._source, self._position)
        if found is None:
            return self._bad(start)
        operator = found[0]
        self._position = found.end()
        second: Word | None = None
        if operator in (":",) or operator.startswith("/"):
            is_slice = operator == ":"
            word, closed = self._braced_word(
                ":" if is_slice else "/", in_quotes=in_quotes and is_slice
            )
            if not closed:
                second, _ = self._braced_word("", in_quotes=in_quotes)
        else:
            is_pattern = operator[0] in "#%^,"  # whose letters are not within the quotes
            word, _ = self._braced_word("", in_quotes=in_quotes and not is_pattern)
        return Parameter(name, operator, word, second, index, is_indirect)

    def _bad(self, start: int) -> Part:
        """Pass over what is no parameter: the shell only minds when it comes to it."""
        depth = 0
        position = start + 1
        while position < len(self._source):
            letter = self._source[position]
            if letter == "{":
                depth += 1
            elif letter == "}":
                depth -= 1
                if not depth:
                    self._position = position + 1
                    return BadParameter(self._source[start : position + 1])
            position += 1
        raise ScriptError("", self.line, "Missing '}'")

    def _braced_word(self, stop: str, *, in_quotes: bool) -> tuple[Word, bool]:
        """Read up to the closing brace, or a letter before; whether it was the brace."""
        start = self._position
        parts: list[Part] = []
        ends = frozenset("}" + stop)
        while True:
            if self._at_end():
                raise ScriptError("", self.line, "Missing '}'")
            letter = self._peek()
            if letter in ends:
                source = self._source[start : self._position]
                self._position += 1
                return Word(tuple(parts), source), letter == "}"
            if in_quotes:
                parts += self._quoted_braced_part(ends)
            elif letter in "<>":
                parts.append(Text(letter))
                self._position += 1
            else:
                parts += self._parts(ends | frozenset("<>"))

    def _quoted_braced_part(self, ends: frozenset[str]) -> list[Part]:
        """Read on in `"${x-…}"`, where letters are as within double quotes."""
        letter = self._peek()
        if letter == '"':
            self._position += 1
            return [Quotes(tuple(self._double()))]
        if letter == "$":
            part = self._dollar(in_quotes=True)
            return [Text(part, is_quoted=True) if isinstance(part, str) else part]
        if letter == "`":
            return [self._backquotes(in_quotes=True)]
        if letter == "\\":
            following = self._source[self._position + 1 : self._position + 2]
            self._position += 2
            if following == "\n":
                return []
            if following and following in '$`"\\}':
                return [Text(following, is_quoted=True)]
            return [Text("\\" + following, is_quoted=True)]
        start = self._position
        while not self._at_end() and self._peek() not in '"$`\\' and self._peek() not in ends:
            self._position += 1
        return [Text(self._source[start : self._position], is_quoted=True)]

    # --- what has an end ----------------------------------------------------------------

    def _is_process_substitution(self) -> bool:
        return (
            self.dialect.has_process_substitution
            and self._source[self._position + 1 : self._position + 2] == "("
        )

    def _process_substitution(self) -> Part:
        is_read = self._peek() == "<"
        self._position += 2
        return ProcessSubstitution(self._script_until(")"), is_read)

    def _backquotes(self, *, in_quotes: bool) -> Part:
        self._position += 1
        text: list[str] = []
        while True:
            if self._at_end():
                raise ScriptError("", self.line, "EOF in backquote substitution")
            letter = self._source[self._position]
            if letter == "`":
                self._position += 1
                break
            if letter == "\\":
                following = self._source[self._position + 1 : self._position + 2]
                special = "$`\\" + ('"' if in_quotes else "")
                text.append(following if following and following in special else letter + following)
                self._position += 2
                continue
            text.append(letter)
            self._position += 1
        return Substitution(self._script_of("".join(text)))

    def _balanced_until(self, end: str) -> str:
        """Return the text up to an end outside of quotes and brackets, and pass over both."""
        start = self._position
        depth = 0
        opening, closing = {"]": ("[", "]")}.get(end, ("(", ")"))
        while not self._at_end():
            if not depth and self._starts_with(end):
                text = self._source[start : self._position]
                self._position += len(end)
                return text
            letter = self._peek()
            if letter == "\\":
                self._position += 2
                continue
            if letter == "'" and end != "))":
                self._single()
                continue
            if letter == '"':
                self._position += 1
                self._double()
                continue
            if letter == "$" and self._source[self._position + 1 : self._position + 2] in (
                "(",
                "{",
            ):
                self._dollar(in_quotes=True)
                continue
            if letter == "`":
                self._backquotes(in_quotes=True)
                continue
            if letter == opening:
                depth += 1
            elif letter == closing:
                depth -= 1
                if depth < 0:
                    break
            elif letter == "\n":
                self.line += 1
            self._position += 1
        raise ScriptError("", self.line, f"Missing '{end}'")
