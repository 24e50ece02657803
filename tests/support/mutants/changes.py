"""The mutants of a package: one comparison, boolean, number or returned value changed in each."""

from __future__ import annotations

import ast
import copy
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the project."""

PACKAGES = ("imagebuilders", "fakes")
"""What is changed."""

_OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

Name: TypeAlias = tuple[str, str, str, str]
"""A mutant's file, scope, and the lines that it changes, before and after."""


@dataclass(frozen=True)
class Mutant:
    """One change of a file.

    Attributes:
        file: relative to the project.
        line: where it begins.
        start: the first byte of what is changed.
        before: what stood there.
        after: what stands there instead.
        scope: the functions and classes around it, such as `Builder.build`.
        on_import: whether it runs when its file is imported.
    """

    file: str
    line: int
    start: int
    before: str
    after: str
    scope: str = ""
    on_import: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  ->  {self.after}"

    @property
    def lines(self) -> range:
        """The numbers of the lines that it changes."""
        return range(self.line, self.line + self.before.count("\n") + 1)

    def applied(self, source: bytes) -> bytes:
        """Return the file with the change."""
        end = self.start + len(self.before.encode())
        return source[: self.start] + self.after.encode() + source[end:]

    def named(self, source: bytes) -> Name:
        """Return what tells it from others also when lines are added before it."""
        end = self.start + len(self.before.encode())
        first = source.rfind(b"\n", 0, self.start) + 1
        last = (source + b"\n").find(b"\n", end)
        changed = source[first : self.start] + self.after.encode() + source[end:last]
        before, after = (" ".join(each.decode().split()) for each in (source[first:last], changed))
        return self.file, self.scope, before, after


def mutants(file: str, source: str) -> list[Mutant]:
    """Return every mutant of a file."""
    offsets = [0]
    for text in source.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(text))
    found = []
    for place, changed in _changes(ast.parse(source)):
        node = place.node
        before = ast.get_source_segment(source, node)
        if before is not None and isinstance(node, ast.expr):
            start = offsets[node.lineno - 1] + node.col_offset
            what = (file, node.lineno, start, before, ast.unparse(changed))
            found.append(Mutant(*what, ".".join(place.scope), place.on_import))
    return found


@dataclass(frozen=True)
class _Place:
    node: ast.AST
    scope: tuple[str, ...] = ()
    on_import: bool = True


def _changes(tree: ast.AST) -> Iterator[tuple[_Place, ast.expr]]:
    """Expressions, each with what it becomes."""
    for place in _executed(_Place(tree)):
        node = place.node
        if isinstance(node, ast.Return) and node.value is not None:
            # None is None already, and as false as `False`, which becomes `True`.
            returned = node.value.value if isinstance(node.value, ast.Constant) else ...
            if returned is not None and returned is not False:
                yield _Place(node.value, place.scope, place.on_import), ast.Constant(None)
        elif isinstance(node, ast.expr) and (changed := _changed(node)) is not None:
            yield place, changed


def _changed(node: ast.expr) -> ast.expr | None:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _OTHER:
            changed = copy.copy(node)
            changed.ops = [_OTHER[type(operator)]()]
            return changed
        case ast.BoolOp():
            other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            return ast.BoolOp(other, node.values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Constant(value=bool() as value):
            return ast.Constant(not value)
        case ast.Constant(value=int() | float() as number):
            return ast.Constant(number + 1)
    return None


def _executed(place: _Place) -> Iterator[_Place]:
    """What does something: no annotations, nothing for type checkers, no f-strings."""
    node = place.node
    if isinstance(node, ast.JoinedStr):
        # Before Python 3.12 nobody knows where the parts of one stand.
        return
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield place
    scope = place.scope
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = (*scope, node.name)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        on_import = place.on_import and not (isinstance(node, _FUNCTIONS) and field == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _executed(_Place(child, scope, on_import))


def drawn(package: str, seed: int, count: int, root: Path = ROOT) -> list[Mutant]:
    """Return some mutants of a package, the same for the same seed and code.

    Each has its own lot, which other code does not change: a test that somebody wrote for one that
    lived is still for one that is drawn after the next commit, also where its module was divided.
    """
    lots: list[tuple[bytes, Mutant]] = []
    seen: Counter[str] = Counter()
    for path in sorted((root / package).rglob("*.py")):
        if not path.stem.endswith("_pb2"):
            file, source = path.relative_to(root).as_posix(), path.read_bytes()
            for mutant in mutants(file, source.decode()):
                name = "\n".join(mutant.named(source)[1:])
                seen[name] += 1  # some lines of a function are equal
                lots.append((sha256(f"{seed}\n{name}\n{seen[name]}".encode()).digest(), mutant))
    return [mutant for _, mutant in heapq.nsmallest(count, lots, key=lambda lot: lot[0])]
