"""Evaluates the expressions of a program."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .main_input import MainInput
from .record import Record
from .streams import Streams
from .syntax import (
    And,
    Arithmetic,
    Assignment,
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
from .values import Scalar, from_outside, integer, is_numeric, is_true, number
from .variables import Variables

if TYPE_CHECKING:
    from ....process import Process

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


class Evaluator:
    """Evaluates expressions.

    Args:
        process: the process of the program.
        operands: the operands of the program.
        builtins: the functions that the language has.
        call: calls one of the program's functions.
    """

    def __init__(
        self,
        process: Process,
        operands: list[str],
        builtins: Mapping[str, Builtin],
        call: Callable[[Call], Scalar],
    ) -> None:
        self.process = process
        self.is_busybox = process.system.programs.is_busybox
        self.variables = Variables(process, operands)
        self.record = Record(process, self.variables)
        self.streams = Streams(process)
        self.input = MainInput(process, self.variables, self.streams)
        self._builtins = builtins
        self._call = call

    def value(self, expression: Expression) -> Scalar:
        """Evaluate an expression.

        Raises:
            ProcessExit: that cannot be done.
            ZeroDivisionError: it divides by zero, as busybox refuses.
        """
        return _EVALUATORS[type(expression)](self, expression)

    def number(self, expression: Expression) -> float:
        """Evaluate an expression as a number."""
        return number(self.value(expression))

    def text(self, expression: Expression) -> str:
        """Evaluate an expression as text."""
        return self.variables.text(self.value(expression))

    def is_true(self, expression: Expression) -> bool:
        """Evaluate a condition."""
        return is_true(self.value(expression))

    def pattern(self, expression: Expression) -> re.Pattern[str]:
        """Evaluate what is used as a regular expression."""
        source = expression.source if isinstance(expression, Regex) else self.text(expression)
        return self.variables.regex(source)

    def key(self, subscript: Iterable[Expression]) -> str:
        """Evaluate a subscript."""
        return self.variables.text_of("SUBSEP").join([self.text(one) for one in subscript])

    def assign(self, target: Expression, value: Scalar) -> Scalar:
        """Assign a value to a variable, an element or a field.

        Raises:
            ProcessExit: the target is none of them.
        """
        target = _ungrouped(target)
        if isinstance(target, Name):
            if target.name == "NF":
                self.record.set_count(integer(value))
            else:
                self.variables.set(target.name, value)
        elif isinstance(target, Index):
            self.variables.array(target.array)[self.key(target.subscript)] = value
        elif isinstance(target, Field):
            self.record.set(integer(self.value(target.number)), self.variables.text(value))
        else:
            raise self.process.fail("assignment to what is no variable", 2)
        return value

    # --- kinds of expressions -----------------------------------------------------------------

    def _regex(self, node: Regex) -> Scalar:
        return float(self.pattern(node).search(self.record.text) is not None)

    def _name(self, node: Name) -> Scalar:
        if node.name == "NF":
            return float(len(self.record.fields))
        return self.variables.get(node.name)

    def _index(self, node: Index) -> Scalar:
        array = self.variables.array(node.array)
        return array.setdefault(self.key(node.subscript), None)

    def _assignment(self, node: Assignment) -> Scalar:
        value = self.value(node.value)
        if node.operator:
            value = self._calculate(node.operator, self.number(node.target), number(value))
        return self.assign(node.target, value)

    def _ternary(self, node: Ternary) -> Scalar:
        return self.value(node.chosen if self.is_true(node.condition) else node.otherwise)

    def _or(self, node: Or) -> Scalar:
        return float(self.is_true(node.left) or self.is_true(node.right))

    def _and(self, node: And) -> Scalar:
        return float(self.is_true(node.left) and self.is_true(node.right))

    def _membership(self, node: Membership) -> Scalar:
        return float(self.key(node.subscript) in self.variables.array(node.array))

    def _match(self, node: Match) -> Scalar:
        found = self.pattern(node.pattern).search(self.text(node.text)) is not None
        return float(found == (node.operator == "~"))

    def _comparison(self, node: Comparison) -> Scalar:
        left, right = self.value(node.left), self.value(node.right)
        compare = _COMPARISONS[node.operator]
        if is_numeric(left) and is_numeric(right):
            return float(compare(number(left), number(right)))
        return float(compare(self.variables.text(left), self.variables.text(right)))

    def _concatenation(self, node: Concatenation) -> Scalar:
        return self.process.hold(self.text(node.left) + self.text(node.right))

    def _arithmetic(self, node: Arithmetic) -> Scalar:
        return self._calculate(node.operator, self.number(node.left), self.number(node.right))

    def _calculate(self, kind: str, left: float, right: float) -> float:
        if kind in "/%" and not right:
            if self.is_busybox:
                raise ZeroDivisionError
            return math.copysign(math.inf, left) if kind == "/" and left else math.nan
        return _CALCULATIONS[kind](left, right)

    def _sign(self, node: Sign) -> Scalar:
        value = self.number(node.operand)
        return -value if node.operator == "-" else value

    def _increment(self, node: Increment) -> Scalar:
        old = self.number(_ungrouped(node.target))
        new = old + (1 if node.operator == "++" else -1)
        self.assign(node.target, new)
        return new if node.is_prefix else old

    def _grouping(self, node: Grouping) -> Scalar:
        return self.value(node.items[0]) if len(node.items) == 1 else self.key(node.items)

    def _getline(self, node: Getline) -> Scalar:
        if node.source is None:
            record = self.input.next()
        else:
            try:
                line = self.streams.read_line(node.operator, self.text(node.source))
            except OSError:
                return -1.0
            record = None if line is None else line.removesuffix(b"\n").decode("latin-1")
            if record is not None and node.operator == "|":
                self.variables.set("NR", number(self.variables.get("NR")) + 1)
        if record is None:
            return 0.0
        if node.target is None:
            self.record.replace(record)
        else:
            self.assign(node.target, from_outside(record))
        return 1.0

    def _call_own(self, node: Call) -> Scalar:
        return self._call(node)

    def _call_builtin(self, node: BuiltinCall) -> Scalar:
        return self._builtins[node.name](self, node.arguments)


Builtin = Callable[[Evaluator, Sequence[Expression]], Scalar]
"""A function that the language has: of expressions, as some change what they are given."""


def _ungrouped(target: Expression) -> Expression:
    if isinstance(target, Grouping) and len(target.items) == 1:
        return target.items[0]
    return target


def _remainder(left: float, right: float) -> float:
    return math.nan if math.isinf(left) else math.fmod(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 else math.inf
    except ValueError:  # a negative power of zero, or a root of what is negative
        return math.nan if left else math.inf


_CALCULATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": _remainder,
    "^": _power,
}
_EVALUATORS: Mapping[type[Expression], Callable[[Evaluator, Any], Scalar]] = {
    Constant: lambda _evaluator, node: node.value,
    Regex: Evaluator._regex,
    Name: Evaluator._name,
    Index: Evaluator._index,
    Field: lambda evaluator, node: evaluator.record.get(integer(evaluator.value(node.number))),
    Assignment: Evaluator._assignment,
    Ternary: Evaluator._ternary,
    Or: Evaluator._or,
    And: Evaluator._and,
    Membership: Evaluator._membership,
    Match: Evaluator._match,
    Comparison: Evaluator._comparison,
    Concatenation: Evaluator._concatenation,
    Arithmetic: Evaluator._arithmetic,
    Not: lambda evaluator, node: float(not evaluator.is_true(node.operand)),
    Sign: Evaluator._sign,
    Increment: Evaluator._increment,
    Grouping: Evaluator._grouping,
    Getline: Evaluator._getline,
    Call: Evaluator._call_own,
    BuiltinCall: Evaluator._call_builtin,
}
