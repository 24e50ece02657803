"""What a container runs, and the signals that end it."""

from __future__ import annotations

import signal

from ...images.config import DEFAULT_PATH, RunConfig
from ...images.image import Image


def signal_number(name: str) -> int | None:
    """The number of a signal given by number or name; `None` when there is none such."""
    if name.isdigit():
        return int(name) if 0 < int(name) < 65 else None
    try:
        return int(signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"])
    except KeyError:
        return None


def merged(config: RunConfig, image: Image | None) -> RunConfig:
    """What a container runs: as asked for, completed by its image."""
    result = merged_config(config, (image.run_config() if image else None) or RunConfig())
    if not any(pair.partition("=")[0] == "PATH" for pair in result.env or []):
        result.env = [*(result.env or []), DEFAULT_PATH]
    return result


def merged_config(config: RunConfig, base: RunConfig) -> RunConfig:
    """A configuration completed by another."""
    result = config.copy()
    result.user = result.user or base.user
    result.exposed_ports = {**(base.exposed_ports or {}), **(result.exposed_ports or {})} or None
    given = {pair.partition("=")[0] for pair in result.env or []}
    inherited = [p for p in base.env or [] if p.partition("=")[0] not in given]
    result.env = [*(result.env or []), *inherited]
    result.labels = {**(base.labels or {}), **(result.labels or {})}
    if not result.entrypoint:
        # An empty entrypoint takes that of the image away, and leaves the command.
        result.cmd = result.cmd or base.cmd
        if result.entrypoint is None:
            result.entrypoint = base.entrypoint
    elif result.entrypoint == [""]:
        result.entrypoint = None
    result.working_dir = result.working_dir or base.working_dir
    result.volumes = {**(base.volumes or {}), **(result.volumes or {})} or None
    result.stop_signal = result.stop_signal or base.stop_signal
    if base.healthcheck is not None:
        given_health = result.healthcheck or {}
        result.healthcheck = {
            key: given_health.get(key) or base.healthcheck[key]
            for key in _HEALTH_KEYS
            if given_health.get(key) or base.healthcheck.get(key)
        }
    return result


_HEALTH_KEYS = ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


def complete_for_container(config: RunConfig, image: Image) -> None:
    """What making a build step's container adds to the step's configuration.

    The health check is completed in place: the engine's builder shares it
    between the container and the image, so the image has it too.
    """
    if config.labels is None:
        config.labels = {}
    base = image.run_config()
    if config.healthcheck is None or base is None or base.healthcheck is None:
        return
    completed = {
        key: config.healthcheck.get(key) or base.healthcheck[key]
        for key in _HEALTH_KEYS
        if config.healthcheck.get(key) or base.healthcheck.get(key)
    }
    config.healthcheck.clear()
    config.healthcheck.update(completed)
