"""Reads operators, plain words and line ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from ..syntax import ScriptError, Word
from .here_documents import HereDocumentReader

if TYPE_CHECKING:
    from ..dialect import Dialect

_OPERATORS = (
    "<<<", "<<-", "&>>", ";;&", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
    "|&", "&", "|", ";", "<", ">", "(", ")",
)  # fmt: skip
PLAIN_WORD = re.compile(r"[^\s;&|<>()$`\"'\\]+")


class TokenReader(HereDocumentReader):
    """Reads tokens.

    Args:
        source: the script.
        dialect: the shell's ways.
        aliases: what first words stand for; asked when a command is read.
        extended: whether `@(…)` and its kind are parts of words; asked as `aliases` is.
        line: the number of the first line.
    """

    def __init__(
        self,
        source: str,
        dialect: Dialect,
        *,
        aliases: Callable[[], Mapping[str, str]] = dict,
        extended: Callable[[], bool] = bool,
        line: int = 1,
    ) -> None:
        super().__init__(source, dialect, line)
        self._aliases = aliases
        self._extended = extended
        self._is_in_condition = False

    def _has_pattern_lists(self) -> bool:
        return self._is_in_condition or self._extended()

    def _newline(self) -> None:
        """Pass over the end of a line, and read the here-documents that begin there."""
        self._position += 1
        self.line += 1
        if self._expected:
            self._read_documents()

    def _skip_newlines(self) -> None:
        while True:
            self._skip_blanks()
            if self._peek() == "#":
                self._skip_comment()
            elif self._peek() == "\n":
                self._newline()
            else:
                return

    def _peek_operator(self) -> str | None:
        self._skip_blanks()
        if self._at_end() or self._peek() not in "&|;<>()":
            return None
        if self._peek() in "<>" and self._is_process_substitution():
            return None
        for operator in _OPERATORS:
            if self._source.startswith(operator, self._position):
                if not self._knows(operator):
                    continue
                if operator == "&>" and self._starts_with("&>>") and self.dialect.is_busybox:
                    raise ScriptError("", self.line, "unexpected redirection")
                return operator
        return None

    def _knows(self, operator: str) -> bool:
        if operator in ("&>>", "|&"):
            return self.dialect.is_bash
        if operator == "&>":
            return self.dialect.has_both_redirection
        if operator == "<<<":
            return self.dialect.is_bash or self.dialect.is_busybox
        if operator in (";&", ";;&"):
            return self.dialect.is_bash
        return True

    def _take_operator(self) -> None:
        operator = self._peek_operator()
        assert operator is not None
        self._position += len(operator)

    def _expect_operator(self, wanted: str) -> None:
        if self._peek_operator() != wanted:
            self._unexpected(expected=wanted)
        self._take_operator()

    def _expect(self, word: str) -> None:
        self._skip_newlines()
        if self._peek_word() != word:
            self._unexpected(expected=word)
        self._take_word_text(word)

    def _needed_word(self) -> Word:
        word = self._word()
        if word is None:
            self._unexpected()
        return word

    def _peek_word(self) -> str | None:
        """Return the next word as it is written; `None` if it is no plain one."""
        self._skip_blanks()
        match = PLAIN_WORD.match(self._source, self._position)
        if match is None:
            return None
        following = self._source[match.end() : match.end() + 1]
        if following and following in "$`\"'\\":
            return None
        return match[0]

    def _take_word_text(self, word: str) -> None:
        self._skip_blanks()
        self._position += len(word)

    def _expand_alias(self) -> None:
        seen: set[str] = set()
        aliases = self._aliases()
        while (word := self._peek_word()) in aliases and word not in seen:
            assert word is not None
            seen.add(word)
            value = aliases[word]
            self._source = (
                self._source[: self._position] + value + self._source[self._position + len(word) :]
            )

    def _unexpected(self, expected: str = "") -> NoReturn:
        self._skip_blanks()
        if self._at_end():
            raise ScriptError("", self.line, expected=expected)
        if self._peek() == "\n":
            raise ScriptError("newline", self.line, expected=expected)
        operator = self._peek_operator()
        if operator is not None:
            raise ScriptError(operator, self.line, expected=expected)
        raise ScriptError(self._peek_word() or self._peek(), self.line, expected=expected)
