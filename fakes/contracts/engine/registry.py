"""The scenarios, collected by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from . import scenarios as topics
from .context import Files
from .session import Session

Scenario = Callable[[Session], None]
_SCENARIOS: dict[str, Scenario] = {}
_EVALUATED: dict[str, str] = {}
"""Groups of scenarios whose commands are evaluated, with the image that they need besides."""
DEBIAN_IMAGE = "debian:bookworm-slim"
"""The image of Debian 12 that some scenarios run their commands in."""


def scenario(function: Scenario) -> Scenario:
    """Make a function a scenario; its name is its module's and its own."""
    group = function.__module__.rpartition(".")[2]
    _SCENARIOS[f"{group}.{function.__name__}"] = function
    return function


def dockerfiles(group: str, cases: dict[str, str], files: Files | None = None) -> None:
    """Make each Dockerfile of a dict a scenario that builds it."""

    def make(dockerfile: str) -> Scenario:
        return lambda session: void(session.build(dockerfile, files))

    for name, dockerfile in cases.items():
        _SCENARIOS[f"{group}.{name}"] = make(dockerfile)


def scripts(
    group: str, cases: Mapping[str, str], run: Callable[[Session, str], None], *, image: str = ""
) -> None:
    """Make each script of a dict a scenario that runs it; a double has to evaluate it.

    Args:
        group: the first part of their names.
        cases: scripts by the other part.
        run: runs one, and notes what it did.
        image: which image the engine must have besides the base; it has it for these alone.
    """

    def make(script: str) -> Scenario:
        return lambda session: run(session, script)

    for name, script in cases.items():
        _SCENARIOS[f"{group}.{name}"] = make(script)
    _EVALUATED[group] = image


def is_evaluated(name: str) -> bool:
    """Return whether a double has to evaluate the commands of a scenario."""
    _import_topics()
    return name.partition(".")[0] in _EVALUATED


def further_image(name: str) -> str:
    """Return the image that an engine must have for a scenario besides the base; empty if none."""
    _import_topics()
    return _EVALUATED.get(name.partition(".")[0], "")


def void(_value: object) -> None:
    """Nothing, whatever was given."""


def scenarios() -> dict[str, Scenario]:
    """Every scenario by name, sorted."""
    _import_topics()
    return {name: _SCENARIOS[name] for name in sorted(_SCENARIOS)}


@cache
def _import_topics() -> None:
    """Import the modules that the scenarios are in, which is slow to ask for each of them."""
    for module in iter_modules(topics.__path__, f"{topics.__name__}."):
        import_module(module.name)
