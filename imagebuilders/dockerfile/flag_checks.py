"""Whether an engine takes the flags of an instruction."""

from __future__ import annotations

from imagebuilders.dockerfile.grammar import Grammar
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.dockerfile.values import Flag, Instruction, Problem, ProblemKind
from imagebuilders.go_text import to_lower

_REPEATABLE = frozenset({"mount", "exclude", "device"})
BOOLEAN_FLAGS = frozenset({"link", "keep-git-dir", "parents", "unpack"})
"""The flags that need no value, and take `true` and `false`."""


def check_flags(instruction: Instruction, grammar: Grammar) -> Problem | None:
    """Return what is wrong with the first flag that an engine does not take."""
    known = grammar.flags.get(instruction.name, frozenset())
    seen: set[str] = set()
    for flag in instruction.flags:
        if problem := _check(flag, known, seen):
            return problem
        seen.add(flag.name)
    return None


def _check(flag: Flag, known: frozenset[str], seen: set[str]) -> Problem | None:
    name = flag.name
    if name not in known:
        hint = suggestion(name, known, case_sensitive=True)
        return Problem(ProblemKind.UNKNOWN_FLAG, f"unknown flag: --{name}{hint}", subject=name)
    if name in seen and name not in _REPEATABLE:
        message = f"duplicate flag specified: --{name}"
        return Problem(ProblemKind.DUPLICATE_FLAG, message, subject=name)
    is_boolean = name in BOOLEAN_FLAGS
    if (flag.value is None and not is_boolean) or (flag.value == "" and is_boolean):
        message = f"missing a value on flag: --{name}"
        return Problem(ProblemKind.MISSING_FLAG_VALUE, message, subject=name)
    if is_boolean and to_lower(flag.value or "true") not in ("true", "false"):
        message = f"expecting boolean value for flag --{name}, not: {flag.value}"
        return Problem(ProblemKind.FLAG_VALUE, message, subject=name)
    return None
