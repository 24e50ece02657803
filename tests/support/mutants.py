"""Whether the unit tests notice a change of the code: mutants of a package, drawn by a seed.

python -m mutants PACKAGE [--seed N] [--count N] [--jobs N]

A mutant is the package with one comparison, boolean, number or returned value changed. It is
killed when a unit test fails: those of its own area are tried first, then all. Mutants that change
nothing that can be seen stand with the reason in `equivalent_mutants.toml` and do not count.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).resolve().parents[2]
_EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
_SECONDS = 300
"""After so long a mutant counts as killed: it does not end."""

LEAST = 0.9
"""The part of the mutants that the unit tests are to kill."""

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


@dataclass(frozen=True)
class Mutant:
    """One change of a file.

    Attributes:
        file: relative to the project.
        line: where it begins.
        start: the first byte of what is changed.
        before: what stood there.
        after: what stands there instead.
    """

    file: str
    line: int
    start: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  ->  {self.after}"

    def applied(self, source: bytes) -> bytes:
        """Return the file with the change."""
        end = self.start + len(self.before.encode())
        return source[: self.start] + self.after.encode() + source[end:]


def mutants(file: str, source: str) -> list[Mutant]:
    """Return every mutant of a file."""
    offsets = [0]
    for text in source.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(text))
    found = []
    for node, changed in _changes(ast.parse(source)):
        before = ast.get_source_segment(source, node)
        if before is not None:
            start = offsets[node.lineno - 1] + node.col_offset
            found.append(Mutant(file, node.lineno, start, before, ast.unparse(changed)))
    return found


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Expressions, each with what it becomes."""
    for node in _executed(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield node.value, ast.Constant(None)
        elif isinstance(node, ast.expr) and (changed := _changed(node)) is not None:
            yield node, changed


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


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that do something: no annotations, nothing for type checkers, no f-strings."""
    if isinstance(node, ast.JoinedStr):
        # Before Python 3.12 nobody knows where the parts of one stand.
        return
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _executed(child)


def drawn(package: str, seed: int, count: int, root: Path = _ROOT) -> list[Mutant]:
    """Return some mutants of a package, the same for the same seed and code."""
    every: list[Mutant] = []
    for path in sorted((root / package).rglob("*.py")):
        if not path.stem.endswith("_pb2"):
            name = path.relative_to(root).as_posix()
            every += mutants(name, path.read_text(encoding="utf-8"))
    return random.Random(seed).sample(every, min(count, len(every)))


def equivalents() -> dict[tuple[str, str, str], str]:
    """Return why a mutant changes nothing, by its file, what stood there and what stands there."""
    listed = tomllib.loads(_EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    return {(one["file"], one["before"], one["after"]): one["reason"] for one in listed}


class Laboratory:
    """A copy of the project in which one mutant after the other is tried."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder = folder
        self._jobs = jobs
        left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
        shutil.copytree(_ROOT, folder, ignore=left_out, dirs_exist_ok=True)

    def check(self) -> None:
        """Refuse to work where the unit tests fail without a mutant: they would kill everything."""
        if not self._passes("tests/unit"):
            sys.exit("the unit tests fail in a copy of the project without any mutant")

    def kills(self, mutant: Mutant) -> bool:
        """Return whether a unit test fails with a mutant."""
        path = self._folder / mutant.file
        source = path.read_bytes()
        path.write_bytes(mutant.applied(source))
        try:
            return not (self._passes(self._area(mutant.file)) and self._passes("tests/unit"))
        finally:
            path.write_bytes(source)

    def _area(self, file: str) -> str:
        """The folder of tests that is the nearest to a file."""
        package, *parts = Path(file).with_suffix("").parts
        place = Path("tests/unit") / ("fakes" if package == "fakes" else "")
        for part in parts:
            if not (self._folder / place / part).is_dir():
                break
            place /= part
        return place.as_posix()

    def _passes(self, tests: str) -> bool:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, "-n", str(self._jobs), tests],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(self._folder), "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def main() -> None:
    """Try mutants of a package; fail when too many of them live."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("package", choices=["imagebuilders", "fakes"])
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    known = equivalents()
    counted, lived = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder), asked.jobs)
        laboratory.check()
        for mutant in drawn(asked.package, asked.seed, asked.count):
            reason = known.get((mutant.file, mutant.before, mutant.after))
            if reason is not None:
                print(f"changes nothing: {mutant}: {reason}", flush=True)
                continue
            counted += 1
            killed = laboratory.kills(mutant)
            lived += not killed
            print(f"{'killed' if killed else 'LIVES '}: {mutant}", flush=True)
    print(f"{counted - lived} of {counted} mutants of {asked.package} were killed")
    if counted - lived < LEAST * counted:
        sys.exit(1)


if __name__ == "__main__":
    main()
