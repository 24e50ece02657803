"""The modules of a part of the package, for tests that hold wherever in it something is defined."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


@cache
def modules_of(part: str) -> list[ModuleType]:
    """Return the modules of a part, such as `oci`."""
    module = import_module(f"imagebuilders.{part}")
    inside = pkgutil.walk_packages(getattr(module, "__path__", ()), f"imagebuilders.{part}.")
    return [module, *(import_module(found.name) for found in inside)]


def dataclasses_of(package: str, *left_out: str) -> dict[str, Any]:
    """Return what dataclasses of a package were told, by their names in it.

    Args:
        package: such as `imagebuilders`.
        left_out: the beginnings of names of modules in it that are not looked at.
    """
    begun = (*(f"{package}.{each}" for each in left_out), f"{package}.__")
    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if module.name.startswith(begun) or module.name.endswith(("_pb2", ".__main__")):
            continue
        inside = vars(import_module(module.name))
        for name, value in inside.items():
            if getattr(value, "__module__", None) == module.name and isinstance(value, type):
                told = vars(value).get("__dataclass_params__")
                if told is not None:
                    found[f"{module.name.partition('.')[2]}.{name}"] = value.__dataclass_params__  # type: ignore[attr-defined]
    return found
