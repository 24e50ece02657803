"""A build on the first of several daemons that answers and begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.build_errors import BuildNotBegunError
from imagebuilders.buildkit.daemon_features import DaemonFeatures
from imagebuilders.buildkit.engine_build import build_with_buildkit
from imagebuilders.buildkit.fleet import DaemonAwayError, Roll, in_order, none_answers
from imagebuilders.buildkit.platform_builds import normal_platform
from imagebuilders.cancellation import stopped_by
from imagebuilders.events import Event, Notice
from imagebuilders.exceptions import BuildError
from imagebuilders.sharing import lent

if TYPE_CHECKING:
    from imagebuilders.build_options.job import BuildJob, BuildProduct
    from imagebuilders.buildkit.daemon import Daemon
    from imagebuilders.buildkit.engine_client import OpenDaemon

HEALTH_SECONDS = 2.0
"""So long one of several daemons may take to say that it is there."""

ONLY_SECONDS = 10.0
"""So long the only one may: there is no other to go to."""


def health_seconds(daemons: Sequence[Daemon], setting: float | None) -> float:
    """Return the seconds that each daemon may take to say that it is there.

    Args:
        daemons: the daemons.
        setting: what the user says of it, if anything.
    """
    return setting or (HEALTH_SECONDS if len(daemons) > 1 else ONLY_SECONDS)


def build_with_fleet(
    daemons: Sequence[Daemon],
    key: str,
    make_job: Callable[[OpenDaemon], BuildJob],
    *,
    image_name: str,
    tell: Callable[[Event], None],
    platforms: Sequence[str] = (),
    health_timeout: float | None = None,
    start_timeout: float | None = None,
) -> BuildProduct:
    """Build on the first daemon that answers and begins, in the order of a key.

    All are asked at once whether they are there, for each build anew. A build that has not begun
    at its daemon goes to the next one; one that has begun does not. Of those that answer, daemons
    whose workers run the build's platforms go before the others, which may do for a Dockerfile
    that runs nothing.

    Args:
        daemons: the daemons.
        key: stands for what is built.
        make_job: returns the build for a daemon; called again for the next.
        image_name: the image's name, for errors.
        tell: what to do with events.
        platforms: what is built for; anything that a daemon runs by default.
        health_timeout: seconds that each daemon may take to say that it is there.
        start_timeout: seconds that a daemon may take to begin; without limit by default.

    Returns:
        What `build_with_buildkit` returns.

    Raises:
        BuildError: a step failed, the daemon went away while it built, or none answers.
        BuildOptionsError: the daemon cannot honour an option.
        BuildContextError: the context is at fault.
    """
    left = in_order(daemons, key)
    problems: list[tuple[Daemon, Exception]] = []
    told = 0
    seconds = health_seconds(left, health_timeout)
    while left:
        found = _first_that_answers(left, seconds, platforms, problems)
        if found is None:
            break
        daemon, opened = found
        gone = [daemon, *(each for each, _ in problems)]
        left = [each for each in left if each not in gone]
        with _lent(daemon, opened) as opened, stopped_by(opened.client.close):
            job = make_job(opened)
            for passed_over, problem in problems[told:]:
                tell(Notice(f"{passed_over.name} is passed over for {daemon.name}: {problem}."))
            told = len(problems)
            try:
                return build_with_buildkit(
                    opened.client, job, opened.features, start_timeout=start_timeout
                )
            except BuildNotBegunError as error:
                problems.append((daemon, DaemonAwayError(error.reason)))
    none = none_answers(problems)
    raise BuildError(f"{image_name} was not built. {none}") from none


@contextmanager
def _lent(daemon: Daemon, opened: OpenDaemon) -> Iterator[OpenDaemon]:
    """Lend a connection; builds that share have the first one to each daemon, while it lives."""
    with lent(("daemon", daemon.name), lambda: opened.client) as client:
        if client is opened.client:
            yield opened
        elif client.channel.is_alive:
            opened.client.close()
            yield replace(opened, client=client)
        else:
            with opened.client:
                yield opened


def _first_that_answers(
    daemons: Sequence[Daemon],
    seconds: float,
    platforms: Sequence[str],
    problems: list[tuple[Daemon, Exception]],
) -> tuple[Daemon, OpenDaemon] | None:
    """Return the first daemon that answers and runs the platforms, else the first that answers."""
    other: tuple[Daemon, OpenDaemon] | None = None
    with Roll(daemons, seconds) as roll, ExitStack() as closed:
        for daemon in daemons:
            answer = roll.take(daemon)
            if isinstance(answer, DaemonAwayError):
                problems.append((daemon, answer))
            elif _runs(answer, platforms):
                return daemon, answer
            elif other is None:
                other = daemon, answer
                closed.callback(answer.client.close)
            else:
                answer.client.close()
        closed.pop_all()
    return other


def _runs(opened: OpenDaemon, platforms: Sequence[str]) -> bool:
    known = {normal_platform(each) for each in known_platforms(opened)}
    return {normal_platform(each) for each in platforms} <= known


def known_platforms(opened: OpenDaemon) -> tuple[str, ...]:
    """Return what a daemon's workers say that they run."""
    features = opened.features
    return features.platforms if isinstance(features, DaemonFeatures) else ()
