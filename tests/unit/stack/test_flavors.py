"""Flavors of installed packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebuilders.components.component import StackComponentType
from imagebuilders.exceptions import ConfigurationError, FlavorError
from imagebuilders.stack.configuration import read_configuration
from imagebuilders.stack.configured_stack import ConfiguredStack
from imagebuilders.stack.flavors import BUILT_IN, FlavorCatalog, FlavorEntry
from imagebuilders.version import VERSION

BUILDER = StackComponentType.IMAGE_BUILDER


def test_own_flavors_are_installed() -> None:
    """The package's own builder, stores and registry are found like anybody's."""
    catalog = FlavorCatalog.installed()
    assert "local" in catalog.names(BUILDER)
    assert {"local", "s3"} <= set(catalog.names(StackComponentType.ARTIFACT_STORE))
    assert "default" in catalog.names(StackComponentType.CONTAINER_REGISTRY)


@pytest.mark.parametrize("stale", [True, False], ids=["metadata-of-old", "no-metadata"])
def test_own_flavors_need_no_entry_point(monkeypatch: pytest.MonkeyPatch, stale: bool) -> None:
    """A frozen application has no metadata, an old installation names them too: once each."""
    from importlib.metadata import EntryPoint

    points = [EntryPoint(f"own-{name}", name, "imagebuilders.flavors") for name in BUILT_IN]
    monkeypatch.setattr(
        "imagebuilders.stack.flavors.entry_points", lambda group: points if stale else []
    )
    catalog = FlavorCatalog.installed()
    assert [entry.entry_point for entry in catalog.entries] == list(BUILT_IN)
    assert {entry.package for entry in catalog.entries} == {f"imagebuilders {VERSION}"}
    assert [catalog.problem(entry) for entry in catalog.entries] == [None] * len(BUILT_IN)
    assert catalog.find(BUILDER, "local").implementation_class.__name__ == "LocalImageBuilder"
    flavors = [entry.flavor for entry in catalog.entries if entry.flavor is not None]
    assert [(flavor.type, flavor.name) for flavor in flavors] == list(BUILT_IN.values())


def test_another_package_adds_a_flavor(kite: Path) -> None:
    """An entry point in another package is enough; the entry tells whose it is."""
    entry = FlavorCatalog.installed().find(BUILDER, "kite")
    assert entry.package == "kite_builders 1.5"
    assert entry.entry_point == "kite = kite_builders:KiteFlavor"
    assert entry.implementation_class.__name__ == "KiteBuilder"


def test_an_instance_is_a_flavor_too(install: Callable[..., Path], kite: Path) -> None:
    """An entry point may name a flavor object in place of a class."""
    install(
        "ready_made",
        {"dragon": "ready_made:DRAGON"},
        "from kite_builders import KiteFlavor\n"
        "class Dragon(KiteFlavor):\n    name = 'dragon'\n"
        "DRAGON = Dragon()\n",
    )
    assert FlavorCatalog.installed().find(BUILDER, "dragon").package == "ready_made 1.5"


def test_two_packages_with_one_name(kite: Path, install: Callable[..., Path]) -> None:
    """A flavor that two packages offer is an error that names both, when it is asked for."""
    install("rival", {"kite": "rival:Kite"}, "from kite_builders import KiteFlavor as Kite\n")
    catalog = FlavorCatalog.installed()
    assert catalog.names(BUILDER).count("kite") == 1
    with pytest.raises(FlavorError) as caught:
        catalog.find(BUILDER, "kite")
    assert "kite_builders 1.5" in str(caught.value)
    assert "rival 1.5" in str(caught.value)
    assert catalog.find(BUILDER, "local").flavor is not None


def test_one_name_in_two_types_is_fine() -> None:
    """`local` is both an image builder and an artifact store."""
    catalog = FlavorCatalog.installed()
    builder = catalog.find(BUILDER, "local").flavor
    store = catalog.find(StackComponentType.ARTIFACT_STORE, "local").flavor
    assert builder is not store


def test_same_entry_point_twice_counts_once(kite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that stands on the path twice makes no conflict."""
    monkeypatch.syspath_prepend(kite)
    assert FlavorCatalog.installed().find(BUILDER, "kite").package == "kite_builders 1.5"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import a_module_nobody_has\n", "ModuleNotFoundError: No module named"),
        ("raise ZeroDivisionError\n", "ZeroDivisionError"),
        ("x = 1\n", "AttributeError"),
        ("class Flavor:\n    pass\n", "is not an imagebuilders.Flavor"),
        ("def Flavor(): pass\n", "is not an imagebuilders.Flavor"),
        ("from imagebuilders import Flavor\n", "abstract"),
        (
            "from imagebuilders import BaseImageBuilderFlavor\n"
            "class Flavor(BaseImageBuilderFlavor):\n"
            "    implementation_class = None\n"
            "    name = property(lambda self: 1 / 0)\n",
            "ZeroDivisionError",
        ),
        (
            "from imagebuilders import BaseImageBuilderFlavor\n"
            "class Flavor(BaseImageBuilderFlavor):\n"
            "    implementation_class = None\n"
            "    name = 3\n",
            "its name is not a str",
        ),
    ],
)
def test_broken_package_is_reported_when_needed(
    install: Callable[..., Path], source: str, problem: str
) -> None:
    """A package that cannot be loaded leaves the others alone, and is named when missed."""
    install("crooked", {"bent": "crooked:Flavor"}, source)
    catalog = FlavorCatalog.installed()
    broken = next(entry for entry in catalog.entries if entry.package == "crooked 1.5")
    assert broken.flavor is None
    assert problem in str(broken.problem)
    assert catalog.find(BUILDER, "local").flavor is not None
    with pytest.raises(FlavorError, match=r"crooked 1\.5") as caught:
        catalog.find(BUILDER, "bent")
    assert problem in str(caught.value)
    with pytest.raises(FlavorError, match=r"crooked 1\.5"):
        _ = broken.implementation_class
    with pytest.raises(FlavorError, match=r"crooked 1\.5"):
        _ = broken.config_class


