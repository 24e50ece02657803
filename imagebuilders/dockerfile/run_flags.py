"""The values of RUN's flags, as far as BuildKit looks at them before a build begins."""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.dockerfile.values import Instruction, Problem, ProblemKind
from imagebuilders.go_text import BOOLEANS, quote, to_lower

_NETWORKS = frozenset({"default", "none", "host"})
_SECURITY = frozenset({"insecure", "sandbox"})
_BARE_QUOTE = 'bare " in non-quoted-field'
_UNPAIRED_QUOTE = 'extraneous or missing " in quoted-field'


def check_run_flags(instruction: Instruction) -> Problem | None:
    """Return what is wrong with the first value that an engine does not take."""
    found = (_check(name, instruction.flag_values(name)) for name in _CHECKS)
    return next((problem for problem in found if problem is not None), None)


def _check(name: str, values: tuple[str, ...]) -> Problem | None:
    try:
        for value in values:
            _CHECKS[name](value)
    except ValueError as error:
        return Problem(ProblemKind.RUN_FLAG, str(error), subject=name)
    return None


def flag_fields(value: str) -> tuple[str, ...]:
    """Split the value of a `--mount` or `--device` at its commas, as one line of CSV.

    Raises:
        ValueError: it is empty, or a quote is not where one can be; in Go's words.
    """
    if not value:
        raise ValueError("EOF")
    fields: list[str] = []
    position = 0
    while position <= len(value):
        if value.startswith('"', position):
            field, position = _quoted_field(value, position + 1)
        else:
            end = value.find(",", position)
            end = len(value) if end < 0 else end
            field = value[position:end]
            if '"' in field:
                raise _misplaced(value, position + field.index('"'), _BARE_QUOTE)
            position = end + 1
        fields.append(field)
    return tuple(fields)


def _quoted_field(value: str, position: int) -> tuple[str, int]:
    """Return the field behind a quote, and where the next one begins."""
    parts: list[str] = []
    while (end := value.find('"', position)) >= 0:
        parts.append(value[position:end])
        position = end + 1
        following = value[position : position + 1]
        if following in (",", ""):
            return "".join(parts), position + 1
        if following != '"':
            raise _misplaced(value, end, _UNPAIRED_QUOTE)
        parts.append(following)
        position += 1
    raise _misplaced(value, position, _UNPAIRED_QUOTE)


def _misplaced(value: str, position: int, what: str) -> ValueError:
    column = len(value[:position].encode("utf-8", "surrogateescape")) + 1
    return ValueError(f"parse error on line 1, column {column}: {what}")


def _fields(value: str, what: str) -> tuple[str, ...]:
    try:
        return flag_fields(value)
    except ValueError as error:
        raise ValueError(f"failed to parse csv {what}: {error}") from None


def _check_mount(value: str) -> None:
    for field in _fields(value, "mounts"):
        key, _, source = field.partition("=")
        # Its other fields may have variables, and are looked at when the step begins.
        if to_lower(key) == "from" and "$" in source and source.index("$") != len(source) - 1:
            raise ValueError(
                "'from' doesn't support variable expansion, define alias stage instead"
            )


def _check_device(value: str) -> None:
    name = ""
    for field in _fields(value, "devices"):
        key, equals, text = field.partition("=")
        key = to_lower(key)
        if key == "required":
            if equals and text not in BOOLEANS:
                raise ValueError(f"invalid value for {key}: {text}")
        elif key == "name" and equals:
            if name:
                raise ValueError(f"device name already set to {name}")
            name = text
        elif not name:
            name = field
        elif equals:
            hint = suggestion(key, ("name", "required"), case_sensitive=True)
            raise ValueError(f"unexpected key '{key}' in '{field}'{hint}")
        else:
            raise ValueError(f"invalid field '{field}' must be a key=value pair")


def _check_network(value: str) -> None:
    if value not in _NETWORKS:
        raise ValueError(f"invalid network mode {quote(value)}")


def _check_security(value: str) -> None:
    if value not in _SECURITY:
        raise ValueError(f"security {quote(value)} is not valid")


# In the order in which BuildKit looks at them.
_CHECKS: dict[str, Callable[[str], None]] = {
    "device": _check_device,
    "mount": _check_mount,
    "network": _check_network,
    "security": _check_security,
}
