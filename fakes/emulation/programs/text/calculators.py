"""`bc` and `dc`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def bc(process: Process) -> int:
    """Calculate, as far as plain expressions go."""
    options = Options(process, "ilqsw", "mathlib:l")
    text = "".join(
        process.system.files.read_file(process, path).decode("latin-1") for path in options.operands
    ) + process.read_all().decode("latin-1")
    scale = 20 if "l" in options else 0
    names: dict[str, Decimal] = {}
    for statement in re.split(r"[;\n]", text):
        statement = statement.strip()
        if not statement:
            continue
        if statement in ("quit", "halt"):
            break
        if match := re.fullmatch(r"scale\s*=\s*(\d+)", statement):
            scale = int(match[1])
            continue
        if match := re.fullmatch(r"([a-z][a-z0-9_]*)\s*=([^=].*)", statement):
            names[match[1]] = _Calculation(process, match[2], scale, names).value()
            continue
        process.print(_plain_number(_Calculation(process, statement, scale, names).value()) + "\n")
    return 0


def _plain_number(value: Decimal) -> str:
    text = f"{value:f}"
    if text.startswith("0."):
        text = text[1:]
    elif text.startswith("-0."):
        text = "-" + text[2:]
    return text


class _Calculation:
    def __init__(self, process: Process, text: str, scale: int, names: dict[str, Decimal]) -> None:
        self._process = process
        self._tokens = re.findall(r"\d+\.?\d*|\.\d+|[a-z][a-z0-9_]*|<=|>=|==|!=|&&|\|\||\S", text)
        self._position = 0
        self._scale = scale
        self._names = names

    def value(self) -> Decimal:
        result = self._level(0)
        if self._position < len(self._tokens):
            raise self._process.fail("bad expression")
        return result

    _LEVELS = (("<", "<=", ">", ">=", "==", "!="), ("+", "-"), ("*", "/", "%"))

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _level(self, level: int) -> Decimal:
        if level == len(self._LEVELS):
            return self._power()
        left = self._level(level + 1)
        while self._peek() in self._LEVELS[level] and self._peek():
            operator = self._peek()
            self._position += 1
            left = self._apply(operator, left, self._level(level + 1))
        return left

    def _apply(self, operator: str, left: Decimal, right: Decimal) -> Decimal:
        if operator in ("/", "%"):
            if not right:
                raise self._process.fail("divide by zero")
            unit = Decimal(1).scaleb(-self._scale)
            quotient = (left / right).quantize(unit, rounding="ROUND_DOWN")
            return quotient if operator == "/" else left - quotient * right
        return {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "<": lambda: Decimal(int(left < right)),
            "<=": lambda: Decimal(int(left <= right)),
            ">": lambda: Decimal(int(left > right)),
            ">=": lambda: Decimal(int(left >= right)),
            "==": lambda: Decimal(int(left == right)),
            "!=": lambda: Decimal(int(left != right)),
        }[operator]()

    def _power(self) -> Decimal:
        base = self._primary()
        if self._peek() == "^":
            self._position += 1
            return base ** int(self._power())
        return base

    def _primary(self) -> Decimal:
        symbol = self._peek()
        self._position += 1
        if symbol == "-":
            return -self._primary()
        if symbol == "(":
            value = self._level(0)
            if self._peek() != ")":
                raise self._process.fail("bad expression")
            self._position += 1
            return value
        if re.match(r"[\d.]", symbol):
            return Decimal(symbol)
        if re.match(r"[a-z]", symbol) and self._peek() != "(":
            return self._names.get(symbol, Decimal(0))
        raise self._process.fail("bad expression")


def _calculated(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator == "/":
        return Decimal(int(left / right))
    return left % right if operator == "%" else left ** int(right)


def dc(process: Process) -> int:
    """Calculate in reverse Polish notation."""
    stack: list[Decimal] = []
    for symbol in process.read_all().decode("latin-1").split():
        if re.fullmatch(r"_?\d+(\.\d+)?", symbol):
            stack.append(Decimal(symbol.replace("_", "-")))
        elif symbol in "+-*/%^" and len(stack) > 1:
            right, left = stack.pop(), stack.pop()
            if symbol in "/%" and not right:
                raise process.fail("divide by zero")
            stack.append(_calculated(symbol, left, right))
        elif symbol == "p":
            if not stack:
                process.complain("stack has too few elements")
                continue
            process.print(_plain_number(stack[-1]) + "\n")
        elif symbol == "f":
            for value in reversed(stack):
                process.print(_plain_number(value) + "\n")
        elif symbol == "q":
            raise ProcessExit(0)
    return 0
