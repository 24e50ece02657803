"""Names of a package that are loaded when they are first asked for.

So that importing one module of a package costs that module alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from sys import modules


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the function `__getattr__` of a package.

    Args:
        package: the package's name.
        homes: the module that defines each name.
    """

    def __getattr__(name: str) -> object:  # noqa: N807  (so tracebacks name it)
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(modules[package], name, value)
        return value

    return __getattr__
