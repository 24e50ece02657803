"""Reads scripts: line by line, as shells do, so that what stands before an error is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .keywords import KEYWORDS
from .syntax import (
    AndOr,
    AnyRedirection,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    Case,
    Command,
    For,
    Function,
    Group,
    HereDocument,
    If,
    Loop,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    ScriptError,
    Simple,
    Subshell,
    Test,
    TestNode,
    Text,
    Word,
)
from .words import WordReader

if TYPE_CHECKING:
    from .dialect import Dialect

_RESERVED = KEYWORDS | {"[[", "function", "select", "time"}
_ENDS = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}"])
_OPERATORS = (
    "<<<", "<<-", "&>>", ";;&", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
    "|&", "&", "|", ";", "<", ">", "(", ")",
)  # fmt: skip
_REDIRECTIONS = frozenset(["<<<", "<<-", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "&>>", "<", ">"])
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_FUNCTION = re.compile(r"[^\s;&|<>()$`\"'\\]+")
_UNARY = frozenset(f"-{letter}" for letter in "abcdefghknprstuvwxzGLNOSoRV")
_BINARY = frozenset(
    ["=", "==", "!=", "=~", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"]
)

END = ""
NEWLINE = "\n"


class Parser(WordReader):
    """Reads one script.

    Args:
        source: the script.
        dialect: the shell's ways.
        aliases: what first words stand for; asked when a command is read.
        line: the number of the first line.
    """

    def __init__(
        self,
        source: str,
        dialect: Dialect,
        *,
        aliases: Callable[[], Mapping[str, str]] = dict,
        line: int = 1,
    ) -> None:
        super().__init__(source, dialect, line)
        self._aliases = aliases
        self._documents: list[tuple[HereDocument, str, bool, bool]] = []

    # --- the whole ----------------------------------------------------------------

    def next_line(self) -> Script | None:
        """Read the commands of the next line; `None` at the end.

        Raises:
            ScriptError: that is no script.
        """
        self._skip_newlines()
        if self._at_end():
            return None
        return self._line()

    def whole(self) -> Script:
        """Read everything.

        Raises:
            ScriptError: that is no script.
        """
        items: list[AndOr] = []
        while (script := self.next_line()) is not None:
            items += script.items
        return Script(tuple(items))

    def _inner(self, source: str) -> Parser:
        return Parser(source, self.dialect, line=self.line)

    def _script_of(self, source: str) -> Script:
        return self._inner(source).whole()

    def _script_until(self, end: str) -> Script:
        inner = self._inner(self._source)
        inner._position = self._position
        script = inner._list(end)
        inner._expect_operator(end)
        self._position = inner._position
        self.line = inner.line
        return script

    def _line(self) -> Script:
        items = []
        while True:
            items.append(self._and_or())
            operator = self._peek_operator()
            if operator in (";", "&"):
                self._take_operator()
                if operator == "&":
                    items[-1] = AndOr(items[-1].items, is_background=True, line=items[-1].line)
                self._skip_blanks()
                if self._at_end() or self._peek() == "\n":
                    break
                if self._peek() == "#":
                    self._skip_comment()
                    break
                continue
            if self._at_end() or self._peek() == "\n":
                break
            self._unexpected()
        if not self._at_end():
            self._newline()
        elif self._documents:
            self._read_documents()
        return Script(tuple(items))

    def _list(self, *ends: str) -> Script:
        """Read commands up to a reserved word or operator, which is left."""
        items: list[AndOr] = []
        self._skip_newlines()
        while not self._is_end(ends):
            item = self._and_or()
            operator = self._peek_operator()
            if operator in (";", "&"):
                self._take_operator()
                if operator == "&":
                    item = AndOr(item.items, is_background=True, line=item.line)
                items.append(item)
                self._skip_newlines()
                continue
            items.append(item)
            self._skip_blanks()
            if self._peek() == "\n":
                self._skip_newlines()
            elif not self._is_end(ends):
                self._unexpected(expected=ends[0] if ends else "")
        return Script(tuple(items))

    def _is_end(self, ends: tuple[str, ...]) -> bool:
        self._skip_blanks()
        if self._at_end():
            self._unexpected(expected=ends[0] if len(ends) == 1 else "")
        operator = self._peek_operator()
        if operator is not None:
            return operator in ends
        return self._peek_word() in ends

    def _body(self, *ends: str) -> Script:
        script = self._list(*ends)
        if not script.items:
            self._unexpected()
        return script

    # --- lists and pipelines --------------------------------------------------------

    def _and_or(self) -> AndOr:
        line = self.line
        items = [("", self._pipeline())]
        while (operator := self._peek_operator()) in ("&&", "||"):
            self._take_operator()
            self._skip_newlines()
            items.append((operator or "", self._pipeline()))
        return AndOr(tuple(items), line=line)

    def _pipeline(self) -> Pipeline:
        is_negated = is_timed = False
        while True:
            self._skip_blanks()
            word = self._peek_word()
            if word == "!":
                self._take_word_text("!")
                is_negated = not is_negated
                if self.dialect.is_dash and self._peek_word() == "!":
                    self._unexpected()
            elif word == "time" and self.dialect.is_bash and not is_timed:
                self._take_word_text("time")
                is_timed = True
                if self._peek_word() == "-p":
                    self._take_word_text("-p")
            else:
                break
        self._skip_blanks()
        if (is_negated or is_timed) and self.dialect.is_bash and self._is_nothing():
            return Pipeline((), is_negated, is_timed=is_timed)
        commands = [self._command()]
        both: list[bool] = []
        while (operator := self._peek_operator()) in ("|", "|&"):
            self._take_operator()
            both.append(operator == "|&")
            self._skip_newlines()
            commands.append(self._command())
        return Pipeline(tuple(commands), is_negated, tuple(both), is_timed)

    def _is_nothing(self) -> bool:
        return self._at_end() or self._peek() in "\n" or self._peek_operator() in (";", "&", ")")

    # --- commands -------------------------------------------------------------------

    def _command(self) -> Command:
        self._skip_blanks()
        line = self.line
        self._expand_alias()
        operator = self._peek_operator()
        if operator == "(":
            if self.dialect.has_arrays and self._starts_with("(("):
                command = self._arithmetic_command()
                if command is not None:
                    return self._redirected(command, line)
            self._take_operator()
            body = self._body(")")
            self._expect_operator(")")
            return self._redirected(Subshell(body), line)
        if operator is not None and operator not in _REDIRECTIONS:
            self._unexpected()
        word = self._peek_word()
        compound = self._compound(word)
        if compound is not None:
            return self._redirected(compound, line)
        if word in _ENDS:
            self._unexpected()
        function = self._function()
        if function is not None:
            return function
        return self._simple(line)

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

    def _redirections(self) -> list[AnyRedirection]:
        found = []
        while (redirection := self._redirection()) is not None:
            found.append(redirection)
        return found

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
        if text is None or not _NAME.fullmatch(text):
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
        word = self._word()
        if word is None:
            self._unexpected()
            raise AssertionError
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
        match = _FUNCTION.match(self._source, self._position)
        if match is None or match[0] in _RESERVED or _ASSIGNMENT.match(match[0]):
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
        if not _NAME.fullmatch(match[0]) and self.dialect.is_dash:
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

    # --- [[ ]] ------------------------------------------------------------------------

    def _test(self) -> Command:
        node = self._test_or()
        self._skip_newlines()
        self._expect("]]")
        return Test(node)

    def _test_or(self) -> TestNode:
        left = self._test_and()
        while self._peek_operator() == "||":
            self._take_operator()
            self._skip_newlines()
            left = TestNode("||", (left, self._test_and()))
        return left

    def _test_and(self) -> TestNode:
        left = self._test_not()
        while self._peek_operator() == "&&":
            self._take_operator()
            self._skip_newlines()
            left = TestNode("&&", (left, self._test_not()))
        return left

    def _test_not(self) -> TestNode:
        self._skip_newlines()
        if self._peek_word() == "!":
            self._take_word_text("!")
            return TestNode("!", (self._test_not(),))
        if self._peek_operator() == "(":
            self._take_operator()
            node = self._test_or()
            self._expect_operator(")")
            return node
        word = self._peek_word()
        if word in _UNARY:
            start, line = self._position, self.line
            self._take_word_text(word or "")
            operand = None if self._peek_word() == "]]" else self._word()
            if operand is not None and self._peek_word() not in _BINARY:
                return TestNode(word or "", (operand,))
            self._position, self.line = start, line
        left = self._needed_word()
        operator = self._peek_word()
        shown = self._peek_operator()
        if shown in ("<", ">"):
            self._take_operator()
            return TestNode(shown, (left, self._needed_word()))
        if operator in _BINARY:
            self._take_word_text(operator or "")
            self._skip_blanks()
            right = self._regular_expression() if operator == "=~" else self._needed_word()
            return TestNode(operator or "", (left, right))
        return TestNode("-n", (left,))

    # --- simple commands ----------------------------------------------------------------

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
        match = _ASSIGNMENT.match(self._source, self._position)
        start, line = self._position, self.line
        index: Word | None = None
        if match is None and self.dialect.has_arrays:
            name_match = _NAME.match(self._source, self._position)
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
                raise AssertionError
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
        if operator not in _REDIRECTIONS or (
            number is not None and (operator or "").startswith("&")
        ):
            self._position = start
            return None
        self._take_operator()
        assert operator is not None
        if operator in ("<<", "<<-"):
            return self._document(number, operator)
        word = self._word()
        if word is None:
            self._unexpected()
            raise AssertionError
        return Redirection(number, operator, word, variable)

    def _document(self, number: int | None, operator: str) -> HereDocument:
        word = self._needed_word()
        is_quoted = word.literal is None
        end = "".join(_plain(part) for part in word.parts)
        document = HereDocument(number, operator)
        self._documents.append((document, end, operator == "<<-", is_quoted))
        return document

    def _read_documents(self) -> None:
        documents, self._documents = self._documents, []
        for document, end, strips, is_quoted in documents:
            lines = []
            while self._position < len(self._source):
                stop = self._source.find("\n", self._position)
                stop = len(self._source) if stop < 0 else stop
                line = self._source[self._position : stop]
                self._position = min(stop + 1, len(self._source))
                self.line += 1
                if not is_quoted:
                    while line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2:
                        following = self._source.find("\n", self._position)
                        following = len(self._source) if following < 0 else following
                        joined = self._source[self._position : following]
                        if self._position >= len(self._source):
                            break
                        line = line[:-1] + (joined.lstrip("\t") if strips else joined)
                        self._position = min(following + 1, len(self._source))
                        self.line += 1
                if strips:
                    line = line.lstrip("\t")
                if line == end:
                    break
                lines.append(line + "\n")
            text = "".join(lines)
            document.target = (
                Word((Text(text, is_quoted=True),)) if is_quoted else self._document_word(text)
            )

    # --- the level of tokens --------------------------------------------------------------

    def _newline(self) -> None:
        """Pass over the end of a line, and read the here-documents that begin there."""
        self._position += 1
        self.line += 1
        if self._documents:
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
            raise AssertionError
        return word

    def _peek_word(self) -> str | None:
        """The next word as it is written, if it is a plain one."""
        self._skip_blanks()
        match = re.compile(r"[^\s;&|<>()$`\"'\\]+").match(self._source, self._position)
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

    def _unexpected(self, expected: str = "") -> None:
        self._skip_blanks()
        if self._at_end():
            raise ScriptError("", self.line, expected=expected)
        if self._peek() == "\n":
            raise ScriptError("newline", self.line, expected=expected)
        operator = self._peek_operator()
        if operator is not None:
            raise ScriptError(operator, self.line, expected=expected)
        raise ScriptError(self._peek_word() or self._peek(), self.line, expected=expected)


def _plain(part: object) -> str:
    from .syntax import Quotes

    if isinstance(part, Text):
        return part.text
    if isinstance(part, Quotes):
        return "".join(_plain(inner) for inner in part.parts)
    return getattr(part, "name", "")
