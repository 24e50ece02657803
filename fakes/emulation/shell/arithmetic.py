"""Arithmetic of shells: 64-bit integers, C's operators (POSIX.1-2017, 2.6.4)."""

from __future__ import annotations

import re
from typing import Protocol


class ExpressionError(Exception):
    """An expression that has no value."""


class Names(Protocol):
    """The variables of an expression."""

    def get(self, name: str, index: str | None) -> str:
        """Return the value of a variable; empty where it has none."""
        ...

    def set(self, name: str, index: str | None, value: int) -> None:
        """Set a variable."""
        ...


_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9A-Za-z@_]+|\d[0-9A-Za-z_.]*)|([A-Za-z_]\w*)|"
    r"(<<=|>>=|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^]=|[-+*/%<>=!~&|^?:,()]))"
)
_ASSIGNS = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="])
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="),
    ("<<", ">>"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip
_DEEPEST = 100


def wrap(value: int) -> int:
    """Return a number as 64 bits hold it."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def number(text: str, *, is_bash: bool) -> int:
    """Read a constant.

    Raises:
        ExpressionError: it is none.
    """
    try:
        if "#" in text:
            base, _, digits = text.partition("#")
            return _in_base(digits, int(base))
        if text[:2] in ("0x", "0X"):
            return wrap(int(text, 16))
        if len(text) > 1 and text[0] == "0":
            return wrap(int(text, 8))
        return wrap(int(text))
    except ValueError:
        if is_bash:
            raise ExpressionError(
                f'{text}: value too great for base (error token is "{text}")'
            ) from None
        raise ExpressionError(text) from None


def _in_base(digits: str, base: int) -> int:
    value = 0
    for digit in digits:
        if digit.isdigit():
            one = int(digit)
        elif digit.islower():
            one = ord(digit) - ord("a") + 10
        elif digit.isupper():
            one = ord(digit) - ord("A") + (10 if base <= 36 else 36)
        else:
            one = {"@": 62, "_": 63}[digit]
        if one >= base:
            raise ValueError(digits)
        value = value * base + one
    return wrap(value)


class Evaluator:
    """Evaluates one expression.

    Args:
        source: the expression, with everything expanded.
        names: its variables.
        is_bash: whether bash's operators (`**`, `++`, `,`) and recursion are known; busybox knows
            the same.
        is_dash: whether only dash's are.
    """

    def __init__(
        self,
        source: str,
        names: Names,
        *,
        is_bash: bool = False,
        is_dash: bool = False,
        depth: int = 0,
    ) -> None:
        self._source = source
        self._names = names
        self._is_bash = is_bash
        self._is_dash = is_dash
        self._depth = depth
        self._tokens: list[tuple[str, str]] = []
        self._position = 0
        self._skipping = 0
        if depth > _DEEPEST:
            raise ExpressionError("expression recursion level exceeded")

    def value(self) -> int:
        """Return the value.

        Raises:
            ExpressionError: there is none.
        """
        if self._is_bash:
            self._source = self._source.replace('"', "")
        self._read()
        if not self._tokens:
            return 0
        result = self._comma()
        if self._position < len(self._tokens):
            self._fault("syntax error in expression")
        return result

    def _read(self) -> None:
        position = 0
        text = self._source
        while position < len(text):
            if not text[position:].strip():
                break
            match = _TOKEN.match(text, position)
            if match is None:
                if (
                    text[position:].lstrip()[0] == "["
                    and self._tokens
                    and self._tokens[-1][0] == "name"
                ):
                    start = text.index("[", position)
                    depth, stop = 0, start
                    while stop < len(text):
                        depth += {"[": 1, "]": -1}.get(text[stop], 0)
                        if not depth:
                            break
                        stop += 1
                    self._tokens.append(("index", text[start + 1 : stop]))
                    position = stop + 1
                    continue
                self._fault("syntax error: operand expected")
                return
            if match[1]:
                self._tokens.append(("number", match[1]))
            elif match[2]:
                self._tokens.append(("name", match[2]))
            else:
                self._tokens.append(("operator", match[3]))
            position = match.end()

    def _fault(self, message: str) -> None:
        raise ExpressionError(message)

    def _peek(self, offset: int = 0) -> tuple[str, str]:
        position = self._position + offset
        return self._tokens[position] if position < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _comma(self) -> int:
        value = self._assignment()
        while self._peek() == ("operator", ",") and not self._is_dash:
            self._take()
            value = self._assignment()
        return value

    def _assignment(self) -> int:
        kind, name = self._peek()
        if kind == "name":
            index = self._peek(1)[1] if self._peek(1)[0] == "index" else None
            following = self._peek(2 if index is not None else 1)
            if following[0] == "operator" and following[1] in _ASSIGNS:
                self._position += 3 if index is not None else 2
                old = self._variable(name, index) if following[1] != "=" else 0
                value = self._assignment()
                if following[1] != "=":
                    value = self._binary(following[1][:-1], old, value)
                self._set(name, index, value)
                return value
        return self._conditional()

    def _set(self, name: str, index: str | None, value: int) -> None:
        if not self._skipping:
            self._names.set(name, index, value)

    def _conditional(self) -> int:
        condition = self._level(0)
        if self._peek() != ("operator", "?"):
            return condition
        self._take()
        self._skipping += not condition
        first = self._assignment()
        self._skipping -= not condition
        if self._take() != ("operator", ":"):
            self._fault("`:' expected for conditional expression")
        self._skipping += bool(condition)
        second = self._conditional_or_assignment()
        self._skipping -= bool(condition)
        return first if condition else second

    def _conditional_or_assignment(self) -> int:
        return self._assignment()

    def _level(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._power()
        left = self._level(level + 1)
        while True:
            kind, operator = self._peek()
            if kind == "operator" and operator in ("++", "--"):  # `1--1`
                self._tokens[self._position : self._position + 1] = [("operator", operator[0])] * 2
                operator = operator[0]
            if kind != "operator" or operator not in _LEVELS[level]:
                return left
            self._take()
            skips = (operator == "&&" and not left) or (operator == "||" and bool(left))
            self._skipping += skips
            right = self._level(level + 1)
            self._skipping -= skips
            left = self._binary(operator, left, right)

    def _power(self) -> int:
        base = self._unary()
        if self._peek() == ("operator", "**") and not self._is_dash:
            self._take()
            exponent = self._power()
            if exponent < 0:
                self._fault("exponent less than 0")
            return (
                wrap(pow(base, exponent, 1 << 64))
                if base >= 0
                else wrap(base ** min(exponent, 4096))
            )
        return base

    def _unary(self) -> int:
        kind, operator = self._peek()
        if kind == "operator":
            if operator in ("++", "--") and not self._is_dash and self._peek(1)[0] == "name":
                self._take()
                _, name = self._take()
                index = self._take()[1] if self._peek()[0] == "index" else None
                value = wrap(self._variable(name, index) + (1 if operator == "++" else -1))
                self._set(name, index, value)
                return value
            if operator in ("++", "--"):  # two signs
                self._take()
                return self._unary()
            if operator in "+-!~" and operator:
                self._take()
                value = self._unary()
                return {"+": value, "-": wrap(-value), "!": int(not value), "~": ~value}[operator]
        return self._primary()

    def _primary(self) -> int:
        kind, text = self._take()
        if kind == "number":
            if self._is_dash and "#" in text:
                self._fault("expecting EOF")
            return number(text, is_bash=self._is_bash)
        if kind == "operator" and text == "(":
            value = self._comma()
            if self._take() != ("operator", ")"):
                self._fault("missing `)'")
            return value
        if kind != "name":
            self._fault("expecting primary" if self._is_dash else "syntax error: operand expected")
        index = self._take()[1] if self._peek()[0] == "index" else None
        value = self._variable(text, index)
        kind, operator = self._peek()
        if operator in ("++", "--") and kind == "operator" and not self._is_dash:
            self._take()
            self._set(text, index, wrap(value + (1 if operator == "++" else -1)))
        return value

    def _variable(self, name: str, index: str | None) -> int:
        if self._skipping:
            return 0
        text = self._names.get(name, index).strip()
        if not text:
            return 0
        match = re.fullmatch(r"([-+]?)(\d\w*|\d+#[\w@]+)", text)
        if match is not None:
            value = number(match[2], is_bash=self._is_bash)
            return wrap(-value) if match[1] == "-" else value
        if self._is_dash:
            raise ExpressionError(f"Illegal number: {text}")
        return Evaluator(text, self._names, is_bash=self._is_bash, depth=self._depth + 1).value()

    def _binary(self, operator: str, left: int, right: int) -> int:
        if operator in ("/", "%"):
            if not right:
                if self._skipping:
                    return 0
                self._fault("division by zero" if self._is_dash else "divide by zero")
            quotient = abs(left) // abs(right)
            if (left < 0) != (right < 0):
                quotient = -quotient
            return wrap(quotient if operator == "/" else left - quotient * right)
        if operator in ("<<", ">>"):
            shift = right & 63
            return wrap(left << shift) if operator == "<<" else left >> shift
        results = {
            "||": lambda: int(bool(left) or bool(right)),
            "&&": lambda: int(bool(left) and bool(right)),
            "|": lambda: left | right,
            "^": lambda: left ^ right,
            "&": lambda: left & right,
            "==": lambda: int(left == right),
            "!=": lambda: int(left != right),
            "<": lambda: int(left < right),
            "<=": lambda: int(left <= right),
            ">": lambda: int(left > right),
            ">=": lambda: int(left >= right),
            "+": lambda: wrap(left + right),
            "-": lambda: wrap(left - right),
            "*": lambda: wrap(left * right),
        }
        return results[operator]()
