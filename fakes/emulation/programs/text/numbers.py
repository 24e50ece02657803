"""`seq`, `yes`, `expr`, `factor`, and busybox's `bc` and `dc`."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import Options, usage
from .expressions import ExpressionError, compile_expression

if TYPE_CHECKING:
    from ...process import Process


def seq(process: Process) -> int:
    """Count."""
    busybox = process.system.programs.is_busybox
    separator, width, pattern = "\n", False, None
    words = process.arguments[1:]
    while (
        words
        and words[0].startswith("-")
        and not re.match(r"-[\d.]", words[0])
        and len(words[0]) > 1
    ):
        word = words.pop(0)
        if word in ("-w", "--equal-width"):
            width = True
        elif word.startswith("-s"):
            separator = word[2:] or (words.pop(0) if words else "")
        elif word.startswith("--separator="):
            separator = word.partition("=")[2]
        elif word.startswith("-f") and not busybox:
            pattern = word[2:] or (words.pop(0) if words else "")
        elif word == "--":
            break
        else:
            raise usage(process, f"invalid option -- '{word[1]}'")
    if not words:
        raise usage(process, "" if busybox else "missing operand")
    if len(words) > 3:
        raise usage(process, f"extra operand '{words[3]}'")
    try:
        numbers = [Decimal(word) for word in words]
    except InvalidOperation as error:
        wrong = next(
            word
            for word in words
            if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", word, re.I)
        )
        if busybox:
            raise process.fail(f"invalid number '{wrong}'") from error
        raise usage(process, f"invalid floating point argument: '{wrong}'") from error
    first, step, last = {
        1: (Decimal(1), Decimal(1), numbers[-1]),
        2: (numbers[0], Decimal(1), numbers[-1]),
    }.get(len(numbers), (numbers[0], numbers[1 % len(numbers)], numbers[-1]))
    if not step:
        raise usage(process, f"invalid Zero increment value: '{words[1]}'")
    places = max(
        max(0, -int(number.as_tuple().exponent))
        for number in ((first, step) if len(numbers) > 1 else (first,))
    )
    shown_width = max(len(f"{value:.{places}f}") for value in (first, last)) if width else 0
    value, is_first = first, True
    while (value <= last) if step > 0 else (value >= last):
        process.step()
        text = f"{value:.{places}f}"
        if pattern is not None:
            from .formatting import Formatter

            text = Formatter("gnu", process.complain).format(pattern, [text])
        if width:
            text = (
                ("-" + text[1:].rjust(shown_width - 1, "0"))
                if text.startswith("-")
                else text.rjust(shown_width, "0")
            )
        process.print(("" if is_first else separator) + text)
        is_first = False
        value += step
    if not is_first:
        process.print("\n")
    return 0


def yes(process: Process) -> int:
    """Print a line until nobody reads."""
    line = (" ".join(process.arguments[1:]) or "y") + "\n"
    while True:
        process.print(line * 64)
        process.flush()


def factor(process: Process) -> int:
    """Print prime factors."""
    for word in process.arguments[1:] or process.read_all().decode("latin-1").split():
        if not word.isdigit():
            process.complain(f"'{word}' is not a valid positive integer")
            return 1
        number, factors, divisor = int(word), [], 2
        while divisor * divisor <= number:
            process.step()
            while not number % divisor:
                factors.append(divisor)
                number //= divisor
            divisor += 1
        if number > 1:
            factors.append(number)
        process.print(f"{int(word)}: {' '.join(map(str, factors))}".rstrip() + "\n")
    return 0


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
