"""`date`, and dates as people write them."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..options import Options

if TYPE_CHECKING:
    from ...process import Process

_UNITS = {
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "fortnight": 1_209_600,
}
_MONTHS = [name.lower() for name in calendar.month_abbr]


class DateError(ValueError):
    """What is no date."""


def parse_date(text: str, now: float, *, is_busybox: bool = False) -> float:
    """Return the moment that a text means, in seconds since the epoch; all is UTC.

    Raises:
        DateError: it means none.
    """
    text = text.strip()
    if re.fullmatch(r"@-?\d+(\.\d+)?", text):
        return float(text[1:])
    if is_busybox:
        return _busybox(text, now)
    moment = datetime.fromtimestamp(now, timezone.utc)
    rest = text.lower()
    if not rest:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    has_time = False
    if match := re.search(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ]\s*(?=\d{1,2}:))?", rest):
        moment = _made(int(match[1]), int(match[2]), int(match[3]))
        rest = rest[: match.start()] + " " + rest[match.end() :]
        has_time = True
    elif match := re.search(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", rest):
        moment = _made(int(match[3]), int(match[1]), int(match[2]))
        rest = rest[: match.start()] + " " + rest[match.end() :]
        has_time = True
    elif match := re.fullmatch(r"\s*(\d{4})(\d{2})(\d{2})\s*", rest):
        return _made(int(match[1]), int(match[2]), int(match[3])).timestamp()
    elif match := re.search(
        r"\b(?:(\d{1,2})\s+)?("
        + "|".join(_MONTHS[1:])
        + r")[a-z]*\.?\s*(\d{1,2})?(?:,?\s+(\d{4}))?\b",
        rest,
    ):
        day = match[1] or match[3] or "1"
        moment = _made(int(match[4] or moment.year), _MONTHS.index(match[2]), int(day))
        rest = rest[: match.start()] + " " + rest[match.end() :]
        has_time = True
        if not match[4] and (year := re.search(r"\b(\d{4})\b(?!:)", rest)):
            moment = moment.replace(year=int(year[1]))
            rest = rest[: year.start()] + " " + rest[year.end() :]
    if has_time:
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if match := re.search(r"\b(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(am|pm)?", rest):
        hour = int(match[1]) % 12 + (12 if match[5] == "pm" else 0) if match[5] else int(match[1])
        if hour > 23 or int(match[2]) > 59 or int(match[3] or 0) > 60:
            raise DateError(text)
        moment = moment.replace(
            hour=hour,
            minute=int(match[2]),
            second=min(59, int(match[3] or 0)),
            microsecond=int((match[4] or "0").ljust(6, "0")[:6]),
        )
        rest = rest[: match.start()] + " " + rest[match.end() :]
        if zone := re.match(r"\s*([-+])(\d{2}):?(\d{2})?\b", rest[match.start() :]):
            minutes = int(zone[2]) * 60 + int(zone[3] or 0)
            moment -= timedelta(minutes=minutes if zone[1] == "+" else -minutes)
            rest = rest[: match.start()] + rest[match.start() + zone.end() :]
    offset = 0.0
    months = 0

    def relative(match: re.Match[str]) -> str:
        nonlocal offset, months
        count = (
            -1
            if match[1] == "last"
            else 1
            if match[1] in ("next", None, "")
            else int(match[1].replace(" ", ""))
        )
        if match[3]:
            count = -count
        unit = match[2]
        if unit == "month":
            months += count
        elif unit == "year":
            months += 12 * count
        else:
            offset += count * _UNITS[unit]
        return " "

    rest = re.sub(
        r"([-+]?\s*\d+|last|next)?\s*\b(sec|second|min|minute|hour|day|week|fortnight|month|year)s?\b(\s+ago)?",
        relative,
        rest,
    )
    for word, shift in (("yesterday", -86_400), ("tomorrow", 86_400), ("today", 0), ("now", 0)):
        if re.search(rf"\b{word}\b", rest):
            offset += shift
            rest = rest.replace(word, " ")
    rest = re.sub(r"\b(utc|gmt|z|mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\b", " ", rest)
    if rest.strip(" ,"):
        raise DateError(text)
    if months:
        total = moment.year * 12 + moment.month - 1 + months
        last = calendar.monthrange(total // 12, total % 12 + 1)[1]
        extra = max(0, moment.day - last)
        moment = moment.replace(
            year=total // 12, month=total % 12 + 1, day=moment.day - extra
        ) + timedelta(days=extra)
    return moment.timestamp() + offset


def _made(year: int, month: int, day: int) -> datetime:
    try:
        return datetime(year, month, day, tzinfo=timezone.utc)
    except ValueError as error:
        raise DateError(f"{year}-{month}-{day}") from error


def _busybox(text: str, now: float) -> float:
    moment = datetime.fromtimestamp(now, timezone.utc)
    patterns = (
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H",
        "%Y-%m-%d",
        "%Y.%m.%d-%H:%M:%S",
        "%Y.%m.%d-%H:%M",
        "%m.%d-%H:%M",
        "%H:%M:%S",
        "%H:%M",
        "%a %b %d %H:%M:%S %Y",
        "%b %d %H:%M:%S %Z %Y",
        "%Y%m%d%H%M.%S",
    )
    for pattern in patterns:
        # Read with its year: a day of a month is none without.
        has_year = "%Y" in pattern
        try:
            found = (
                datetime.strptime(text, pattern)
                if has_year
                else datetime.strptime(f"{moment.year} {text}", f"%Y {pattern}")
            )
        except ValueError:
            continue
        if "%d" not in pattern:
            found = found.replace(month=moment.month, day=moment.day)
        return found.replace(tzinfo=timezone.utc).timestamp()
    raise DateError(text)


def format_date(pattern: str, seconds: float) -> str:
    """Return a moment as `date +FORMAT` prints it, in UTC."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    nanoseconds = int(seconds % 1 * 1e9)

    def field(match: re.Match[str]) -> str:
        flag, width, letter = match[1], match[2], match[3]
        special = {
            "s": str(int(seconds // 1)),
            "N": f"{nanoseconds:09d}"[: int(width) if width else 9],
            "e": f"{moment.day:2d}",
            "k": f"{moment.hour:2d}",
            "l": f"{moment.hour % 12 or 12:2d}",
            "P": moment.strftime("%p").lower(),
            "F": moment.strftime("%Y-%m-%d"),
            "T": moment.strftime("%H:%M:%S"),
            "R": moment.strftime("%H:%M"),
            "D": moment.strftime("%m/%d/%y"),
            "r": moment.strftime("%I:%M:%S %p"),
            "c": moment.strftime("%a %b ") + f"{moment.day:2d}" + moment.strftime(" %H:%M:%S %Y"),
            "x": moment.strftime("%m/%d/%y"),
            "X": moment.strftime("%H:%M:%S"),
            "h": moment.strftime("%b"),
            "u": str(moment.isoweekday()),
            "C": f"{moment.year // 100:02d}",
            "n": "\n",
            "t": "\t",
            "%": "%",
            "z": "+0000",
            ":z": "+00:00",
            "Z": "UTC",
            "q": str((moment.month - 1) // 3 + 1),
        }
        text = special.get(letter)
        if text is None:
            text = moment.strftime("%" + letter)
        if "-" in flag:
            text = text.lstrip("0 ") or "0"
        elif "_" in flag:
            text = re.sub(r"^0+(?=\d)", lambda zeros: " " * len(zeros[0]), text)
        if "^" in flag:
            text = text.upper()
        return text

    return re.sub(r"%([-_0^#]*)(\d*)(:z|[a-zA-Z%])", field, pattern)


def date(process: Process) -> int:
    """Print the time."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "ud:RI::r:s:f:D:" if busybox else "ud:RI::r:s:f:",
        "utc:u universal:u date=:d rfc-email:R rfc-2822:R iso-8601=?:I reference=:r "
        "rfc-3339=:3339 set=:s",
    )
    seconds = process.system.now()
    try:
        if (text := options.value("d")) is not None:
            seconds = parse_date(text, seconds, is_busybox=busybox)
        elif (path := options.value("r")) is not None:
            try:
                status = process.system.files.status(process, path)
            except OSError as error:
                raise process.fail(f"{path}: {error.strerror}") from error
            seconds = status.mtime + status.nanoseconds / 1e9
    except DateError as error:
        raise process.fail(f"invalid date '{options.value('d')}'") from error
    if options.value("s") is not None:
        raise process.fail(
            "cannot set date: Operation not permitted"
            if not busybox
            else "can't set date: Operation not permitted"
        )
    pattern = next((word[1:] for word in options.operands if word.startswith("+")), None)
    if pattern is None:
        pattern = "%a %b %e %H:%M:%S %Z %Y"
    if "R" in options:
        pattern = "%a, %d %b %Y %H:%M:%S +0000"
    if "I" in options:
        kind = options.value("I") or "date"
        zone = "+00:00"
        pattern = {
            "date": "%Y-%m-%d",
            "hours": f"%Y-%m-%dT%H{zone}",
            "minutes": f"%Y-%m-%dT%H:%M{zone}",
            "seconds": f"%Y-%m-%dT%H:%M:%S{zone}",
            "ns": f"%Y-%m-%dT%H:%M:%S,%N{zone}",
        }.get(kind, "%Y-%m-%d")
    if (kind3339 := options.value("3339")) is not None:
        pattern = {
            "date": "%Y-%m-%d",
            "seconds": "%Y-%m-%d %H:%M:%S+00:00",
            "ns": "%Y-%m-%d %H:%M:%S.%N+00:00",
        }.get(kind3339, "%Y-%m-%d")
    extra = [word for word in options.operands if not word.startswith("+")]
    if extra:
        if busybox:
            raise process.fail(f"invalid date '{extra[0]}'")
        raise process.fail(f"invalid date '{extra[0]}'")
    process.print(format_date(pattern, seconds) + "\n")
    return 0
