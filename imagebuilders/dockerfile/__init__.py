"""The language of Dockerfiles: what stands in a file, and what a word of it means.

`parse` reads a file as BuildKit does and refuses nothing; `check` tells what BuildKit would
refuse; `buildkit_features` tells what an engine's classic builder does not know; `expand` replaces
the variables of a word; `excerpt` shows the lines around one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.dockerfile.checks import check, check_instruction
    from imagebuilders.dockerfile.document import Dockerfile, Stage
    from imagebuilders.dockerfile.excerpts import excerpt
    from imagebuilders.dockerfile.features import Feature, buildkit_features
    from imagebuilders.dockerfile.flag_checks import BOOLEAN_FLAGS
    from imagebuilders.dockerfile.forms import INSTRUCTIONS
    from imagebuilders.dockerfile.grammar import BUILDKIT, MODIFIERS, Grammar
    from imagebuilders.dockerfile.health_check import HealthCheck, read_health_check
    from imagebuilders.dockerfile.here_documents import (
        begins_here_document,
        here_document_beginning,
    )
    from imagebuilders.dockerfile.parser import parse
    from imagebuilders.dockerfile.run_flags import flag_fields
    from imagebuilders.dockerfile.shell_reader import Quotes
    from imagebuilders.dockerfile.shell_words import Expansion, expand
    from imagebuilders.dockerfile.values import (
        Directive,
        Flag,
        HereDocument,
        Instruction,
        Pair,
        Problem,
        ProblemKind,
    )

__all__ = [
    "BOOLEAN_FLAGS",
    "BUILDKIT",
    "INSTRUCTIONS",
    "MODIFIERS",
    "Directive",
    "Dockerfile",
    "Expansion",
    "Feature",
    "Flag",
    "Grammar",
    "HealthCheck",
    "HereDocument",
    "Instruction",
    "Pair",
    "Problem",
    "ProblemKind",
    "Quotes",
    "Stage",
    "begins_here_document",
    "buildkit_features",
    "check",
    "check_instruction",
    "excerpt",
    "expand",
    "flag_fields",
    "here_document_beginning",
    "parse",
    "read_health_check",
]

# Loaded when first asked for: what parses a file needs none of what checks one.
_HOMES = {
    "BOOLEAN_FLAGS": "flag_checks",
    "BUILDKIT": "grammar",
    "Directive": "values",
    "Dockerfile": "document",
    "Expansion": "shell_words",
    "Feature": "features",
    "Flag": "values",
    "Grammar": "grammar",
    "HealthCheck": "health_check",
    "HereDocument": "values",
    "INSTRUCTIONS": "forms",
    "Instruction": "values",
    "MODIFIERS": "grammar",
    "Pair": "values",
    "Problem": "values",
    "ProblemKind": "values",
    "Quotes": "shell_reader",
    "Stage": "document",
    "begins_here_document": "here_documents",
    "buildkit_features": "features",
    "check": "checks",
    "check_instruction": "checks",
    "excerpt": "excerpts",
    "expand": "shell_words",
    "flag_fields": "run_flags",
    "here_document_beginning": "here_documents",
    "parse": "parser",
    "read_health_check": "health_check",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
