"""Reads scripts: line by line, as shells do, so that what stands before an error is done."""

from __future__ import annotations

from ..syntax import AndOr, Command, Pipeline, Script, Subshell
from .compound_commands import CompoundCommandReader
from .simple_commands import REDIRECTIONS

_ENDS = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}"])


class Parser(CompoundCommandReader):
    """Reads one script: its lists and pipelines."""

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
        return Parser(source, self.dialect, extended=self._extended, line=self.line)

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
        elif self._expected:
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
        if operator is not None and operator not in REDIRECTIONS:
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
