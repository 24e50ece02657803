"""Values as Go prints them, which is how BuildKit writes its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuilders.go_text import quote

_SECOND = 1_000_000_000
_SMALL_UNITS = ((1_000, "ns", 1), (1_000_000, "µs", 1_000), (_SECOND, "ms", 1_000_000))
_SHORT_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    "'": "\\'",
}


def words(values: Iterable[str]) -> str:
    """Return a list of texts (the verb `%v`)."""
    return f"[{' '.join(values)}]"


def keys(given: Iterable[str]) -> str:
    """Return the keys of a set (the verb `%v`)."""
    return f"map[{' '.join(f'{key}:{{}}' for key in sorted(set(given)))}]"


def quoted_words(values: Iterable[str]) -> str:
    """Return a list of texts, each quoted (the verb `%q`)."""
    return words(map(quote, values))


def duration(nanoseconds: int) -> str:
    """Return a duration such as `1m30s` (`time.Duration.String`)."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for limit, unit, size in _SMALL_UNITS:
        if rest < limit:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, _SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def quoted_character(number: int) -> str:
    """Return the character of a number between single quotes (the verb `%q` of an integer)."""
    char = chr(number) if 0 <= number <= 0x10FFFF else "\ufffd"
    if char in _SHORT_ESCAPES:
        return f"'{_SHORT_ESCAPES[char]}'"
    if char == '"':
        return "'\"'"
    if 0xD800 <= ord(char) <= 0xDFFF:
        char = "\ufffd"
    return f"'{quote(char)[1:-1]}'"


_DURATIONS = ("Interval", "Timeout", "StartPeriod", "StartInterval")


def health_check_fields(value: Mapping[str, object]) -> str:
    """Return a health check with the names of its fields (the verb `%+v`)."""
    fields = [f"Test:{words(_test(value))}"]
    fields += [f"{name}:{duration(_number(value, name))}" for name in _DURATIONS]
    fields.append(f"Retries:{_number(value, 'Retries')}")
    return f"{{{' '.join(fields)}}}"


def health_check_values(value: Mapping[str, object], *, start_interval: bool = True) -> str:
    """Return the values of a pointer to a health check (the verb `%q`).

    Args:
        value: the health check.
        start_interval: it has a field for that.
    """
    fields = [quoted_words(_test(value))]
    names = _DURATIONS if start_interval else _DURATIONS[:-1]
    fields += [quote(duration(_number(value, name))) for name in names]
    return f"&{{{' '.join([*fields, quoted_character(_number(value, 'Retries'))])}}}"


def _test(value: Mapping[str, object]) -> list[str]:
    test = value.get("Test")
    return [str(word) for word in test] if isinstance(test, (list, tuple)) else []


def _number(value: Mapping[str, object], name: str) -> int:
    number = value.get(name, 0)
    return number if isinstance(number, int) else 0
