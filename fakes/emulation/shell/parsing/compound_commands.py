"""Reads compound commands and functions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from ..keywords import KEYWORDS
from ..syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Redirected,
    Script,
    ScriptError,
    Word,
)
from .simple_commands import ASSIGNMENT, NAME, SimpleCommandReader
from .tokens import PLAIN_WORD

_RESERVED = KEYWORDS | {"[[", "function", "select", "time"}


class CompoundCommandReader(SimpleCommandReader):
    """Reads compound commands (POSIX.1-2017, 2.9.4), and functions (2.9.5)."""

    @abstractmethod
    def _body(self, *ends: str) -> Script:
        """Read commands, of which there is one at least, up to a reserved word, which is left."""

    @abstractmethod
    def _and_or(self) -> AndOr:
        """Read commands that `&&` and `||` join."""

    @abstractmethod
    def _command(self) -> Command:
        """Read a command of any kind."""

    def _compound(self, word: str | None) -> Command | None:
        readers: dict[str, Callable[[], Command]] = {
            "{": self._group,
            "if": self._if,
            "while": lambda: self._loop("while"),
            "until": lambda: self._loop("until"),
            "for": self._for,
            "case": self._case,
        }
        if self.dialect.has_double_brackets:
            readers["[["] = self._test
        if self.dialect.has_arrays:
            readers["select"] = lambda: self._for(is_select=True)
        if self.dialect.has_arrays or self.dialect.is_busybox:
            readers["function"] = self._keyword_function
        reader = readers.get(word or "")
        if reader is None:
            return None
        assert word is not None
        self._take_word_text(word)
        return reader()

    def _redirected(self, command: Command, line: int) -> Command:
        redirections = self._redirections()
        if redirections:
            return Redirected(command, tuple(redirections), line)
        return command

    def _group(self) -> Command:
        body = self._body("}")
        self._expect("}")
        return Group(body)

    def _if(self) -> Command:
        branches = []
        condition = self._body("then")
        self._expect("then")
        body = self._body("elif", "else", "fi")
        branches.append((condition, body))
        otherwise = None
        while True:
            word = self._peek_word()
            if word == "elif":
                self._expect("elif")
                condition = self._body("then")
                self._expect("then")
                branches.append((condition, self._body("elif", "else", "fi")))
            elif word == "else":
                self._expect("else")
                otherwise = self._body("fi")
            else:
                break
        self._expect("fi")
        return If(tuple(branches), otherwise)

    def _loop(self, kind: str) -> Command:
        condition = self._body("do")
        return Loop(condition, self._do(), kind == "until")

    def _do(self) -> Script:
        self._skip_newlines()
        if self.dialect.is_bash and self._peek_word() == "{":
            self._take_word_text("{")
            body = self._body("}")
            self._expect("}")
            return body
        self._expect("do")
        body = self._body("done")
        self._expect("done")
        return body

    def _for(self, *, is_select: bool = False) -> Command:
        self._skip_blanks()
        if self.dialect.has_arrays and self._starts_with("(("):
            return self._arithmetic_for()
        name = self._word()
        text = name.literal if name is not None else None
        if text is None or not NAME.fullmatch(text):
            line = self.line
            if name is None:
                self._unexpected()
            raise ScriptError(name.source if name else "", line, "bad for loop variable")
        self._skip_newlines()
        words: tuple[Word, ...] | None = None
        if self._peek_word() == "in":
            self._take_word_text("in")
            found = []
            while (word := self._word()) is not None:
                found.append(word)
            words = tuple(found)
            self._end_of_words()
        elif self._peek_operator() == ";":
            self._take_operator()
        self._skip_newlines()
        return For(text, words, self._do(), is_select)

    def _end_of_words(self) -> None:
        self._skip_blanks()
        if self._peek_operator() == ";":
            self._take_operator()
        elif self._peek() != "\n":
            self._unexpected()

    def _arithmetic_for(self) -> Command:
        self._position += 2
        source = self._balanced_until("))")
        pieces = ([*source.split(";"), "", "", ""])[:3]
        words = [self._arithmetic_word(piece) if piece.strip() else None for piece in pieces]
        self._skip_blanks()
        if self._peek_operator() == ";":
            self._take_operator()
        self._skip_newlines()
        return ArithmeticFor(words[0], words[1], words[2], self._do())

    def _arithmetic_command(self) -> Command | None:
        start, line = self._position, self.line
        self._position += 2
        try:
            source = self._balanced_until("))")
        except ScriptError:
            self._position, self.line = start, line
            return None
        return ArithmeticCommand(self._arithmetic_word(source))

    def _case(self) -> Command:
        word = self._needed_word()
        self._skip_newlines()
        self._expect("in")
        entries = []
        self._skip_newlines()
        while self._peek_word() != "esac":
            if self._at_end():
                self._unexpected(expected="esac")
            if self._peek_operator() == "(":
                self._take_operator()
            patterns = [self._needed_word()]
            while self._peek_operator() == "|":
                self._take_operator()
                patterns.append(self._needed_word())
            self._expect_operator(")")
            body = self._case_body()
            operator = self._peek_operator() or ""
            if operator in (";;", ";&", ";;&"):
                if operator != ";;" and self.dialect.is_dash:
                    self._unexpected()
                self._take_operator()
            entries.append((tuple(patterns), body, operator or ";;"))
            self._skip_newlines()
        self._expect("esac")
        return Case(word, tuple(entries))

    def _case_body(self) -> Script:
        items: list[AndOr] = []
        self._skip_newlines()
        while True:
            self._skip_blanks()
            if self._peek_operator() in (";;", ";&", ";;&") or self._peek_word() == "esac":
                return Script(tuple(items))
            if self._at_end():
                self._unexpected(expected=";;")
            item = self._and_or()
            operator = self._peek_operator()
            if operator == "&":
                item = AndOr(item.items, is_background=True, line=item.line)
            items.append(item)
            if operator in (";", "&"):
                self._take_operator()
            self._skip_newlines()

    def _function(self) -> Command | None:
        match = PLAIN_WORD.match(self._source, self._position)
        if match is None or match[0] in _RESERVED or ASSIGNMENT.match(match[0]):
            return None
        start, line = self._position, self.line
        self._position = match.end()
        self._skip_blanks()
        if not self._starts_with("("):
            self._position, self.line = start, line
            return None
        self._position += 1
        self._skip_blanks()
        if not self._starts_with(")"):
            self._unexpected()
        self._position += 1
        if not NAME.fullmatch(match[0]) and self.dialect.is_dash:
            raise ScriptError("", self.line, "Bad function name")
        return self._function_body(match[0])

    def _keyword_function(self) -> Command:
        name = self._needed_word().source
        self._skip_blanks()
        if self._starts_with("("):
            self._position += 1
            self._skip_blanks()
            self._expect_operator(")")
        return self._function_body(name)

    def _function_body(self, name: str) -> Command:
        self._skip_newlines()
        line = self.line
        if self._peek_operator() == "(":
            return Function(name, self._command())
        word = self._peek_word()
        body = self._compound(word)
        if body is None:
            if self.dialect.is_bash:
                self._unexpected()
            return Function(name, self._command())
        return Function(name, self._redirected(body, line))
