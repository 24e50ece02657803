"""Rules of text that Docker's files take from Go's standard library.

White space as `strings.TrimSpace` sees it, paths as `filepath.Clean` writes them, the syntax
check that `filepath.Match` makes, lower case, quoted strings, booleans and durations. Text is
`str`; bytes that are not UTF-8 stand in it as lone surrogates (`surrogateescape`), as in Python's
file names.
"""

from __future__ import annotations

import re

# `unicode.IsSpace`. Python's own `str.strip` also takes U+001C to U+001F away.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def trim_space(text: str) -> str:
    """Give `text` without white space at its ends (Go's `strings.TrimSpace`)."""
    return text.strip(WHITE_SPACE)


def replace_lone_surrogates(text: str) -> str:
    """Return a text as `encoding/json` would decode it: what UTF-8 cannot hold becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_path(path: str) -> str:
    """Give the shortest spelling of `path` (Go's `filepath.Clean`, on Unix).

    Differs from `posixpath.normpath` in that two leading slashes become one.
    """
    rooted = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if kept and kept[-1] != "..":
                kept.pop()
            elif not rooted:
                kept.append(part)
            continue
        kept.append(part)
    return "/" * rooted + "/".join(kept) or "."


class GlobSyntaxError(ValueError):
    """A glob that Go's `filepath.Match` calls malformed."""


def check_glob(pattern: str) -> None:
    """Raise `GlobSyntaxError` if Go's `filepath.Match(pattern, ".")` gives an error.

    Like Go, this does not look behind a `*` when what stands before it does not match
    the name `.`; such a pattern fails later, when it is first tried on a path.
    """
    rest, name = pattern, "."
    while rest:
        stars = len(rest) - len(rest.lstrip("*"))
        chunk, rest = _split_chunk(rest[stars:])
        if stars and not chunk:
            return
        remainder = _match_chunk(chunk, name)
        if remainder is not None and (not remainder or rest):
            name = remainder
            continue
        if stars and name:
            remainder = _match_chunk(chunk, "")
            if remainder is not None:
                name = remainder
                continue
        return


def match_glob(pattern: str, name: str) -> bool:
    """Return whether a name fits a glob (Go's `filepath.Match`, on Unix).

    Raises:
        GlobSyntaxError: the glob is malformed, as far as it was tried.
    """
    rest = pattern
    while rest:
        after_stars = rest.lstrip("*")
        has_star = after_stars != rest
        chunk, rest = _split_chunk(after_stars)
        if has_star and not chunk:
            return "/" not in name
        left = _match_chunk(chunk, name)
        # A star takes as little as it can; what it takes has no slash.
        taken = 0
        while left is None or (left and not rest):
            if not has_star or taken == len(name) or name[taken] == "/":
                return False
            taken += 1
            left = _match_chunk(chunk, name[taken:])
        name = left
    return not name


def _split_chunk(pattern: str) -> tuple[str, str]:
    """Split before the first `*` that is not in a class."""
    in_class = False
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 1
        elif char == "[":
            in_class = True
        elif char == "]":
            in_class = False
        elif char == "*" and not in_class:
            break
        i += 1
    return pattern[:i], pattern[i:]


def _match_chunk(chunk: str, name: str) -> str | None:
    """Match a chunk without `*` at the start of `name`; give the rest of `name`, or `None`."""
    failed = False
    i = 0
    while i < len(chunk):
        if not name:
            failed = True
        char = chunk[i]
        if char == "[":
            hit, i = _match_class(chunk, i + 1, name[:1])
            failed = failed or not hit
        elif char == "?":
            failed = failed or name[:1] == "/"
            i += 1
        else:
            if char == "\\":
                i += 1
                if i == len(chunk):
                    raise GlobSyntaxError("it ends in a lone backslash")
            failed = failed or chunk[i] != name[:1]
            i += 1
        if not failed:
            name = name[1:]
    return None if failed else name


def _match_class(chunk: str, i: int, char: str) -> tuple[bool, int]:
    negated = chunk[i : i + 1] == "^"
    if negated:
        i += 1
    hit = False
    ranges = 0
    while not (ranges and chunk[i : i + 1] == "]"):
        low, i = _class_char(chunk, i)
        high = low
        if chunk[i] == "-":
            high, i = _class_char(chunk, i + 1)
        hit = hit or low <= char <= high
        ranges += 1
    return hit != negated, i + 1


def _class_char(chunk: str, i: int) -> tuple[str, int]:
    if i >= len(chunk):
        raise GlobSyntaxError("a '[' has no closing ']'")
    if chunk[i] in "-]":
        raise GlobSyntaxError(f"in '[…]', {chunk[i]!r} stands where a character is needed")
    if chunk[i] == "\\":
        i += 1
        if i == len(chunk):
            raise GlobSyntaxError("it ends in a lone backslash")
    if "\udc80" <= chunk[i] <= "\udcff":
        raise GlobSyntaxError("in '[…]', a byte is no UTF-8")
    if i + 1 == len(chunk):
        raise GlobSyntaxError("a '[' has no closing ']'")
    return chunk[i], i + 1


_SURROGATES = re.compile("[\ud800-\udfff]")


def replace_undecodable(text: str) -> str:
    """Return `text` with U+FFFD for each byte that is not UTF-8, as Go reads characters."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def to_lower(text: str) -> str:
    """Return `text` in lower case (Go's `strings.ToLower`).

    Each character is taken by itself: none becomes two, and a sigma at the end of a word is like
    any other. A byte that is not UTF-8 becomes U+FFFD.
    """
    if text.isascii():
        return text.lower()
    # U+0130 is the one character that Python's mapping turns into two.
    text = replace_undecodable(text)
    return "".join("i" if char == "\u0130" else char.lower() for char in text)


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


def quote(text: str) -> str:
    """Return `text` between double quotes, with escapes (Go's `strconv.Quote`, the verb `%q`)."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    if ord(char) < 0x80:
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""Every way to write a boolean that `strconv.ParseBool` takes."""

_DURATION_PART = re.compile(r"(?P<whole>[0-9]*)(?P<fraction>\.[0-9]*)?(?P<unit>[^0-9.]*)")
_LARGEST_INTEGER = 2**63 - 1
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


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a duration such as `1m30s` (Go's `time.ParseDuration`).

    Raises:
        ValueError: the text is not a duration; in Go's words.
    """
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    total = 0
    for part in _DURATION_PART.finditer(body):
        if part[0]:
            total += _nanoseconds(part, text)
        if total > _LARGEST_INTEGER or not body:
            raise ValueError(f"time: invalid duration {_quote_in_time(text)}")
    return -total if text.startswith("-") else total


def _nanoseconds(part: re.Match[str], text: str) -> int:
    whole, fraction = part["whole"].lstrip("0"), (part["fraction"] or ".")[1:]
    # A number of more than 19 digits is out of range, whatever its unit.
    if len(whole) > 19 or not (part["whole"] or fraction):
        raise ValueError(f"time: invalid duration {_quote_in_time(text)}")
    if not part["unit"]:
        raise ValueError(f"time: missing unit in duration {_quote_in_time(text)}")
    if part["unit"] not in _UNITS:
        unit = _quote_in_time(part["unit"])
        raise ValueError(f"time: unknown unit {unit} in duration {_quote_in_time(text)}")
    unit_size = _UNITS[part["unit"]]
    digits = fraction[:18]
    return int(whole or 0) * unit_size + int(int(digits or 0) * (unit_size / 10 ** len(digits)))


def _quote_in_time(text: str) -> str:
    """Quote as the package `time` does: each byte that is not printable ASCII as `\\xNN`."""
    out = []
    for char in text:
        if " " <= char < "\x7f" or char == "\x7f":
            out.append(f"\\{char}" if char in '"\\' else char)
        else:
            out.extend(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
    return '"' + "".join(out) + '"'
