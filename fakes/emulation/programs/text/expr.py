"""`expr`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..options import usage
from .expressions import ExpressionError, compile_expression

if TYPE_CHECKING:
    from ...process import Process


def expr(process: Process) -> int:
    """Evaluate an expression of words."""
    words = process.arguments[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise usage(process, "" if process.system.programs.is_busybox else "missing operand", 2)
    evaluator = _Expression(process, words)
    value = evaluator.either()
    if evaluator.position < len(words):
        raise process.fail(
            f"syntax error: unexpected argument '{words[evaluator.position]}'"
            if not process.system.programs.is_busybox
            else "syntax error",
            2,
        )
    process.print(f"{value}\n")
    return int(value in ("", "0") or re.fullmatch(r"-?0+", value) is not None)


class _Expression:
    def __init__(self, process: Process, words: list[str]) -> None:
        self._process = process
        self._words = words
        self.position = 0

    def _peek(self) -> str | None:
        return self._words[self.position] if self.position < len(self._words) else None

    def _take(self) -> str:
        word = self._peek()
        if word is None:
            raise self._process.fail(
                "syntax error: missing argument after '" + self._words[-1] + "'"
                if not self._process.system.programs.is_busybox
                else "syntax error",
                2,
            )
        self.position += 1
        return word

    @staticmethod
    def _is_null(text: str) -> bool:
        return text in ("", "0")

    def either(self) -> str:
        left = self._both()
        while self._peek() == "|":
            self.position += 1
            right = self._both()
            left = left if not self._is_null(left) else right if not self._is_null(right) else "0"
        return left

    def _both(self) -> str:
        left = self._compared()
        while self._peek() == "&":
            self.position += 1
            right = self._compared()
            left = left if not self._is_null(left) and not self._is_null(right) else "0"
        return left

    def _compared(self) -> str:
        left = self._sum()
        while self._peek() in ("<", "<=", "=", "==", "!=", ">=", ">"):
            operator = self._take()
            right = self._sum()
            if re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right):
                order = (int(left) > int(right)) - (int(left) < int(right))
            else:
                order = (left > right) - (left < right)
            holds = {
                "<": order < 0,
                "<=": order <= 0,
                "=": not order,
                "==": not order,
                "!=": bool(order),
                ">=": order >= 0,
                ">": order > 0,
            }
            left = str(int(holds[operator]))
        return left

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"-?\d+", text):
            raise self._process.fail("non-integer argument", 2)
        return int(text)

    def _sum(self) -> str:
        left = self._product()
        while self._peek() in ("+", "-"):
            operator = self._take()
            a, b = self._number(left), self._number(self._product())
            left = str(a + b if operator == "+" else a - b)
        return left

    def _product(self) -> str:
        left = self._match()
        while self._peek() in ("*", "/", "%"):
            operator = self._take()
            a, b = self._number(left), self._number(self._match())
            if operator != "*" and not b:
                raise self._process.fail("division by zero", 2)
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0
            left = str({"*": a * b, "/": quotient, "%": a - quotient * b}[operator])
        return left

    def _match(self) -> str:
        left = self._primary()
        while self._peek() == ":":
            self.position += 1
            left = self._matched(left, self._primary())
        return left

    def _matched(self, text: str, pattern: str) -> str:
        try:
            compiled = compile_expression(
                pattern.lstrip("^") if pattern.startswith("^") else pattern, extended=False
            )
        except ExpressionError as error:
            raise self._process.fail(str(error), 2) from error
        match = compiled.match(text)
        if compiled.groups:
            return (match[1] or "") if match else ""
        return str(match.end()) if match else "0"

    def _primary(self) -> str:
        word = self._take()
        if word == "(":
            value = self.either()
            if self._take() != ")":
                raise self._process.fail("syntax error: expecting ')'", 2)
            return value
        if word == "length" and self._peek() is not None:
            return str(len(self._primary()))
        if word == "substr" and self._peek() is not None:
            text, start, length = (
                self._primary(),
                self._number(self._primary()),
                self._number(self._primary()),
            )
            return text[start - 1 : start - 1 + length] if start > 0 and length > 0 else ""
        if word == "index" and self._peek() is not None:
            text, letters = self._primary(), self._primary()
            return str(next((place for place, one in enumerate(text, 1) if one in letters), 0))
        if word == "match" and self._peek() is not None:
            return self._matched(self._primary(), self._primary())
        if (
            word == "+"
            and self._peek() is not None
            and not self._process.system.programs.is_busybox
        ):
            return self._take()
        return word
