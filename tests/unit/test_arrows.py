"""Which part of the packages may import which: the arrows point one way.

An import counts wherever it stands: at the top of a module, inside a function, or for types
alone. It leads to the module that is named, not to the packages above it. A name in a string,
such as that of a flavor's class, is no import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

import pytest

import imagebuilders

_Order = tuple[tuple[str, ...], ...]

_ROOT = Path(imagebuilders.__file__).parents[1]

_ORDER = (
    ("likeness", "temporary_folder"),
    ("lazy_dataclass", "lazy_names"),
    ("exceptions", "version", "cancellation", "sharing"),
    ("events",),
    ("validation", "async_build", "side_by_side", "build_summary"),
    ("user_folders", "control_files", "folder_opener", "go_text", "masking", "proxies"),
    ("dockerfile",),
    ("oci",),
    ("auth",),
    ("distribution",),
    ("context",),
    ("archivable", "local_cache", "sanitize", "humanize", "event_records"),
    ("build_context",),
    ("remote_context",),
    ("evaluation",),
    ("build_options",),
    ("cache_misses",),
    ("bake",),
    ("connections",),
    ("docker",),
    ("buildkit",),
    ("unchanged", "inspection"),
    ("daemonless",),
    ("components",),
    ("aws",),
    ("container_registries", "artifact_stores"),
    ("many_builds",),
    ("base_image_builder",),
    ("extended_image_builder",),
    ("build_request", "build_checks", "aws_image_builder_config"),
    ("daemon_image_builder", "aws_build_request", "evaluated_questions"),
    (
        "local_image_builder",
        "buildkit_image_builder",
        "aws_image_builder",
        "daemonless_image_builder",
    ),
    ("stack",),
    ("diagnosis", "report"),
    ("cli",),
    ("testing",),
    ("", "__main__"),
)
"""The folders and modules of `imagebuilders`; each imports only from lines before its own.
The package itself, whose public names are imported from everywhere, stands last."""

_ORDER_OF_FAKES = (
    ("clock", "checks", "go_text", "records", "rules"),
    ("faults",),
    ("http",),
    ("images",),
    ("emulation",),
    ("shell",),
    ("artifact_store", "registry"),
    ("buildkit",),
    ("engine",),
    ("code_build",),
    ("contracts",),
    ("", "__main__"),
)
"""The same of `fakes`, which may import `imagebuilders`."""

_ORDER_OF_ENGINE = (
    ("versions", "errors", "records"),
    ("messages", "events", "go_json", "go_values", "timestamps", "platforms", "progress"),
    ("state",),
    ("filesystem",),
    ("images",),
    ("networks", "volumes"),
    ("containers",),
    ("registries",),
    ("dockerfile",),
    ("builder", "buildkit"),
    ("http", "http2", "fault_endpoints"),
    ("faults", "ryuk"),
    ("daemon",),
    ("routes", "control"),
    ("protocols",),
    ("engine", "environment"),
    ("client", "image_tree"),
    ("command",),
    ("",),
)
"""The same of `fakes.engine`: stores below the routes, HTTP above the builder."""

_ORDERS = [
    pytest.param("imagebuilders", _ORDER, id="imagebuilders"),
    pytest.param("fakes", _ORDER_OF_FAKES, id="fakes"),
    pytest.param("fakes.engine", _ORDER_OF_ENGINE, id="fakes.engine"),
]

_LEFT_OUT = ("imagebuilders.base_image_builder", "imagebuilders.stack")
"""The one import that leads upward: a builder asks for the active stack's artifact store."""

_FOREIGN = [
    pytest.param(
        "imagebuilders",
        ("fakes", "pytest", "pytest_imagebuilders"),
        {"imagebuilders.testing"},
        id="production-knows-no-fakes",
    ),
    pytest.param(
        "imagebuilders.context",
        ("docker", "requests", "fsspec", "boto3"),
        set[str](),
        id="context-knows-no-service",
    ),
    pytest.param(
        "imagebuilders.artifact_stores", ("docker",), set[str](), id="stores-know-no-engine"
    ),
    pytest.param(
        "imagebuilders.stack",
        ("docker", "fsspec", "boto3", "rich", "click"),
        set[str](),
        id="stack-knows-no-service",
    ),
    pytest.param(
        "imagebuilders",
        ("rich", "click"),
        {"imagebuilders.cli"},
        id="only-the-command-line-knows-the-terminal",
    ),
    pytest.param("fakes", ("imagebuilders.cli",), set[str](), id="fakes-know-no-command-line"),
]


