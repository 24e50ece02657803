"""Reads the expressions of a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ..expressions import compile_expression
from .lexer import Lexer
from .syntax import (
    And,
    Arithmetic,
    Assignment,
    AwkSyntaxError,
    BuiltinCall,
    Call,
    Comparison,
    Concatenation,
    Constant,
    Expression,
    Field,
    Getline,
    Grouping,
    Increment,
    Index,
    Match,
    Membership,
    Name,
    Not,
    Or,
    Regex,
    Sign,
    Ternary,
)

_ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=", "%=", "^=", "**=")
_COMPARISONS = ("<", "<=", "==", "!=", ">=")
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "\\": "\\",
    '"': '"',
    "/": "/",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}


def unescaped(text: str) -> str:
    """Return what a text between double quotes, or of an assignment among the operands, means."""

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 8) & 0xFF)
        if match[2] == "\n":
            return ""
        return _ESCAPES.get(match[2], "\\" + match[2])

    return re.sub(r"\\(?:([0-7]{1,3})|(.))", replace, text, flags=re.S)


class ExpressionParser(Lexer):
    """Reads expressions, by the precedence of their operators (POSIX.1-2017, awk, Grammar)."""

    def __init__(self, source: str, builtins: Collection[str]) -> None:
        super().__init__(source, builtins)
        self._in_parentheses = 0
        self._in_print = 0

    def _expression(self) -> Expression:
        left = self._ternary()
        if isinstance(left, (Name, Index, Field)) and self._is(*_ASSIGNMENTS):
            operator = self._take().text[:-1]
            self._skip_newlines()
            return Assignment(operator.replace("**", "^"), left, self._expression())
        return left

    def _ternary(self) -> Expression:
        condition = self._or()
        if not self._takes("?"):
            return condition
        self._skip_newlines()
        chosen = self._expression()
        self._skip_newlines()
        self._expect(":")
        self._skip_newlines()
        return Ternary(condition, chosen, self._expression())

    def _or(self) -> Expression:
        left = self._and()
        while self._takes("||"):
            self._skip_newlines()
            left = Or(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._in()
        while self._takes("&&"):
            self._skip_newlines()
            left = And(left, self._in())
        return left

    def _in(self) -> Expression:
        left = self._match()
        while self._takes("in"):
            items = left.items if isinstance(left, Grouping) else (left,)
            left = Membership(items, self._take().text)
        return left

    def _match(self) -> Expression:
        left = self._comparison()
        while self._is("~", "!~"):
            operator = self._take().text
            left = Match(operator, left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._concatenation()
        if self._is(*_COMPARISONS) or (self._is(">") and not self._is_output()):
            operator = self._take().text
            return Comparison(operator, left, self._concatenation())
        return left

    def _is_output(self) -> bool:
        """Tell whether `>` and `|` are those of `print`."""
        return self._in_print > 0 and not self._in_parentheses

    def _concatenation(self) -> Expression:
        left = self._additive()
        while self._starts_operand():
            left = Concatenation(left, self._additive())
        while self._is("|") and not self._is_output():
            place = self._place()
            self._take()
            if not self._takes("getline"):
                self._return_to(place)
                break
            left = Getline("|", left, self._optional_target())
        return left

    def _starts_operand(self) -> bool:
        kind, text = self._token
        if kind == "operator":
            return text in ("$", "!", "(", "++", "--")
        return kind in ("number", "string", "name", "builtin", "call", "regex")

    def _additive(self) -> Expression:
        left = self._multiplicative()
        while self._is("+", "-"):
            operator = self._take().text
            left = Arithmetic(operator, left, self._multiplicative())
        return left

    def _multiplicative(self) -> Expression:
        left = self._unary()
        while self._is("*", "/", "%"):
            operator = self._take().text
            left = Arithmetic(operator, left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self._takes("!"):
            return Not(self._unary())
        if self._is("-", "+"):
            operator = self._take().text
            return Sign(operator, self._unary())
        return self._power()

    def _power(self) -> Expression:
        base = self._postfix()
        if self._takes("^", "**"):
            exponent = self._unary() if self._is("-", "+", "!") else self._power()
            return Arithmetic("^", base, exponent)
        return base

    def _postfix(self) -> Expression:
        operand = self._primary()
        if isinstance(operand, (Name, Index, Field)) and self._is("++", "--"):
            return Increment(self._take().text, operand, is_prefix=False)
        return operand

    def _subscript(self) -> tuple[Expression, ...]:
        self._expect("[")
        self._in_parentheses += 1
        items = [self._expression()]
        while self._takes(","):
            items.append(self._expression())
        self._in_parentheses -= 1
        self._expect("]")
        return tuple(items)

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        self._in_parentheses += 1
        self._skip_newlines()
        found = []
        while not self._is(")"):
            found.append(self._expression())
            self._skip_newlines()
            if self._takes(","):
                self._skip_newlines()
        self._in_parentheses -= 1
        self._take()
        return tuple(found)

    def _optional_target(self) -> Expression | None:
        if self._token.kind == "name" or self._is("$"):
            return self._postfix()
        return None

    def _primary(self) -> Expression:
        readers: dict[str, Callable[[str], Expression]] = {
            "number": self._number,
            "string": lambda text: Constant(unescaped(text[1:-1])),
            "regex": self._regex_operand,
            "builtin": self._builtin_call,
            "call": lambda text: Call(text, self._arguments()),
            "name": self._variable,
        }
        kind = self._token.kind
        reader = readers.get(kind)
        if reader is not None:
            return reader(self._take().text)
        if self._takes("getline"):
            return self._getline()
        if self._takes("$"):
            return Field(self._field_number())
        if self._is("++", "--"):
            return self._prefix()
        if self._takes("("):
            return self._grouping()
        if self._is("-", "+", "!"):
            return self._unary()
        if kind == "newline":
            raise AwkSyntaxError("syntax error at or near end of line")
        raise self._unexpected()

    @staticmethod
    def _number(text: str) -> Expression:
        return Constant(float(int(text, 16)) if text[:2].lower() == "0x" else float(text))

    @staticmethod
    def _regex_operand(text: str) -> Expression:
        compile_expression(text, extended=True)
        return Regex(text)

    def _builtin_call(self, name: str) -> Expression:
        if self._is("("):
            return BuiltinCall(name, self._arguments())
        if name != "length":
            raise self._unexpected()
        return BuiltinCall(name, ())

    def _variable(self, name: str) -> Expression:
        return Index(name, self._subscript()) if self._is("[") else Name(name)

    def _getline(self) -> Expression:
        target = self._optional_target()
        if self._takes("<"):
            return Getline("<", self._postfix(), target)
        return Getline("", None, target)

    def _field_number(self) -> Expression:
        if self._is("++", "--"):
            return self._prefix()
        return self._unary() if self._is("-") else self._primary()

    def _prefix(self) -> Expression:
        operator = self._take().text
        return Increment(operator, self._primary(), is_prefix=True)

    def _grouping(self) -> Expression:
        self._in_parentheses += 1
        self._skip_newlines()
        items = [self._expression()]
        while self._takes(","):
            self._skip_newlines()
            items.append(self._expression())
        self._in_parentheses -= 1
        self._skip_newlines()
        self._expect(")")
        return Grouping(tuple(items))
