"""Rules for commands as a document: what `on_run`, `on_container` and `on_exec` take, in TOML."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..http.control import add_rules
from .control import KINDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from .engine import FakeDockerEngine


def apply_rules(engine: FakeDockerEngine, text: str) -> None:
    """Give an engine the rules of a document, in its order; the newest wins.

    Args:
        engine: which.
        text: TOML, with a table `[[on_run]]`, `[[on_container]]` or `[[on_exec]]` for each rule,
            whose keys are the arguments of that method.

    Raises:
        ValueError: it is no TOML, or a rule cannot be; its place is told.
    """
    add_rules(engine, tomllib.loads(text), KINDS)