def test_missing_dependency_of_an_implementation(kite: Path, install: Callable[..., Path]) -> None:
    """A flavor whose class cannot be imported says whose it is and what is missing."""
    install(
        "half",
        {"half": "half:Half"},
        "from kite_builders import KiteFlavor\n"
        "class Half(KiteFlavor):\n"
        "    name = 'half'\n"
        "    @property\n"
        "    def implementation_class(self):\n"
        "        import a_module_nobody_has\n",
    )
    entry = FlavorCatalog.installed().find(BUILDER, "half")
    with pytest.raises(FlavorError, match=r"half 1\.5.*a_module_nobody_has") as caught:
        _ = entry.implementation_class
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "    implementation_class = Unfinished\n",
            r"cannot make its odd\.Unfinished: TypeError: .*abstract",
        ),
        (
            "    implementation_class = Failing\n",
            r"cannot make its odd\.Failing: ZeroDivisionError",
        ),
        ("    implementation_class = dict\n", r"builtins\.dict is not a StackComponent"),
        ("    implementation_class = None\n", r"implementation_class, None,: TypeError"),
        (
            "    implementation_class = property(lambda self: 1 / 0)\n",
            "names no class: ZeroDivisionError",
        ),
        (
            "    implementation_class = Failing\n    config_class = None\n",
            "its config_class is None",
        ),
        (
            "    implementation_class = Failing\n    config_class = property(lambda self: 1 / 0)\n",
            "no class of its settings: ZeroDivisionError",
        ),
    ],
)
def test_flavor_whose_class_is_at_fault(
    install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    """Whatever another package's class does, the error names the package and what it did."""
    install(
        "odd",
        {"odd": "odd:Odd"},
        "from imagebuilders import BaseImageBuilder, BaseImageBuilderFlavor\n"
        "class Unfinished(BaseImageBuilder):\n    is_building_locally = False\n"
        "class Failing(Unfinished):\n"
        "    def __init__(self, config, name):\n        1 / 0\n"
        "    def build(self, *arguments):\n        pass\n"
        f"class Odd(BaseImageBuilderFlavor):\n    name = 'odd'\n{body}",
    )
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "odd")
    with pytest.raises(FlavorError, match=says) as caught:
        _ = ConfiguredStack(read_configuration()).image_builder
    assert "odd 1.5 (entry point odd = odd:Odd)" in str(caught.value)


def test_component_that_refuses_its_settings(
    kite: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a component itself says about its settings is left as it is."""
    install(
        "picky",
        {"picky": "picky:Picky"},
        "from imagebuilders.exceptions import ConfigurationError\n"
        "from kite_builders import KiteBuilder, KiteFlavor\n"
        "class PickyBuilder(KiteBuilder):\n"
        "    def __init__(self, config, name):\n"
        "        raise ConfigurationError('not on Sundays')\n"
        "class Picky(KiteFlavor):\n"
        "    name = 'picky'\n"
        "    implementation_class = PickyBuilder\n",
    )
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "picky")
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__PROJECT", "p")
    with pytest.raises(ConfigurationError, match=r"^not on Sundays$"):
        _ = ConfiguredStack(read_configuration()).image_builder


def test_unknown_flavor_lists_the_known() -> None:
    """A misspelled flavor gets the nearest one, and all there are."""
    with pytest.raises(FlavorError, match="did you mean 'local'") as caught:
        FlavorCatalog.installed().find(BUILDER, "locl")
    assert "local" in caught.value.allowed
    with pytest.raises(FlavorError, match="known: none"):
        FlavorCatalog([]).find(BUILDER, "local")


def test_entry_point_without_a_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point that no package owns is still loaded."""
    from importlib.metadata import EntryPoint

    point = EntryPoint("odd", "json:dumps", "imagebuilders.flavors")
    monkeypatch.setattr("imagebuilders.stack.flavors.entry_points", lambda group: [point])
    *_, entry = FlavorCatalog.installed().entries
    assert entry == FlavorEntry(
        "odd = json:dumps", "unknown", None, "is not an imagebuilders.Flavor"
    )


def test_listing_flavors_is_cheap() -> None:
    """Finding flavors and their names imports no engine and no cloud library."""
    code = (
        "import sys\n"
        "from imagebuilders.stack.flavors import FlavorCatalog\n"
        "entries = FlavorCatalog.installed().entries\n"
        "assert not [e for e in entries if e.problem and e.package.startswith('imagebuilders ')]\n"
        "print(*sorted({'docker', 'boto3', 'botocore', 'fsspec'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == ""
