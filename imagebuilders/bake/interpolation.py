"""Variables in compose files: https://docs.docker.com/reference/compose-file/interpolation/."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from imagebuilders.exceptions import BakeError

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")
_MAX_DEPTH = 50


def _forget(_name: str) -> None:
    """Nobody wants to know."""


def substitute(
    text: str, values: Mapping[str, str], unset: Callable[[str], None] = _forget, *, depth: int = 0
) -> str:
    """Return a text with its variables replaced by their values.

    Args:
        text: the text; `$$` stands for a dollar sign.
        values: the variables.
        unset: told the name of each variable that has no value, and stands for nothing.
        depth: how many defaults this is inside of.

    Raises:
        BakeError: a variable that must have a value has none, or a brace is not closed.
    """
    if "$" not in text:
        return text
    if depth > _MAX_DEPTH:
        raise BakeError("A variable's default has defaults inside of it, and so on without end.")
    parts: list[str] = []
    position = 0
    while (found := text.find("$", position)) >= 0:
        parts.append(text[position:found])
        rest = found + 1
        name = _NAME.match(text, rest)
        if text.startswith("$", rest):
            parts.append("$")
            position = rest + 1
        elif name is not None:
            parts.append(_value(name[0], values, unset))
            position = name.end()
        elif text.startswith("{", rest):
            end = _closing(text, rest)
            parts.append(_braced(text[rest + 1 : end], values, unset, depth))
            position = end + 1
        else:
            parts.append("$")
            position = rest
    return "".join([*parts, text[position:]])


def _value(name: str, values: Mapping[str, str], unset: Callable[[str], None]) -> str:
    found = values.get(name)
    if found is None:
        unset(name)
        return ""
    return found


def _closing(text: str, opening: int) -> int:
    """Return where the brace closes that opens at a position."""
    depth = 0
    for position in range(opening, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise _malformed(text)


def _braced(
    inside: str, values: Mapping[str, str], unset: Callable[[str], None], depth: int
) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise _malformed(f"${{{inside}}}")
    rest = inside[name.end() :]
    if not rest:
        return _value(name[0], values, unset)
    operator = next((each for each in _OPERATORS if rest.startswith(each)), None)
    if operator is None:
        raise _malformed(f"${{{inside}}}")
    value = values.get(name[0])
    counts = value is not None and (value != "" or not operator.startswith(":"))

    def word() -> str:
        return substitute(rest[len(operator) :], values, unset, depth=depth + 1)

    if operator.endswith("-"):
        return value if counts and value is not None else word()
    if operator.endswith("+"):
        return word() if counts else ""
    if not counts:
        reason = word()
        raise BakeError(
            f"The variable {name[0]} must have a value, and has none"
            + (f": {reason}" if reason else ".")
        )
    return value or ""


def _malformed(text: str) -> BakeError:
    return BakeError(
        f"{text!r} has a variable that cannot be read. Write ${{NAME}} or ${{NAME:-default}}, and "
        "$$ for a dollar sign."
    )
