"""Reads a program: its rules, functions and statements."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .expression_parser import ExpressionParser
from .syntax import (
    Block,
    Break,
    Continue,
    Delete,
    DoWhile,
    Exit,
    Expression,
    ExpressionStatement,
    For,
    ForIn,
    Function,
    Grouping,
    If,
    Next,
    Print,
    Program,
    Return,
    Rule,
    Statement,
    While,
)


class Parser(ExpressionParser):
    """Reads a program.

    Args:
        source: the program.
        builtins: the names of the functions that the language has.

    Raises:
        AwkSyntaxError: it is none.
        ExpressionError: it has a regular expression that is none.
    """

    def __init__(self, source: str, builtins: Collection[str]) -> None:
        super().__init__(source, builtins)
        self._statements: dict[str, Callable[[], Statement]] = {
            "if": self._if,
            "while": self._while,
            "do": self._do,
            "for": self._for,
            "break": lambda: self._word(Break()),
            "continue": lambda: self._word(Continue()),
            "next": lambda: self._word(Next()),
            "nextfile": lambda: self._word(Next(skips_file=True)),
            "exit": lambda: Exit(self._optional_value()),
            "return": lambda: Return(self._optional_value()),
        }

    def program(self) -> Program:
        """Read all of it."""
        begin: list[Statement] = []
        end: list[Statement] = []
        rules: list[Rule] = []
        functions: dict[str, Function] = {}
        self._skip_ends()
        while self._token.kind != "end":
            if self._takes("function", "func"):
                name = self._take_name("name", "call")
                functions[name] = self._function()
            elif self._takes("BEGIN"):
                begin.append(self._block())
            elif self._takes("END"):
                end.append(self._block())
            else:
                rules.append(self._rule())
            self._skip_ends()
        return Program(tuple(begin), tuple(rules), tuple(end), functions)

    def _function(self) -> Function:
        self._expect("(")
        parameters = []
        while not self._takes(")"):
            parameters.append(self._take_name("name"))
            if self._takes(","):
                self._skip_newlines()
        self._skip_newlines()
        return Function(tuple(parameters), self._block())

    def _take_name(self, *kinds: str) -> str:
        if self._token.kind not in kinds:
            raise self._unexpected()
        return self._take().text

    def _rule(self) -> Rule:
        pattern: Expression | None = None
        last: Expression | None = None
        if not self._is("{"):
            pattern = self._expression()
            if self._takes(","):
                self._skip_newlines()
                last = self._expression()
        return Rule(pattern, last, self._block() if self._is("{") else None)

    # --- statements ---------------------------------------------------------------------------

    def _block(self) -> Block:
        self._skip_newlines()
        self._expect("{")
        statements = []
        self._skip_ends()
        while not self._takes("}"):
            if self._token.kind == "end":
                raise self._unexpected()
            statements.append(self._statement())
            self._skip_ends()
        return Block(tuple(statements))

    def _body(self) -> Statement:
        """Read what a condition or loop does."""
        self._skip_newlines()
        return Block(()) if self._takes(";") else self._statement()

    def _statement(self) -> Statement:
        if self._is("{"):
            return self._block()
        if self._token.kind == "keyword" and self._token.text in self._statements:
            return self._statements[self._take().text]()
        statement = self._simple()
        self._end_of_statement()
        return statement

    def _end_of_statement(self) -> None:
        if self._is(";") or self._token.kind == "newline":
            self._take()
        elif not self._is_end_of_statement():
            raise self._unexpected()

    def _simple(self) -> Statement:
        if self._is("print", "printf"):
            return self._print()
        if self._takes("delete"):
            name = self._take_name("name")
            return Delete(name, self._subscript() if self._is("[") else None)
        return ExpressionStatement(self._expression())

    def _word(self, statement: Statement) -> Statement:
        self._end_of_statement()
        return statement

    def _optional_value(self) -> Expression | None:
        value = None if self._is_end_of_statement() else self._expression()
        self._end_of_statement()
        return value

    def _condition(self) -> Expression:
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        return condition

    def _if(self) -> Statement:
        condition = self._condition()
        body = self._body()
        place = self._place()
        self._skip_ends()
        if self._takes("else"):
            return If(condition, body, self._body())
        self._return_to(place)
        return If(condition, body, None)

    def _while(self) -> Statement:
        condition = self._condition()
        return While(condition, self._body())

    def _do(self) -> Statement:
        body = self._body()
        self._skip_ends()
        self._expect("while")
        condition = self._condition()
        self._end_of_statement()
        return DoWhile(body, condition)

    def _for(self) -> Statement:
        self._expect("(")
        in_array = self._for_in()
        if in_array is not None:
            return in_array
        first = None if self._is(";") else self._simple()
        self._expect(";")
        self._skip_newlines()
        condition = None if self._is(";") else self._expression()
        self._expect(";")
        self._skip_newlines()
        step = None if self._is(")") else self._simple()
        self._expect(")")
        return For(first, condition, step, self._body())

    def _for_in(self) -> Statement | None:
        """Read the rest of `for (name in array)`; `None` where it is another loop."""
        place = self._place()
        if self._token.kind == "name":
            name = self._take().text
            if self._takes("in") and self._token.kind == "name":
                array = self._take().text
                if self._takes(")"):
                    return ForIn(name, array, self._body())
        self._return_to(place)
        return None

    def _print(self) -> Statement:
        is_formatted = self._take().text == "printf"
        arguments: list[Expression] = []
        self._in_print += 1
        if not (self._is_end_of_statement() or self._is(">", ">>", "|")):
            arguments.append(self._expression())
            while self._takes(","):
                self._skip_newlines()
                arguments.append(self._expression())
        self._in_print -= 1
        if len(arguments) == 1 and isinstance(arguments[0], Grouping):
            arguments = list(arguments[0].items)
        operator = ""
        target = None
        if self._is(">", ">>", "|"):
            operator = self._take().text
            target = self._concatenation()
        return Print(tuple(arguments), is_formatted, operator, target)
