"""The reference has all that a program may import, and what these pages import themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import getattr_static, getsource, isclass, isfunction
from pathlib import Path
from pkgutil import iter_modules

import pytest

import fakes.contracts
import imagebuilders
from imagebuilders.stack.flavors import FlavorCatalog

_DOCS = Path(__file__).resolve().parents[3] / "docs"
_PAGES = sorted(_DOCS.glob("reference-*.md"))
_DIRECTIVE = re.compile(r"^\.\. auto(module|class|function):: (\S+)\n((?:   :.*\n)*)", re.MULTILINE)


def _members(module: str, options: str) -> Iterator[str]:
    """The names that an `automodule` shows."""
    loaded = import_module(module)
    excluded = re.search(r":exclude-members: (.*)", options)
    left_out = set(excluded[1].split(", ")) if excluded else set[str]()
    names = getattr(loaded, "__all__", None)
    if names is None:
        own = [name for name, value in vars(loaded).items() if _is_of(value, module)]
        names = [name for name in own if not name.startswith("_")]
    yield from (name for name in names if name not in left_out)


def _is_of(value: object, module: str) -> bool:
    return (isclass(value) or isfunction(value)) and value.__module__ == module


@cache
def _documented() -> frozenset[object]:
    """Each class and function that the pages show."""
    found: list[object] = []
    for page in _PAGES:
        for kind, name, options in _DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if kind == "module":
                found += [getattr(import_module(name), one) for one in _members(name, options)]
            else:
                module, _, one = name.rpartition(".")
                found.append(getattr(import_module(module), one))
    return frozenset(one for one in found if isclass(one) or isfunction(one))


_PUBLIC = (
    "imagebuilders",
    *(
        f"imagebuilders.{name}"
        for name in (
            *("artifact_stores", "bake", "build_options", "buildkit", "container_registries"),
            *("diagnosis", "distribution", "dockerfile", "evaluation", "events", "exceptions"),
            *("inspection", "remote_context", "report", "stack", "testing"),
        )
    ),
    *("fakes", "fakes.artifact_store", "fakes.buildkit", "fakes.code_build", "fakes.engine"),
    *("fakes.registry", "fakes.shell"),
)
_TOLD_ELSEWHERE = {
    "fakes.artifact_store": {"InMemoryArtifactStoreConfig"},  # it has no settings
    "fakes.engine": {"FakeDockerEngineCrashError"},  # what `crashes.check()` raises, as it says
}


@pytest.mark.parametrize("module", _PUBLIC)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    """What a package offers is on one of the pages."""
    loaded = import_module(module)
    missing = [
        name
        for name in _members(module, "")
        if (isclass(value := getattr(loaded, name)) or isfunction(value))
        and value not in _documented()
        and name not in _TOLD_ELSEWHERE.get(module, ())
    ]
    assert missing == []


def _imported_by_pages() -> list[tuple[str, str]]:
    """Modules and names that the examples import from these packages."""
    found: set[tuple[str, str]] = set()
    for page in [_DOCS.parent / "README.md", *_DOCS.glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"(?ms)^```python\n(.*?)^```$", text):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module:
                    found.update((node.module, alias.name) for alias in node.names)
    ours = ("imagebuilders", "fakes")
    return sorted(one for one in found if one[0].partition(".")[0] in ours)


def test_what_examples_import_is_in_the_reference() -> None:
    """No example needs an internal name."""
    missing = []
    assert len(_imported_by_pages()) > 50
    for module, name in _imported_by_pages():
        value = getattr(import_module(module), name)
        if (isclass(value) or isfunction(value)) and value not in _documented():
            missing.append(f"{module}.{name}")
    assert missing == []


def test_errors_say_when_and_name_their_attributes() -> None:
    """Each error has a text of its own, and in it each attribute that it sets."""
    for name, error in vars(imagebuilders.exceptions).items():
        if isclass(error) and issubclass(error, imagebuilders.exceptions.ImageBuilderError):
            assert "__doc__" in vars(error), name
            made = vars(error).get("__init__")
            for attribute in made.__code__.co_names if made else ():
                if f"self.{attribute} =" in getsource(error):
                    assert re.search(rf"\b{attribute}\b", str(error.__doc__)), (name, attribute)


def _contracts() -> dict[str, type]:
    """The test classes that are shipped, by name."""
    modules = [one.name for one in iter_modules(fakes.contracts.__path__) if not one.ispkg]
    return {
        name: value
        for module in modules
        for name, value in vars(import_module(f"fakes.contracts.{module}")).items()
        if name.endswith("Contract") and value.__module__ == f"fakes.contracts.{module}"
    }


def _is_fixture(value: object) -> bool:
    """Whether pytest made it, 8.4 and newer as a class of its own."""
    is_marked = hasattr(value, "_pytestfixturefunction")
    return is_marked or type(value).__name__ == "FixtureFunctionDefinition"


_PARTS_OF_CONTRACTS = {"ArtifactStoreUploadContract", "BlobContract", "ManifestContract"}


def test_contracts_and_their_fixtures_are_told() -> None:
    """Each contract has rows for what a subclass gives."""
    page = (_DOCS / "reference-doubles.md").read_text(encoding="utf-8")
    rows: dict[str, set[str]] = {}
    contract = ""
    for first, second in re.findall(r"^\| (`\w+Contract`)? *\| (.+?) \|", page, re.MULTILINE):
        contract = first.strip("`") or contract
        rows.setdefault(contract, set()).update(re.findall(r"`(\w+)`", second))
    assert rows.keys() == _contracts().keys() - _PARTS_OF_CONTRACTS
    own = {"repository", "image"}  # made of the others
    for name, one in _contracts().items():
        fixtures = {
            attribute
            for attribute in dir(one)
            if _is_fixture(getattr_static(one, attribute)) and not attribute.startswith("_")
        }
        if name in rows:
            assert fixtures - own <= rows[name], name


@pytest.mark.parametrize(
    "entry",
    [
        entry
        for entry in FlavorCatalog.installed().entries
        if entry.flavor and type(entry.flavor).__module__.startswith("imagebuilders.")
    ],
    ids=lambda entry: str(entry.entry_point).rpartition(":")[2],
)
def test_flavors_lead_to_the_reference(entry: object) -> None:
    """The address that a flavor gives for its class is that of an entry."""
    flavor = getattr(entry, "flavor", None)
    address = str(getattr(flavor, "sdk_docs_url", ""))
    page, _, name = address.rpartition("/")[2].partition("#")
    assert (_DOCS / page.replace(".html", ".md")) in _PAGES
    assert name.rpartition(".")[2] in imagebuilders.__all__
