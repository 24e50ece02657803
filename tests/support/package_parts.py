"""The modules of a part of the package, for tests that hold wherever in it something is defined."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def modules_of(part: str) -> list[ModuleType]:
    """Return the modules of a part, such as `oci`."""
    module = import_module(f"imagebuilders.{part}")
    inside = pkgutil.walk_packages(getattr(module, "__path__", ()), f"imagebuilders.{part}.")
    return [module, *(import_module(found.name) for found in inside)]
