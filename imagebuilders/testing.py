"""The doubles of `fakes`, for a project that has a package `fakes` of its own as well.

They are the same classes as those of `fakes`, unless that name leads to another package: then
our folder is loaded under a private name. `python -m imagebuilders.testing` is `python -m fakes`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes import FakeAWS as FakeAWS
    from fakes import FakeBuildKit as FakeBuildKit
    from fakes import FakeCodeBuild as FakeCodeBuild
    from fakes import FakeDockerClient as FakeDockerClient
    from fakes import FakeDockerEngine as FakeDockerEngine
    from fakes import FakeRegistry as FakeRegistry
    from fakes import InMemoryArtifactStore as InMemoryArtifactStore
    from fakes import ScriptedBuildKit as ScriptedBuildKit

__all__ = [
    "FakeAWS",
    "FakeBuildKit",
    "FakeCodeBuild",
    "FakeDockerClient",
    "FakeDockerEngine",
    "FakeRegistry",
    "InMemoryArtifactStore",
    "ScriptedBuildKit",
    "submodule",
]

_OURS = Path(__file__).resolve().parents[1] / "fakes"
_PRIVATE = "_imagebuilders_fakes"


def submodule(name: str) -> ModuleType:
    """Return a module of the doubles, such as `contracts.artifact_store`.

    Args:
        name: the module's, below `fakes`.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    return import_module(f".{name}", _package().__name__)


def _package() -> ModuleType:
    """Return our package, by whichever name it can be had."""
    if _PRIVATE in sys.modules:
        return sys.modules[_PRIVATE]
    if _is_ours(sys.modules["fakes"] if "fakes" in sys.modules else find_spec("fakes")):
        return import_module("fakes")
    spec = spec_from_file_location(_PRIVATE, _OURS / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[_PRIVATE] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_PRIVATE]
        raise
    return module


def _is_ours(found: object) -> bool:
    """Return whether a module, or the place of one, is our folder."""
    folders = getattr(found, "__path__", None) or getattr(found, "submodule_search_locations", None)
    return _OURS in (Path(folder).resolve() for folder in folders or ())


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_package(), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)


if __name__ == "__main__":
    submodule("__main__").main(prog_name="python -m imagebuilders.testing")
