"""Which daemons run which platforms by themselves, as their workers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.fleet import DaemonAwayError, Roll
from imagebuilders.buildkit.fleet_build import health_seconds, known_platforms
from imagebuilders.buildkit.platform_builds import (
    PlatformGroup,
    group_platforms,
    is_only_pushed,
)

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit.daemon import Daemon


def split_by_workers(group: PlatformGroup, health_timeout: float | None) -> list[PlatformGroup]:
    """Return the groups that a group falls into, when its daemons run different platforms.

    Daemons that were named for platforms are taken at their user's word. Where all run the same,
    or none says what it runs, the group stays as it is.

    Args:
        group: the group.
        health_timeout: seconds that each daemon may take to answer, if the user says so.
    """
    is_chosen = any(daemon.platforms for daemon in group.daemons)
    if is_chosen or len(group.platforms) < 2 or len(group.daemons) < 2:
        return [group]
    told = []
    with Roll(group.daemons, health_seconds(group.daemons, health_timeout)) as roll:
        for daemon in group.daemons:
            answer = roll.take(daemon)
            if not isinstance(answer, DaemonAwayError):
                answer.client.close()
                told.append(replace(daemon, platforms=known_platforms(answer)))
    groups = group_platforms(told, group.platforms) if told else []
    return groups if len(groups) > 1 else [group]


def choose_groups(
    daemons: Sequence[Daemon],
    platforms: Sequence[str],
    options: DockerBuildOptions,
    *,
    is_pushed: bool,
    health_timeout: float | None,
) -> list[PlatformGroup]:
    """Return which daemons build which platforms: those that were named for one, or run it.

    Args:
        daemons: the daemons.
        platforms: the platforms of the build.
        options: the options of the build.
        is_pushed: whether the image is to be pushed; what is not can only come of one daemon.
        health_timeout: seconds that each daemon may take to answer, if the user says so.
    """
    groups = group_platforms(daemons, platforms)
    if not is_only_pushed(options, is_pushed=is_pushed):
        return groups
    return [part for group in groups for part in split_by_workers(group, health_timeout)]
