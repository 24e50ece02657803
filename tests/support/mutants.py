"""Whether the unit tests notice a change of the code: mutants of a package, drawn by a seed.

python -m mutants PACKAGE [--seed N] [--count N] [--jobs N]

A mutant is the package with one comparison, boolean, number or returned value changed. It is
killed when a unit test fails. All tests run once with coverage, which tells of each line the tests
that reach it: these are tried on a mutant, those of its own area first, then those that reach its
file; all, where it runs when its module is imported. Mutants that change nothing that can be seen
stand with the reason in `equivalent_mutants.toml` and do not count.
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
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

from coverage import CoverageData

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).resolve().parents[2]
_EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
_SECONDS = 60
"""A mutant counts as killed after so long, and a fifth of a second for each test: it hangs."""

_NEAR = 8
"""So many files of tests are tried first: to read all takes longer than most of them run."""

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
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
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


def drawn(package: str, seed: int, count: int, root: Path = _ROOT) -> list[Mutant]:
    """Return some mutants of a package, the same for the same seed and code."""
    every: list[Mutant] = []
    for path in sorted((root / package).rglob("*.py")):
        if not path.stem.endswith("_pb2"):
            name = path.relative_to(root).as_posix()
            every += mutants(name, path.read_text(encoding="utf-8"))
    return random.Random(seed).sample(every, min(count, len(every)))


def equivalents() -> dict[Name, str]:
    """Return why a mutant changes nothing, by its name; without an `after`, any of its lines."""
    listed = tomllib.loads(_EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    return {
        (one["file"], one.get("scope", ""), one["before"], one.get("after", "")): one["reason"]
        for one in listed
    }


def why_equivalent(name: Name, known: Mapping[Name, str]) -> str | None:
    """Return why a mutant changes nothing, if that is known."""
    return known.get(name, known.get((*name[:3], "")))


def stale(known: Iterable[Name], root: Path = _ROOT) -> list[Name]:
    """Return the names of mutants of which the code has none any more."""
    found = []
    for name in known:
        path = root / name[0]
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        every = {each.named(source.encode()) for each in mutants(name[0], source)}
        if not any(each[:3] == name[:3] and name[3] in ("", each[3]) for each in every):
            found.append(name)
    return found


class Laboratory:
    """Copies of the project, in each of which one mutant after the other is tried."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder = folder
        self._jobs = jobs
        self._copies: SimpleQueue[Path] = SimpleQueue()
        self._times = count(1)
        left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
        for number in range(jobs):
            copied = folder / str(number)
            shutil.copytree(_ROOT, copied, ignore=left_out)
            self._copies.put(copied)

    def measure(self) -> None:
        """Find out which tests reach which lines; refuse to go on where one fails unchanged."""
        packages = ("--cov=imagebuilders", "--cov=fakes")
        coverage = (*packages, "--cov-context=test", "--cov-report=", "-n", str(self._jobs))
        if _pytest(self._folder / "0", *coverage, COVERAGE_FILE=str(self._measured)):
            sys.exit("the unit tests fail in a copy of the project without any mutant")

    def kills(self, mutant: Mutant) -> bool:
        """Return whether a unit test fails with a mutant."""
        copied = self._copies.get()
        path = copied / mutant.file
        source, before = path.read_bytes(), path.stat()
        path.write_bytes(mutant.applied(source))
        # What Python compiled before is then not taken for this, and is good again afterwards.
        os.utime(path, (before.st_atime, before.st_mtime + 10 * next(self._times)))
        try:
            return self._is_noticed(copied, mutant)
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self._copies.put(copied)

    def _is_noticed(self, copied: Path, mutant: Mutant) -> bool:
        chosen = copied / "chosen_tests"
        area = _area(mutant.file)
        for tests in self._tests(mutant):
            chosen.write_text("\n".join(tests), encoding="utf-8")
            files = {test.partition("::")[0] for test in tests}
            near = sorted(files, key=lambda file: (-len(os.path.commonpath([file, area])), file))
            for part in filter(None, (near[:_NEAR], near[_NEAR:])):
                seconds = _SECONDS + len(tests) / 5
                arguments = ("-p", "chosen_tests", *part)
                if _pytest(copied, *arguments, seconds=seconds, CHOSEN_TESTS=str(chosen)):
                    return True
        return False

    def _tests(self, mutant: Mutant) -> tuple[set[str], set[str]]:
        """Return the tests that are likely to notice a mutant, and others that may.

        What runs once for all, on import or for a cache, is told of one test at most.
        """
        reached = CoverageData(str(self._measured))
        reached.read()
        by_line = reached.contexts_by_lineno(str(self._folder / "0" / mutant.file))
        of_file = _names(context for found in by_line.values() for context in found)
        if mutant.on_import:
            return of_file, _names(reached.measured_contexts()) - of_file
        of_lines = _names(context for line in mutant.lines for context in by_line.get(line, []))
        return of_lines, of_file - of_lines

    @property
    def _measured(self) -> Path:
        return self._folder / "coverage"


def _names(contexts: Iterable[str]) -> set[str]:
    """Return the tests of contexts; one is a test's setup, call or teardown: `a.py::b|run`."""
    return {context.rpartition("|")[0] for context in contexts if context}


def _area(file: str) -> str:
    """Return the path of the tests that belong to a file."""
    package, _, inside = file.partition("/")
    place = Path("tests/unit") / ("fakes" if package == "fakes" else "") / inside
    return place.with_name(f"test_{place.name}").as_posix()


def _pytest(folder: Path, *arguments: str, seconds: float | None = None, **environment: str) -> int:
    path = os.pathsep.join([str(folder), str(folder / "tests/support")])
    try:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", *arguments],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


def main() -> None:
    """Try mutants of a package; fail when too many of them live."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("package", choices=["imagebuilders", "fakes"])
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    known = equivalents()
    if gone := stale(known):
        sys.exit(
            "\n".join(["These are listed as equivalent, but there are none such:", *map(str, gone)])
        )
    tried = []
    for mutant in drawn(asked.package, asked.seed, asked.count):
        reason = why_equivalent(mutant.named((_ROOT / mutant.file).read_bytes()), known)
        if reason is None:
            tried.append(mutant)
        else:
            print(f"changes nothing: {mutant}: {reason}")
    killed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as threads:
        laboratory = Laboratory(Path(folder), asked.jobs)
        laboratory.measure()
        for mutant, dead in zip(tried, threads.map(laboratory.kills, tried), strict=True):
            killed += dead
            print(f"{'killed' if dead else 'LIVES '}: {mutant}", flush=True)
    print(f"{killed} of {len(tried)} mutants of {asked.package} were killed")
    if killed < LEAST * len(tried):
        sys.exit(1)


if __name__ == "__main__":
    main()
