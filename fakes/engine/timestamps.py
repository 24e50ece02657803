"""Moments in the forms that the API takes: a duration before now, seconds, a time or its begin."""

from __future__ import annotations

import calendar
import re
from contextlib import suppress

from ..go_text import parse_duration, quote, quoted_character

_STAMP = re.compile(r"(\d+)(?:\.(\d+))?")
_NUMBER = re.compile(r"[+-]?[0-9]+")
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d")
_FRACTION = re.compile(r"\.(\d{1,9})")
# The parts of a layout: how many digits, what Go calls it, from and to which number, and what
# stands before it.
_PARTS = (
    (4, "2006", "", 0, 9999, ""),
    (2, "01", "month", 1, 12, "-"),
    (2, "02", "day", 1, 31, "-"),
    (2, "15", "hour", 0, 23, "T"),
    (2, "04", "minute", 0, 59, ":"),
    (2, "05", "second", 0, 59, ":"),
)
_SECOND = 1_000_000_000
_400_YEARS = 146_097 * 86_400
_LONGEST_FRACTION = 20
_NEITHER = "failed to parse value as time or duration"


def parse_moment(text: str, now: int, *, exact: bool = False) -> int:
    """Nanoseconds since the epoch of a moment.

    Args:
        text: the moment.
        now: nanoseconds since the epoch.
        exact: as newer engines do, which tell what is wrong with seconds.

    Raises:
        ValueError: in the engine's words, when it is none.
    """
    if exact and not text.strip():
        raise ValueError(f"{_NEITHER}: value is empty")
    with suppress(ValueError):
        before = now - parse_duration(text)
        # To older engines, whole seconds are what is left of a duration.
        return before if exact else before // _SECOND * _SECOND
    if "-" in text:
        return _parse_time(text)
    if exact:
        try:
            return _seconds(text)
        except ValueError as error:
            raise ValueError(f"{_NEITHER}: {error}") from error
    if match := _STAMP.fullmatch(text):
        return int(match.group(1)) * _SECOND + int((match.group(2) or "").ljust(9, "0")[:9])
    raise ValueError(f"{_NEITHER}: {quote(text)}")


def parse_stamp(text: str, *, exact: bool = False) -> int:
    """Nanoseconds since the epoch of seconds and their fraction, the strictest form.

    Args:
        text: the moment.
        exact: as for `parse_moment`.

    Raises:
        ValueError: in the engine's words, when it is none.
    """
    if exact:
        try:
            return _seconds(text)
        except ValueError as error:
            raise ValueError(f"invalid timestamp {quote(text)}: {error}") from error
    seconds, dot, fraction = text.partition(".")
    for number in (seconds, fraction) if dot else (seconds,):
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"strconv.ParseInt: parsing {quote(number)}: invalid syntax")
    nanoseconds = int(fraction) * _SECOND // 10 ** len(fraction) if dot else 0
    return int(seconds) * _SECOND + nanoseconds


def _seconds(text: str) -> int:
    """Nanoseconds of seconds and their fraction, as newer engines read them."""
    seconds, _, fraction = text.partition(".")
    if not _NUMBER.fullmatch(seconds):
        raise ValueError(f"invalid seconds {quote(seconds)}: invalid syntax")
    if len(fraction) > _LONGEST_FRACTION:
        length = f"length {len(fraction)} exceeds maximum {_LONGEST_FRACTION}"
        raise ValueError(f"invalid nanoseconds: {length}")
    for place, character in enumerate(fraction):
        if character not in "0123456789":
            found = quoted_character(ord(character))
            raise ValueError(f"invalid nanoseconds: invalid character {found} at position {place}")
    return int(seconds) * _SECOND + int(fraction.ljust(9, "0")[:9])


def _parse_time(text: str) -> int:
    with_zone = any(char in text for char in "zZ+") or text.count("-") == 3
    count = _parts_of(text, with_zone=with_zone)
    zone = "Z07:00" if with_zone else ""
    layout = "".join(before + name for _, name, _, _, _, before in _PARTS[:count]) + zone
    rest, numbers = text, []
    for digits, name, what, lowest, highest, before in _PARTS[:count]:
        if not rest.startswith(before):
            raise _misread(text, layout, rest, before)
        rest = rest[len(before) :]
        if not re.match(rf"\d{{{digits}}}", rest):
            raise _misread(text, layout, rest, name)
        number, rest = int(rest[:digits]), rest[digits:]
        if not lowest <= number <= highest:
            raise ValueError(f"parsing time {quote(text)}: {what} out of range")
        numbers.append(number)
    fraction = 0
    if count == len(_PARTS) and (match := _FRACTION.match(rest)):
        fraction, rest = int(match.group(1).ljust(9, "0")), rest[match.end() :]
    offset = 0
    if with_zone:
        found = _ZONE.match(rest)
        if found is None:
            raise _misread(text, layout, rest, zone)
        offset, rest = _offset(found.group(0)), rest[found.end() :]
    if rest:
        raise ValueError(f"parsing time {quote(text)}: extra text: {quote(rest)}")
    year, month, day, hour, minute, second = (*numbers, 0, 0, 0)[:6]
    # Python has no year 0; the calendar is the same every 400 years.
    later = 0 if year else 400
    if day > calendar.monthrange(year + later, month)[1]:
        raise ValueError(f"parsing time {quote(text)}: day out of range")
    moment = (year + later, month, day, hour, minute, second, 0, 0, 0)
    seconds = calendar.timegm(moment) - later // 400 * _400_YEARS - offset
    return seconds * _SECOND + fraction


def _parts_of(text: str, *, with_zone: bool) -> int:
    """How many parts the layout has that a text is read by."""
    if "." in text:
        return 6
    if "T" not in text:
        return 3
    colons = text.count(":")
    if with_zone and colons and not any(char in text for char in "zZ"):
        colons -= 1
    return min(4 + colons, 6)


def _misread(text: str, layout: str, rest: str, name: str) -> ValueError:
    where = f"parsing time {quote(text)} as {quote(layout)}"
    return ValueError(f"{where}: cannot parse {quote(rest)} as {quote(name)}")


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return -seconds if zone[0] == "-" else seconds
