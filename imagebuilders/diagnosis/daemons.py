"""The BuildKit that the stack's image builder builds with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from imagebuilders.base_image_builder import BaseImageBuilder
from imagebuilders.buildkit_image_builder import BuildKitImageBuilder
from imagebuilders.daemon_image_builder import DaemonImageBuilder
from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.exceptions import (
    EngineNotFoundError,
    ImageBuilderError,
    ImageFormatError,
)
from imagebuilders.local_image_builder import LocalImageBuilder
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from imagebuilders.buildkit.engine_client import OpenDaemon

_EMULATORS = "docker run --privileged --rm tonistiigi/binfmt --install all"
_COMMON = ("linux/amd64", "linux/arm64")


def look_at_daemons(builder: BaseImageBuilder | None, platform: str | None) -> Iterator[Finding]:
    """Tell which BuildKit there is, and which platforms it builds for.

    Args:
        builder: the stack's image builder.
        platform: a platform that has to be built for.
    """
    if not isinstance(builder, DaemonImageBuilder) or _is_classic(builder):
        return
    try:
        with builder.daemons() as daemons:
            found = [_described(daemon) for daemon in daemons]
            platforms = [_platforms(daemon) for daemon in daemons]
    except EngineNotFoundError:
        return  # which is told of the engine already
    except ImageBuilderError as error:
        yield _missing(builder, error)
        return
    for summary in found:
        yield Finding(Area.BUILDKIT, Severity.FINE, summary)
    yield from _platform_findings([one for each in platforms for one in each], platform)


def _is_classic(builder: BaseImageBuilder) -> bool:
    return isinstance(builder, LocalImageBuilder) and builder.config.builder == "classic"


def _missing(builder: BaseImageBuilder, error: ImageBuilderError) -> Finding:
    if isinstance(builder, BuildKitImageBuilder):
        return Finding(
            Area.BUILDKIT,
            Severity.ERROR,
            f"No BuildKit daemon can be built with. {error}",
            "Start the daemon, or correct the builder's addresses.",
            "imagebuilders stack show",
        )
    needed = isinstance(builder, LocalImageBuilder) and builder.config.builder == "buildkit"
    return Finding(
        Area.BUILDKIT,
        Severity.ERROR if needed else Severity.WARNING,
        f"The engine's BuildKit cannot be used. {error}"
        + ("" if needed else " Builds are classic ones: without secrets, caches and outputs."),
        "Use Docker Engine 23 or newer.",
        "docker version",
    )


def _described(daemon: OpenDaemon) -> str:
    if daemon.name.startswith("BuildKit"):  # a daemon of its own, whose name has the version
        return f"{daemon.name} builds for {', '.join(_platforms(daemon))}."
    versions = {worker.version for worker in daemon.client.workers() if worker.version}
    named = f" {', '.join(sorted(versions))}" if versions else ""
    return f"BuildKit{named} of {daemon.name} builds for {', '.join(_platforms(daemon))}."


def _platforms(daemon: OpenDaemon) -> list[str]:
    found = [platform for worker in daemon.client.workers() for platform in worker.platforms]
    return list(dict.fromkeys(found))


def _platform_findings(platforms: Sequence[str], wanted: str | None) -> Iterator[Finding]:
    missing = [one for one in (wanted.split(",") if wanted else _COMMON) if one]
    for one in missing:
        if _is_among(one, platforms):
            continue
        severity = Severity.NOTE if wanted is None else Severity.ERROR
        yield Finding(
            Area.BUILDKIT,
            severity,
            f"A step for {one} cannot run: no daemon has such a processor, or an emulator of it.",
            "Install QEMU's emulators where the daemon runs, or build on a machine of that kind.",
            _EMULATORS,
        )


def _is_among(wanted: str, platforms: Sequence[str]) -> bool:
    try:
        asked = Platform.parse(wanted)
        return any(Platform.parse(one) == asked for one in platforms)
    except ImageFormatError:
        return wanted in platforms
