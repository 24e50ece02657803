"""Pydantic's findings in this package's words.

The values that were given are never repeated: one of them may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast, get_origin

from pydantic import BaseModel, ValidationError

from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.likeness import nearest

REQUIRED = "is required, and missing"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a set of settings."""

    key: tuple[str, ...]
    """Where, from the outermost key inwards."""
    message: str
    """What is wrong, without the value."""
    allowed: tuple[str, ...] = ()
    """The keys or values that would be accepted, when they can be listed."""

    def __str__(self) -> str:
        return f"{'.'.join(self.key)}: {self.message}" if self.key else self.message


def findings(
    error: ValidationError, model: type[BaseModel], *, also_known: Sequence[str] = ()
) -> list[Finding]:
    """Say what pydantic found.

    Args:
        error: pydantic's error.
        model: the model that was validated.
        also_known: keys beside the model's own that may stand at the outermost level.
    """
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        key = tuple(str(part) for part in detail["loc"])
        context = cast("Mapping[str, object]", detail.get("ctx", {}))
        if detail["type"] == "extra_forbidden":
            known = _keys_beside(key, model)
            if len(key) == 1:
                known = (*also_known, *known)
            found.append(Finding(key, unknown("key", key[-1], known), known))
        elif detail["type"] == "missing":
            found.append(Finding(key, REQUIRED))
        elif "expected" in context:
            allowed = tuple(re.findall(r"'([^']*)'", str(context["expected"])))
            found.append(Finding(key, f"must be {context['expected']}", allowed))
        else:
            message = detail["msg"].removeprefix("Value error, ")
            found.append(Finding(key, message[:1].lower() + message[1:]))
    return found


def unknown(kind: str, given: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, which is nearest to it, and which there are.

    Args:
        kind: what the name is a name of: `key`, `flavor`.
        given: the name that was given.
        known: the names there are.
    """
    known = sorted(known)
    near = nearest(given, known)
    hint = f"; did you mean {near!r}?" if near else ";"
    return f"unknown {kind} {given!r}{hint} known: {', '.join(known) or 'none'}"


def _keys_beside(key: tuple[str, ...], model: type[BaseModel]) -> tuple[str, ...]:
    for part in key[:-1]:
        field = model.model_fields.get(part)
        inner = field.annotation if field is not None else None
        # Python 3.10 takes `list[str]` for a class.
        if get_origin(inner) or not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ()
        model = inner
    return tuple(sorted(field.alias or name for name, field in model.model_fields.items()))


def describe_validation_error(error: ValidationError) -> str:
    """Put what pydantic found in one line, without the values given."""
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        where = tuple(str(part) for part in detail["loc"])
        found.append(Finding(where, detail["msg"].removeprefix("Value error, ")))
    return "; ".join(map(str, found))
