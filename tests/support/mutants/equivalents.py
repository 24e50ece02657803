"""Mutants that change nothing that can be seen, as `equivalent_mutants.toml` lists them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from mutants.changes import ROOT, Name, mutants

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LIST = Path(__file__).with_name("equivalent_mutants.toml")


def equivalents() -> dict[Name, str]:
    """Return why a mutant changes nothing, by its name; without an `after`, any of its lines."""
    listed = tomllib.loads(_LIST.read_text(encoding="utf-8")).get("mutant", [])
    return {
        (one["file"], one.get("scope", ""), one["before"], one.get("after", "")): one["reason"]
        for one in listed
    }


def why_equivalent(name: Name, known: Mapping[Name, str]) -> str | None:
    """Return why a mutant changes nothing, if that is known."""
    return known.get(name, known.get((*name[:3], "")))


def stale(known: Iterable[Name], root: Path = ROOT) -> list[Name]:
    """Return the names of mutants of which the code has none any more."""
    found = []
    for name in known:
        path = root / name[0]
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        every = {each.named(source.encode()) for each in mutants(name[0], source)}
        if not any(each[:3] == name[:3] and name[3] in ("", each[3]) for each in every):
            found.append(name)
    return found
