"""Rules for commands as a document: what `on_run`, `on_container` and `on_exec` take, in TOML."""

from __future__ import annotations

import sys
from inspect import signature
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from .engine import FakeDockerEngine

_KINDS = ("on_run", "on_container", "on_exec")


def apply_rules(engine: FakeDockerEngine, text: str) -> None:
    """Give an engine the rules of a document, in its order; the newest wins.

    Args:
        engine: which.
        text: TOML, with a table `[[on_run]]`, `[[on_container]]` or `[[on_exec]]` for each rule,
            whose keys are the arguments of that method.

    Raises:
        ValueError: it is no TOML, or a rule cannot be; its place is told.
    """
    for kind, rules in tomllib.loads(text).items():
        if kind not in _KINDS:
            raise ValueError(f"no kind of rule {kind!r}; known: {', '.join(_KINDS)}")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise ValueError(f"{kind} is a list of tables, each begun by [[{kind}]]")
        add = getattr(engine, kind)
        known = signature(add).parameters
        for number, rule in enumerate(rules, 1):
            place = f"rule {number} of {kind}"
            if unknown := rule.keys() - known.keys():
                raise ValueError(
                    f"{place} has no {', '.join(sorted(unknown))}; known: {', '.join(known)}"
                )
            try:
                add(**rule)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{place}: {error}") from error
