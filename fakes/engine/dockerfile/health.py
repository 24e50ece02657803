"""HEALTHCHECK in the form of the configuration, and by the rules of 20.10."""

from __future__ import annotations

import re
from typing import Any

from imagebuilders.dockerfile import HealthCheck, Instruction, read_health_check
from imagebuilders.go_text import parse_duration, quote

from ..errors import DockerfileError
from .dialect import Dialect

_FEW_RETRIES = re.compile(r"[+-]?0{1,9}|-[0-9]{1,9}")
_MILLISECOND = 1_000_000
_DURATIONS = ("interval", "timeout", "start-period")


def health_config(instruction: Instruction, dialect: Dialect) -> dict[str, Any]:
    """What a HEALTHCHECK puts into the configuration.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    if dialect.version < "23.0":
        _check_by_old_rules(instruction)
    try:
        health = read_health_check(instruction)
    except ValueError as error:
        raise DockerfileError(str(error)) from None
    return _as_configured(health)


def _as_configured(health: HealthCheck) -> dict[str, Any]:
    times = {
        "Interval": health.interval,
        "Timeout": health.timeout,
        "StartPeriod": health.start_period,
        "StartInterval": health.start_interval,
        "Retries": health.retries,
    }
    return {"Test": list(health.test), **{key: value for key, value in times.items() if value}}


def _check_by_old_rules(instruction: Instruction) -> None:
    """Refuse a zero, which newer engines take for the default."""
    kind, *command = instruction.arguments
    if kind.upper() != "CMD" or not command:
        return
    for name in _DURATIONS:
        if text := instruction.flag(name):
            try:
                value = parse_duration(text)
            except ValueError as error:
                raise DockerfileError(str(error)) from None
            if value < _MILLISECOND:
                raise DockerfileError(f"Interval {quote(name)} cannot be less than 1ms")
    retries = instruction.flag("retries") or ""
    if _FEW_RETRIES.fullmatch(retries):
        raise DockerfileError(f"--retries must be at least 1 (not {int(retries)})")
