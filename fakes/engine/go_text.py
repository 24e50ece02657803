"""Text as the engine's language writes it: JSON, quoted strings, durations, times.

The engine is written in Go, and its formatting shows in history lines, in
error messages and in every digest of a configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

_HTML = str.maketrans(
    {
        "&": "\\u0026",
        "<": "\\u003c",
        ">": "\\u003e",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
_SHORT_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""Every way to write a boolean that `strconv.ParseBool` takes."""


def dumps(value: Any) -> str:
    """JSON without spaces, with `<`, `>` and `&` escaped, in the dicts' own order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(_HTML)


def quote(text: str) -> str:
    """A string as the verb `%q` prints it."""
    out = ['"']
    for char in text:
        if char in _SHORT_ESCAPES:
            out.append(_SHORT_ESCAPES[char])
        elif char.isprintable():
            out.append(char)
        elif "\udc80" <= char <= "\udcff":
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif ord(char) < 0x80:
            out.append(f"\\x{ord(char):02x}")
        elif ord(char) < 0x10000:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(f"\\U{ord(char):08x}")
    out.append('"')
    return "".join(out)


def quote_rune(code: int) -> str:
    """An integer as the verb `%q` prints it: as a character between single quotes."""
    char = chr(code)
    if char == "'":
        return "'\\''"
    if char == '"':
        return "'\"'"
    return "'" + quote(char)[1:-1] + "'"


def quote_list(values: Iterable[str]) -> str:
    """A list of strings as `%q` prints it."""
    return "[" + " ".join(quote(value) for value in values) + "]"


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `1m30s`.

    Raises:
        ValueError: in the engine's words, when the text is no duration.
    """
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    total, position = 0.0, 0
    for match in _DURATION_PART.finditer(body):
        if match.start() != position:
            break
        total += float(match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    if not body or position != len(body):
        rest = body[position:]
        number = re.match(r"[\d.]+", rest)
        if number and number.end() == len(rest):
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        if number:
            unit = re.match(r"[^\d.]+", rest[number.end() :])
            named = unit.group(0) if unit else ""
            raise ValueError(f"time: unknown unit {quote(named)} in duration {quote(text)}")
        raise ValueError(f"time: invalid duration {quote(text)}")
    nanoseconds = round(total)
    return -nanoseconds if text.startswith("-") else nanoseconds


def duration(nanoseconds: int) -> str:
    """A duration as Go prints it: `1m30s`, `1.5s`, `100ms`."""
    if nanoseconds == 0:
        return "0s"
    sign = "-" if nanoseconds < 0 else ""
    value = abs(nanoseconds)
    if value < 1_000:
        return f"{sign}{value}ns"
    if value < 1_000_000:
        return f"{sign}{_trim(value, 1_000)}µs"
    if value < 1_000_000_000:
        return f"{sign}{_trim(value, 1_000_000)}ms"
    hours, rest = divmod(value, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    seconds = f"{_trim(rest, 1_000_000_000)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    if minutes:
        return f"{sign}{minutes}m{seconds}"
    return sign + seconds


def _trim(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0")


def rfc3339(nanoseconds: int) -> str:
    """A time since the epoch in UTC, with as many digits of the second as it needs."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    stamp = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{stamp}{fraction}Z"


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch of such a time; 0 when it is no time."""
    match = re.fullmatch(
        r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text or ""
    )
    if not match:
        return 0
    zone = "+00:00" if match.group(3) == "Z" else match.group(3)
    moment = datetime.fromisoformat(match.group(1) + zone)
    fraction = int((match.group(2) or "0").ljust(9, "0"))
    return int(moment.timestamp()) * 1_000_000_000 + fraction


ZERO_TIME = "0001-01-01T00:00:00Z"


def human_size(size: float) -> str:
    """A number of bytes as the engine's progress bars print it: `1.98MB`, four digits."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    index = 0
    while size >= 1000.0 and index < len(units) - 1:
        size /= 1000.0
        index += 1
    return f"{_four_digits(size)}{units[index]}"


def _four_digits(value: float) -> str:
    text = f"{value:.4g}"
    if "e" in text:
        text = str(round(value))
    return text


def kind_of(value: object) -> str:
    """What a value of JSON is called where another was expected."""
    if isinstance(value, bool):
        return "bool"
    kinds = ((str, "string"), ((int, float), "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


_LITERALS = {"n": "null", "t": "true", "f": "false"}


def _literal_error(text: str) -> str:
    """What is wrong with a word that begins as `null`, `true` or `false` do."""
    literal = _LITERALS[text[0]]
    for index, expected in enumerate(literal):
        if index >= len(text):
            return "unexpected end of JSON input"
        if text[index] != expected:
            found, wanted = quote_rune(ord(text[index])), quote_rune(ord(expected))
            return f"invalid character {found} in literal {literal} (expecting {wanted})"
    return ""


def json_error(text: str) -> str:
    """What Go says of a text that is no JSON: the first character that cannot stand there."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        position = error.pos
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return "unexpected EOF"
        found = quote_rune(ord(text[position]))
        places = {
            "Expecting property name enclosed in double quotes": "looking for beginning of "
            "object key string",
            "Expecting ':' delimiter": "after object key",
            "Expecting ',' delimiter": "after object key:value pair",
            "Extra data": "after top-level value",
        }
        place = places.get(error.msg, "looking for beginning of value")
        if error.msg == "Expecting value" and text[position] in _LITERALS:
            return _literal_error(text[position:])
        return f"invalid character {found} {place}"
    return ""


def parse_object(text: str) -> dict[str, Any] | str:
    """A JSON object, or what Go says of a text that is none."""
    problem = json_error(text)
    if problem:
        return problem
    value = json.loads(text)
    return value if isinstance(value, dict) else "json: cannot unmarshal it into an object"
