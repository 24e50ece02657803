"""HEALTHCHECK as an image's configuration holds it."""

from __future__ import annotations

import re

from imagebuilders.dockerfile.grammar import BUILDKIT, Grammar
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


def read_health_check(instruction: Instruction, grammar: Grammar = BUILDKIT) -> HealthCheck:
    """Return what a HEALTHCHECK says.

    Args:
        instruction: the instruction.
        grammar: whether a zero is refused.

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
        interval=_duration(instruction, "interval", grammar),
        timeout=_duration(instruction, "timeout", grammar),
        start_period=_duration(instruction, "start-period", grammar),
        start_interval=_duration(instruction, "start-interval", grammar),
        retries=_retries(instruction.flag("retries"), grammar),
    )


def _duration(instruction: Instruction, name: str, grammar: Grammar) -> int:
    text = instruction.flag(name)
    if not text:
        return 0
    duration = parse_duration(text)
    if duration < _MILLISECOND and not (duration == 0 and grammar.zero_is_default):
        raise ValueError(f"Interval {quote(name)} cannot be less than 1ms")
    return duration


def _retries(text: str | None, grammar: Grammar) -> int:
    if not text:
        return 0
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    retries = int(text) if len(text.lstrip("+-0")) <= 10 else _LARGEST_RETRIES + 1
    if not -_LARGEST_RETRIES - 1 <= retries <= _LARGEST_RETRIES:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    if retries < 1 and not grammar.zero_is_default:
        raise ValueError(f"--retries must be at least 1 (not {retries})")
    if retries < 0:
        raise ValueError(f"--retries cannot be negative ({retries})")
    return retries
