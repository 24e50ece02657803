"""Reads simple commands: assignments, words and redirections."""

from __future__ import annotations

import re

from ..syntax import (
    AnyRedirection,
    Assignment,
    Command,
    Redirection,
    ScriptError,
    Simple,
    Word,
)
from .conditions import ConditionReader

REDIRECTIONS = frozenset(["<<<", "<<-", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "&>>", "<", ">"])
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")


class SimpleCommandReader(ConditionReader):
    """Reads simple commands (POSIX.1-2017, 2.9.1)."""

    def _redirections(self) -> list[AnyRedirection]:
        found = []
        while (redirection := self._redirection()) is not None:
            found.append(redirection)
        return found

    def _simple(self, line: int) -> Command:
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirections: list[AnyRedirection] = []
        is_declaration = False
        while True:
            self._skip_blanks()
            redirection = self._redirection()
            if redirection is not None:
                redirections.append(redirection)
                continue
            assignment = None
            if not words or is_declaration:
                assignment = self._assignment(arrays_only=bool(words))
            if assignment is not None:
                (words if words else assignments).append(assignment)
                continue
            if self._peek_operator() is not None:
                if self._peek_operator() == "(" and (words or assignments):
                    self._unexpected()
                break
            word = self._word()
            if word is None:
                break
            if not words:
                is_declaration = self.dialect.has_arrays and word.literal in (
                    "declare", "typeset", "local", "export", "readonly",
                )  # fmt: skip
            words.append(word)
        if not words and not assignments and not redirections:
            self._unexpected()
        return Simple(tuple(assignments), tuple(words), tuple(redirections), line)

    def _assignment(self, *, arrays_only: bool = False) -> Assignment | None:
        match = ASSIGNMENT.match(self._source, self._position)
        start, line = self._position, self.line
        index: Word | None = None
        if match is None and self.dialect.has_arrays:
            name_match = NAME.match(self._source, self._position)
            if name_match is None or self._source[name_match.end() : name_match.end() + 1] != "[":
                return None
            self._position = name_match.end() + 1
            try:
                text = self._balanced_until("]")
            except ScriptError:
                self._position, self.line = start, line
                return None
            rest = re.compile(r"(\+?)=").match(self._source, self._position)
            if rest is None:
                self._position, self.line = start, line
                return None
            index = self._inner_word(text)
            name, adds = name_match[0], bool(rest[1])
            self._position = rest.end()
        elif match is not None:
            if match[2] and not (self.dialect.has_arrays):
                return None
            name, adds = match[1], bool(match[2])
            self._position = match.end()
        else:
            return None
        if self.dialect.has_arrays and self._starts_with("("):
            self._position += 1
            return Assignment(name, self._array(), index, adds)
        if arrays_only:
            self._position, self.line = start, line
            return None
        word = self._word(is_value=True)
        return Assignment(name, word if word is not None else Word(()), index, adds)

    def _array(self) -> tuple[tuple[Word | None, Word], ...]:
        items: list[tuple[Word | None, Word]] = []
        while True:
            self._skip_newlines()
            if self._at_end():
                self._unexpected()
            if self._peek_operator() == ")":
                self._take_operator()
                return tuple(items)
            index: Word | None = None
            if self._starts_with("["):
                start, line = self._position, self.line
                self._position += 1
                text = self._balanced_until("]")
                if self._starts_with("="):
                    self._position += 1
                    index = self._inner_word(text)
                    value = self._word(is_value=True)
                    items.append((index, value if value is not None else Word(())))
                    continue
                self._position, self.line = start, line
            word = self._word()
            if word is None:
                try:
                    self._unexpected()
                except ScriptError as error:
                    error.code = 1
                    raise
            items.append((None, word))

    def _redirection(self) -> AnyRedirection | None:
        self._skip_blanks()
        start = self._position
        digits = r"\d(?=[<>])" if self.dialect.is_dash else r"\d+(?=[<>])"
        match = re.compile(digits).match(self._source, self._position)
        number: int | None = None
        variable = ""
        if match is not None:
            number = int(match[0])
            self._position = match.end()
        elif self.dialect.is_bash:
            named = re.compile(r"\{([A-Za-z_]\w*)\}(?=[<>])").match(self._source, self._position)
            if named is not None:
                variable = named[1]
                self._position = named.end()
        operator = self._peek_operator()
        if operator not in REDIRECTIONS or (
            number is not None and (operator or "").startswith("&")
        ):
            self._position = start
            return None
        self._take_operator()
        assert operator is not None
        if operator in ("<<", "<<-"):
            return self._expect_document(number, operator, self._needed_word())
        return Redirection(number, operator, self._needed_word(), variable)
