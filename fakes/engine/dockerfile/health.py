"""HEALTHCHECK in the form of the configuration."""

from __future__ import annotations

from typing import Any

from imagebuilders.dockerfile import HealthCheck, Instruction, read_health_check

from ..errors import DockerfileError
from .dialect import Dialect


def health_config(instruction: Instruction, dialect: Dialect) -> dict[str, Any]:
    """What a HEALTHCHECK puts into the configuration.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    try:
        health = read_health_check(instruction, dialect.grammar)
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
