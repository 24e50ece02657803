"""HEALTHCHECK as an image's configuration holds it."""

from __future__ import annotations

import re

from imagebuilders.dockerfile.values import Instruction
from imagebuilders.go_text import parse_duration, quote, replace_undecodable
from imagebuilders.lazy_dataclass import dataclass

_MILLISECOND = 1_000_000
_LARGEST_RETRIES = 2**31 - 1
_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class HealthCheck:
    """A health check.

    Attributes:
        test: `NONE`; or `CMD` and the words of a command; or `CMD-SHELL` and a shell's command.
        interval, timeout, start_period, start_interval: in nanoseconds; 0 for the default.
        retries: 0 for the default.
    """

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


def read_health_check(instruction: Instruction) -> HealthCheck:
    """Return what a HEALTHCHECK says.

    Raises:
        ValueError: an engine does not take it; in BuildKit's words.
    """
    kind = replace_undecodable(instruction.arguments[0]).upper()
    command = instruction.arguments[1:]
    if kind == "NONE":
        if command:
            raise ValueError("HEALTHCHECK NONE takes no arguments")
        return HealthCheck(("NONE",))
    if kind != "CMD":
        raise ValueError(f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)")
    if not command:
        raise ValueError("Missing command after HEALTHCHECK CMD")
    return HealthCheck(
        test=("CMD" if instruction.exec_form else "CMD-SHELL", *command),
        interval=_duration(instruction, "interval"),
        timeout=_duration(instruction, "timeout"),
        start_period=_duration(instruction, "start-period"),
        start_interval=_duration(instruction, "start-interval"),
        retries=_retries(instruction.flag("retries")),
    )


def _duration(instruction: Instruction, name: str) -> int:
    text = instruction.flag(name)
    duration = parse_duration(text) if text else 0
    if duration and duration < _MILLISECOND:
        raise ValueError(f"Interval {quote(name)} cannot be less than 1ms")
    return duration


def _retries(text: str | None) -> int:
    if not text:
        return 0
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    retries = int(text) if len(text.lstrip("+-0")) <= 10 else _LARGEST_RETRIES + 1
    if not -_LARGEST_RETRIES - 1 <= retries <= _LARGEST_RETRIES:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    if retries < 0:
        raise ValueError(f"--retries cannot be negative ({retries})")
    return retries
