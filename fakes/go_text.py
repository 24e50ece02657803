"""Text as the engine's language writes it: JSON, quoted strings, durations, times.

The engine is written in Go, and its formatting shows in history lines, in
error messages and in every digest of a configuration. What production has of it stands in
`imagebuilders.go_text`.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any

from imagebuilders.evaluation.go_values import duration as duration
from imagebuilders.evaluation.go_values import quoted_character as quoted_character
from imagebuilders.evaluation.go_values import quoted_words as quoted_words
from imagebuilders.go_text import BOOLEANS as BOOLEANS
from imagebuilders.go_text import parse_duration as parse_duration
from imagebuilders.go_text import quote as quote
from imagebuilders.go_text import replace_undecodable

_HTML = str.maketrans(
    {
        "&": "\\u0026",
        "<": "\\u003c",
        ">": "\\u003e",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def dumps(value: Any) -> str:
    """JSON without spaces, with `<`, `>` and `&` escaped, in the dicts' own order.

    A byte that is not UTF-8 becomes U+FFFD.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return replace_undecodable(text).translate(_HTML)


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
            found, wanted = quoted_character(ord(text[index])), quoted_character(ord(expected))
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
        found = quoted_character(ord(text[position]))
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
