"""The syntax tree of a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields


class AwkSyntaxError(Exception):
    """The program cannot be read; the message says where."""


@dataclass(frozen=True)
class Node:
    """A part of a program."""


@dataclass(frozen=True)
class Expression(Node):
    """What has a value."""


@dataclass(frozen=True)
class Statement(Node):
    """What is done."""


# --- expressions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant(Expression):
    """A number or a text."""

    value: str | float


@dataclass(frozen=True)
class Regex(Expression):
    """`/…/`: by itself, whether the record matches."""

    source: str


@dataclass(frozen=True)
class Name(Expression):
    """A variable, or an array where one is expected."""

    name: str


@dataclass(frozen=True)
class Index(Expression):
    """`array[…]`."""

    array: str
    subscript: tuple[Expression, ...]


@dataclass(frozen=True)
class Field(Expression):
    """`$number`."""

    number: Expression


@dataclass(frozen=True)
class Assignment(Expression):
    """`target = value`, or with an operator before the `=`, which is empty without one."""

    operator: str
    target: Expression
    value: Expression


@dataclass(frozen=True)
class Ternary(Expression):
    """`condition ? chosen : otherwise`."""

    condition: Expression
    chosen: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Or(Expression):
    """`left || right`."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class And(Expression):
    """`left && right`."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Membership(Expression):
    """`subscript in array`."""

    subscript: tuple[Expression, ...]
    array: str


@dataclass(frozen=True)
class Match(Expression):
    """`text ~ pattern` or `text !~ pattern`."""

    operator: str
    text: Expression
    pattern: Expression


@dataclass(frozen=True)
class Comparison(Expression):
    """`left < right` and its kind."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Concatenation(Expression):
    """Two values beside each other."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Arithmetic(Expression):
    """`left + right` and its kind."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Not(Expression):
    """`!operand`."""

    operand: Expression


@dataclass(frozen=True)
class Sign(Expression):
    """`-operand` or `+operand`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Increment(Expression):
    """`++target`, `target--` and their kind."""

    operator: str
    target: Expression
    is_prefix: bool


@dataclass(frozen=True)
class Grouping(Expression):
    """`(…)`, or the many items of `(…, …)`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Getline(Expression):
    """`getline`, of the input, of a file (`<`) or of a command (`|`), to `$0` or a target."""

    operator: str
    source: Expression | None
    target: Expression | None


@dataclass(frozen=True)
class Call(Expression):
    """A call of one of the program's functions."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class BuiltinCall(Expression):
    """A call of a function that the language has."""

    name: str
    arguments: tuple[Expression, ...]


# --- statements ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block(Statement):
    """`{ … }`."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class ExpressionStatement(Statement):
    """An expression whose value nobody asks for."""

    expression: Expression


@dataclass(frozen=True)
class Print(Statement):
    """`print` or `printf`, where `operator` (`>`, `>>`, `|`) may lead to a target."""

    arguments: tuple[Expression, ...]
    is_formatted: bool = False
    operator: str = ""
    target: Expression | None = None


@dataclass(frozen=True)
class If(Statement):
    """`if (condition) body else otherwise`."""

    condition: Expression
    body: Statement
    otherwise: Statement | None


@dataclass(frozen=True)
class While(Statement):
    """`while (condition) body`."""

    condition: Expression
    body: Statement


@dataclass(frozen=True)
class DoWhile(Statement):
    """`do body while (condition)`."""

    body: Statement
    condition: Expression


@dataclass(frozen=True)
class For(Statement):
    """`for (first; condition; step) body`."""

    first: Statement | None
    condition: Expression | None
    step: Statement | None
    body: Statement


@dataclass(frozen=True)
class ForIn(Statement):
    """`for (name in array) body`."""

    name: str
    array: str
    body: Statement


@dataclass(frozen=True)
class Delete(Statement):
    """`delete array[subscript]`, or the whole array."""

    array: str
    subscript: tuple[Expression, ...] | None


@dataclass(frozen=True)
class Next(Statement):
    """`next`, or `nextfile`."""

    skips_file: bool = False


@dataclass(frozen=True)
class Break(Statement):
    """`break`."""


@dataclass(frozen=True)
class Continue(Statement):
    """`continue`."""


@dataclass(frozen=True)
class Exit(Statement):
    """`exit code`."""

    code: Expression | None


@dataclass(frozen=True)
class Return(Statement):
    """`return value`."""

    value: Expression | None


# --- programs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """`pattern, last { body }`: without a pattern for each record; without a body it prints."""

    pattern: Expression | None
    last: Expression | None
    body: Statement | None


@dataclass(frozen=True)
class Function:
    """`function name(parameters) { body }`."""

    parameters: tuple[str, ...]
    body: Statement


@dataclass(frozen=True)
class Program:
    """What is done before the input, for its records, and after it."""

    begin: tuple[Statement, ...]
    rules: tuple[Rule, ...]
    end: tuple[Statement, ...]
    functions: Mapping[str, Function]


def walk(node: Node) -> Iterator[Node]:
    """Return a node and all below it."""
    pending: list[object] = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending += one
        elif isinstance(one, Node):
            yield one
            pending += (getattr(one, field.name) for field in fields(one))
