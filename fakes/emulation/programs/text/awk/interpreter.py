"""Runs a program: its rules, statements and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .evaluator import Evaluator
from .functions import BUILTINS, format_text
from .syntax import (
    Block,
    Break,
    BuiltinCall,
    Call,
    Continue,
    Delete,
    DoWhile,
    Exit,
    Expression,
    ExpressionStatement,
    For,
    ForIn,
    Function,
    If,
    Index,
    Membership,
    Name,
    Next,
    Node,
    Print,
    Program,
    Return,
    Rule,
    Statement,
    While,
    walk,
)
from .values import Scalar, from_outside, integer
from .variables import Scope

if TYPE_CHECKING:
    from ....process import Process


_DEEPEST = 5
"""Over how many calls a parameter is followed to see whether it is used as an array."""


class _Jump(BaseException):
    """Leaves what is done, up to what it is meant for; its name in a program."""

    name = ""


class _Next(_Jump):
    name = "next"


class _Break(_Jump):
    name = "break"


class _Continue(_Jump):
    name = "continue"


class _Return(_Jump):
    name = "return"

    def __init__(self, value: Scalar) -> None:
        super().__init__(value)
        self.value = value


class _Exit(BaseException):
    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Interpreter:
    """Runs a program.

    Args:
        process: its process.
        program: the program.
        operands: its operands: files, and assignments.
    """

    def __init__(self, process: Process, program: Program, operands: list[str]) -> None:
        self._process = process
        self._program = program
        self._evaluator = Evaluator(process, operands, BUILTINS, self._call)
        self._variables = self._evaluator.variables
        self._active: set[int] = set()

    def run(self, assigned: Iterable[tuple[str, str]]) -> int:
        """Run it, and return its exit code.

        Args:
            assigned: variables, and what they are before anything is done.
        """
        for name, value in assigned:
            self._variables.set(name, from_outside(value))
        evaluator = self._evaluator
        try:
            code = self._run_all()
        except _Jump as astray:
            evaluator.streams.close_all()
            message = f"{astray.name} used outside of its place"
            raise self._process.fail(message, 2) from None
        except ZeroDivisionError as error:
            evaluator.streams.close_all()
            raise self._process.fail("cmd. line:1: Division by zero") from error
        evaluator.streams.close_all()
        return code or evaluator.input.status

    def _run_all(self) -> int:
        code = 0
        try:
            for block in self._program.begin:
                self._do(block)
            if self._program.rules or self._program.end:
                self._records()
        except _Exit as ended:
            code = ended.code or 0
        try:
            for block in self._program.end:
                self._do(block)
        except _Exit as ended:
            code = code if ended.code is None else ended.code
        return code

    def _records(self) -> None:
        records = self._evaluator.input
        try:
            while (text := records.next()) is not None:
                self._evaluator.record.replace(text)
                try:
                    for place, rule in enumerate(self._program.rules):
                        if self._applies(rule, place):
                            self._apply(rule)
                except _Next:
                    continue
        finally:
            records.close()

    def _applies(self, rule: Rule, place: int) -> bool:
        if rule.pattern is None:
            return True
        if place not in self._active and not self._evaluator.is_true(rule.pattern):
            return False
        if rule.last is not None:
            self._active.add(place)
            if self._evaluator.is_true(rule.last):
                self._active.discard(place)
        return True

    def _apply(self, rule: Rule) -> None:
        if rule.body is None:
            self._process.print(self._evaluator.record.text + self._variables.text_of("ORS"))
        else:
            self._do(rule.body)

    # --- functions ----------------------------------------------------------------------------

    def _call(self, call: Call) -> Scalar:
        function = self._program.functions.get(call.name)
        if function is None:
            raise self._process.fail(f"function {call.name} never defined", 2)
        frame: Scope = dict.fromkeys(function.parameters)
        for parameter, argument in zip(function.parameters, call.arguments, strict=False):
            name = argument.name if isinstance(argument, Name) else ""
            if name and self._passes_array(name, function, parameter):
                frame[parameter] = self._variables.array(name)
            else:
                frame[parameter] = self._evaluator.value(argument)
        self._variables.enter(frame)
        try:
            self._do(function.body)
        except _Return as ended:
            return ended.value
        finally:
            self._variables.leave()
        return None

    def _passes_array(self, name: str, function: Function, parameter: str) -> bool:
        """Tell whether a name is given as an array: as it is one, or is new and used as one."""
        if self._variables.is_array(name):
            return True
        if name == "NF" or self._variables.get(name) is not None:
            return False
        return _uses_as_array(function.body, parameter, self._program.functions)

    # --- statements ---------------------------------------------------------------------------

    def _do(self, statement: Statement) -> None:
        self._process.step()
        _STATEMENTS[type(statement)](self, statement)

    def _block(self, block: Block) -> None:
        for statement in block.statements:
            self._do(statement)

    def _expression(self, node: ExpressionStatement) -> None:
        self._evaluator.value(node.expression)

    def _print(self, node: Print) -> None:
        evaluator = self._evaluator
        if node.is_formatted:
            if not node.arguments:
                raise self._process.fail("printf: no format", 2)
            text = format_text(evaluator, [evaluator.value(one) for one in node.arguments])
        else:
            shown = [
                self._variables.text(evaluator.value(one), "OFMT") for one in node.arguments
            ] or [evaluator.record.text]
            text = self._variables.text_of("OFS").join(shown) + self._variables.text_of("ORS")
        if node.target is None:
            self._process.print(text)
        else:
            evaluator.streams.write(text, node.operator, evaluator.text(node.target))

    def _if(self, node: If) -> None:
        if self._evaluator.is_true(node.condition):
            self._do(node.body)
        elif node.otherwise is not None:
            self._do(node.otherwise)

    def _while(self, node: While) -> None:
        while self._holds(node.condition) and self._goes_on(node.body):
            pass

    def _do_while(self, node: DoWhile) -> None:
        self._process.step()
        while self._goes_on(node.body) and self._holds(node.condition):
            pass

    def _for(self, node: For) -> None:
        if node.first is not None:
            self._do(node.first)
        while self._holds(node.condition) and self._goes_on(node.body):
            if node.step is not None:
                self._do(node.step)

    def _for_in(self, node: ForIn) -> None:
        for key in list(self._variables.array(node.array)):
            self._evaluator.assign(Name(node.name), from_outside(key))
            if not self._goes_on(node.body):
                return

    def _holds(self, condition: Expression | None) -> bool:
        self._process.step()
        return condition is None or self._evaluator.is_true(condition)

    def _goes_on(self, body: Statement) -> bool:
        """Do what a loop does once, and tell whether it may do so again."""
        try:
            self._do(body)
        except _Break:
            return False
        except _Continue:
            pass
        return True

    def _delete(self, node: Delete) -> None:
        array = self._variables.array(node.array)
        if node.subscript is None:
            array.clear()
        else:
            array.pop(self._evaluator.key(node.subscript), None)

    def _next(self, node: Next) -> None:
        if node.skips_file:
            self._evaluator.input.skip_file()
        raise _Next

    def _break(self, _node: Break) -> None:
        raise _Break

    def _continue(self, _node: Continue) -> None:
        raise _Continue

    def _exit(self, node: Exit) -> None:
        raise _Exit(None if node.code is None else integer(self._evaluator.value(node.code)) & 0xFF)

    def _return(self, node: Return) -> None:
        raise _Return(None if node.value is None else self._evaluator.value(node.value))


_STATEMENTS: Mapping[type[Statement], Callable[[Interpreter, Any], None]] = {
    Block: Interpreter._block,
    ExpressionStatement: Interpreter._expression,
    Print: Interpreter._print,
    If: Interpreter._if,
    While: Interpreter._while,
    DoWhile: Interpreter._do_while,
    For: Interpreter._for,
    ForIn: Interpreter._for_in,
    Delete: Interpreter._delete,
    Next: Interpreter._next,
    Break: Interpreter._break,
    Continue: Interpreter._continue,
    Exit: Interpreter._exit,
    Return: Interpreter._return,
}


def _uses_as_array(
    body: Node, name: str, functions: Mapping[str, Function], depth: int = 0
) -> bool:
    """Tell whether a function uses a parameter as an array, or hands it to one that does."""
    for node in walk(body):
        if isinstance(node, (Index, Delete, Membership, ForIn)) and node.array == name:
            return True
        if not isinstance(node, (Call, BuiltinCall)):
            continue
        if isinstance(node, BuiltinCall):
            if node.name == "split" and node.arguments[1:2] == (Name(name),):
                return True
            continue
        called = functions.get(node.name)
        if called is None or depth >= _DEEPEST:
            continue
        for parameter, argument in zip(called.parameters, node.arguments, strict=False):
            if argument == Name(name) and _uses_as_array(
                called.body, parameter, functions, depth + 1
            ):
                return True
    return False