@cache
def _modules(package: str) -> Mapping[str, Path]:
    """The modules of a package by their names."""
    found = {}
    for file in sorted((_ROOT / package).rglob("*.py")):
        parts = file.relative_to(_ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def _imports(module: str, file: Path) -> list[tuple[int, str, str]]:
    """Line, module and name of what a module imports, lazily or for types alike."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    return list(_found_imports(ast.parse(file.read_text()), package))


def _found_imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            named = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((node.lineno, named, alias.name) for alias in node.names)


@cache
def _edges(package: str) -> list[tuple[str, int, str]]:
    """Each import inside of a package: the module, the line, the module that is named."""
    modules = _modules(package.partition(".")[0])
    found = []
    for module, file in modules.items():
        for line, named, name in _imports(module, file):
            target = f"{named}.{name}" if f"{named}.{name}" in modules else named
            if target in modules and target != module and (module, target) != _LEFT_OUT:
                found.append((module, line, target))
    return [edge for edge in found if _is_below(edge[0], package) and _is_below(edge[2], package)]


def _part(module: str, package: str) -> str:
    return module.removeprefix(package).removeprefix(".").partition(".")[0]


@pytest.mark.parametrize(("package", "order"), _ORDERS)
def test_each_part_has_its_place_in_the_order(package: str, order: _Order) -> None:
    """A new folder or module is placed before it is used."""
    modules = _modules(package.partition(".")[0])
    parts = {_part(module, package) for module in modules if _is_below(module, package)}
    assert parts - set(chain.from_iterable(order)) == set()


@pytest.mark.parametrize(("package", "order"), _ORDERS)
def test_imports_lead_down_the_order(package: str, order: _Order) -> None:
    """What stands higher is not imported, and neither is a neighbour on the same line."""
    ranks = {part: rank for rank, parts in enumerate(order) for part in parts}
    upward = [
        f"{module}:{line} imports {target}"
        for module, line, target in _edges(package)
        if _part(module, package) != _part(target, package)
        and ranks[_part(module, package)] <= ranks[_part(target, package)]
    ]
    assert upward == []


@pytest.mark.parametrize("package", ["imagebuilders", "fakes"])
def test_no_circle_of_imports(package: str) -> None:
    """No module is imported by what it imports, by however many steps."""
    graph: dict[str, set[str]] = {}
    for module, _, target in _edges(package):
        graph.setdefault(module, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(reversed(error.args[1]))}")


def test_the_one_import_that_is_left_out_is_there() -> None:
    """An exception that is no longer needed goes."""
    module, target = _LEFT_OUT
    file = _modules("imagebuilders")[module]
    assert target in {named for _, named, _ in _imports(module, file)}


@pytest.mark.parametrize(("part", "forbidden", "apart"), _FOREIGN)
def test_part_knows_nothing_of(part: str, forbidden: tuple[str, ...], apart: set[str]) -> None:
    """No module of the part imports a forbidden package, not even inside a function."""
    files = {
        module: file
        for module, file in _modules(part.partition(".")[0]).items()
        if _is_below(module, part) and not any(_is_below(module, each) for each in apart)
    }
    assert files
    crossed = [
        f"{module}:{line} imports {named}"
        for module, file in files.items()
        for line, named, name in _imports(module, file)
        if any(_is_below(f"{named}.{name}", each) for each in forbidden)
    ]
    assert crossed == []


def _absolute(node: ast.AST) -> list[str]:
    """The modules that an import names in full."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []


def test_the_doubles_know_no_name_of_their_own() -> None:
    """They import each other relatively, so that they can be loaded under another name."""
    named = [
        f"{module}: {ast.unparse(node)}"
        for module, file in _modules("fakes").items()
        for node in ast.walk(ast.parse(file.read_text()))
        if any(_is_below(name, "fakes") for name in _absolute(node))
    ]
    assert named == []


def _is_below(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def test_a_long_module_says_why() -> None:
    """One past 300 lines gives its reason in its docstring, or is to be divided."""
    unexplained = []
    for path in (_ROOT / "imagebuilders").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 300 and "longer" not in (ast.get_docstring(ast.parse(text)) or ""):
            unexplained.append(path.name)
    assert unexplained == []


_STATES = {
    "imagebuilders": {
        *("Command", "ExtraFiles", "ImageDraft", "Node", "Row", "StageState", "Step", "ToldStep"),
        *("_Borrowed", "_Call", "_Ended", "MountFields", "_Frame", "_Joined", "_Moment", "_Noted"),
        *("_HeardBuild", "_HeardStep", "_Notes", "_Outgoing", "_Running", "_Setting", "_Work"),
    },
    "fakes": {
        *("AccessControl", "Addresses", "BuildOptions", "BuildPlan", "BuildRecord", "BuildState"),
        *("Container", "Dispatcher", "Exec", "FakeBuild", "Fault", "HealthMonitor", "Image"),
        *(
            "Instruction",
            "Layer",
            "Limits",
            "LogEntry",
            "Member",
            "MemoryFiles",
            "Mounted",
            "Network",
            "RegistryAccess",
        ),
        *("RegistryEndpoint", "Repository", "Request", "Response", "RunConfig", "Stage"),
        *("StageState", "StepRecord", "StoreFault", "Volume"),
        *("HereDocument", "Job", "Programs", "Variable", "Variables", "Command"),
    },
}
"""Dataclasses that change while a build, a connection, a reading or a test goes on."""


@pytest.mark.parametrize("package", _STATES)
def test_values_cannot_be_changed(package: str) -> None:
    """A dataclass is frozen, so that it may be shared; one that holds a state is named above."""
    changeable = {
        node.name
        for file in _modules(package).values()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for decorator in map(ast.unparse, node.decorator_list)
        if decorator.startswith("dataclass") and "frozen=True" not in decorator
    }
    assert changeable <= _STATES[package]


@pytest.mark.parametrize(("package", "order"), _ORDERS)
def test_the_page_of_the_architecture_has_this_order(package: str, order: _Order) -> None:
    """`docs/architecture.md` has a row for each line, with what is in it."""
    page = (_ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    _, heading, rest = page.partition(f"\n### {package}\n")
    assert heading
    rows = [line.split("|") for line in rest.partition("\n#")[0].splitlines() if "| `" in line]
    assert all(row[2].strip() for row in rows)
    expected = [line for line in order if "" not in line]
    assert [tuple(re.findall(r"`(\w+)`", row[1])) for row in rows] == expected
