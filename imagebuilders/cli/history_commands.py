"""`imagebuilders history`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.columns import columns
from imagebuilders.cli.daemons import builder_option, heading, open_daemons
from imagebuilders.humanize import age, duration
from imagebuilders.sanitize import printable, printable_lines

if TYPE_CHECKING:
    from imagebuilders.buildkit.build_records import BuildRecord
    from imagebuilders.buildkit.engine_client import OpenDaemon

_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, one object per line."
)
_build_argument = click.argument("build", metavar="[BUILD]", default="")


_limit_option = click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(min=1), help="Show the newest N builds."
)


@click.group(invoke_without_command=True)
@_limit_option
@builder_option
@_json_option
@click.pass_context
def history(ctx: click.Context, limit: int | None, builder: str | None, as_json: bool) -> None:
    """Show the builds that the active stack's daemon remembers, the newest first.

    In the commands below, BUILD is so much of a build's ID that no other begins with it, or ^1 for
    the last build but one, ^2 and so on; the last one by default.

    \b
    Examples:
      imagebuilders history
      imagebuilders history logs ^1
      imagebuilders history --builder buildkit --json
    """
    if ctx.invoked_subcommand is None:
        _list(limit, builder, as_json=as_json)
    elif limit or builder or as_json:
        raise click.UsageError(f"Options go behind `{ctx.invoked_subcommand}`.")


@history.command("ls", short_help="Show the builds, as `history` alone does.")
@_limit_option
@builder_option
@_json_option
def list_builds(limit: int | None, builder: str | None, as_json: bool) -> None:
    """Show the builds that the daemon remembers, the newest first, as `history` alone does.

    \b
    Examples:
      imagebuilders history ls
      imagebuilders history ls -n 5
      imagebuilders history ls --builder buildkit --json
    """
    _list(limit, builder, as_json=as_json)


def _list(limit: int | None, builder: str | None, *, as_json: bool) -> None:
    from imagebuilders.buildkit.history import build_history

    with open_daemons(builder) as daemons:
        for daemon in daemons:
            records = build_history(daemon)[:limit]
            if as_json:
                for record in records:
                    _write(daemon, record)
                continue
            heading(daemon, daemons)
            for line in _table(records) if records else ["There are no builds."]:
                output.result(line)


@history.command(short_help="Show one build, and why it failed.")
@_build_argument
@builder_option
@_json_option
def inspect(build: str, builder: str | None, as_json: bool) -> None:
    """Show one build: what it was told, what it came to, and why it failed if it did.

    \b
    Examples:
      imagebuilders history inspect
      imagebuilders history inspect ^1
      imagebuilders history inspect 7148baec --json
    """
    from imagebuilders.buildkit.history import failure_of

    with open_daemons(builder) as daemons:
        daemon, record = _find(daemons, build)
        failure = failure_of(daemon, record.ref)
    if as_json:
        _write(daemon, record, failure=None if failure is None else str(failure))
        return
    for line in _details(daemon, record):
        output.result(line)
    if failure is not None:
        output.result(f"\n{printable_lines(str(failure))}")


@history.command(short_help="Show again what a build told.")
@_build_argument
@builder_option
@_json_option
def logs(build: str, builder: str | None, as_json: bool) -> None:
    """Show the progress of a build again; of one that runs, until it ends.

    \b
    Examples:
      imagebuilders history logs
      imagebuilders history logs ^1
      imagebuilders history logs 7148baec --json
    """
    from imagebuilders.buildkit.history import replay_build
    from imagebuilders.cli.progress_json import JsonProgress
    from imagebuilders.cli.progress_plain import PlainProgress

    listener = JsonProgress(sys.stdout) if as_json else PlainProgress(sys.stdout)
    with open_daemons(builder) as daemons:
        daemon, record = _find(daemons, build)
        replay_build(daemon, record.ref, listener)


@history.command("rm", short_help="Have the daemon forget builds.")
@click.argument("builds", metavar="BUILD...", nargs=-1)
@click.option("-a", "--all", "remove_all", is_flag=True, help="Forget all builds.")
@builder_option
def remove(builds: Sequence[str], remove_all: bool, builder: str | None) -> None:
    """Have the daemon forget builds. What they made is not touched.

    \b
    Examples:
      imagebuilders history rm 7148baec
      imagebuilders history rm ^1 ^2
      imagebuilders history rm --all
    """
    if bool(builds) == remove_all:
        raise click.UsageError("Name the builds to forget, or give --all.")
    from imagebuilders.buildkit.build_records import BuildState
    from imagebuilders.buildkit.history import build_history, delete_build

    with open_daemons(builder) as daemons:
        if remove_all:
            found = [
                (daemon, record)
                for daemon in daemons
                for record in build_history(daemon)
                if record.state is not BuildState.RUNNING
            ]
        else:  # all are looked up first: `^1` is another one once a build is gone
            found = [_find(daemons, build) for build in builds]
        for daemon, record in found:
            delete_build(daemon, record.ref)
            output.result(printable(record.ref))


def _find(daemons: Sequence[OpenDaemon], build: str) -> tuple[OpenDaemon, BuildRecord]:
    """Return a build, and the daemon that remembers it; of several, the newest build.

    Raises:
        BuildKitError: none does.
    """
    from imagebuilders.buildkit.history import find_build
    from imagebuilders.exceptions import BuildKitError

    found: list[tuple[OpenDaemon, BuildRecord]] = []
    problem: BuildKitError | None = None
    for daemon in daemons:
        try:
            found.append((daemon, find_build(daemon, build)))
        except BuildKitError as error:  # noqa: PERF203  (few daemons, and slow ones)
            problem = error
    if not found and problem is not None:
        raise problem
    return max(found, key=lambda pair: pair[1].created_at or _BEGINNING)


_BEGINNING = datetime.min.replace(tzinfo=timezone.utc)


def _table(records: Sequence[BuildRecord]) -> list[str]:
    now = datetime.now(timezone.utc)
    header = ("BUILD", "IMAGE", "STATE", "BEGAN", "TOOK", "STEPS")
    rows = [
        (
            printable(record.ref),
            printable(record.image_names[0]) if record.image_names else "-",
            record.state.value,
            f"{_ago(record.created_at, now)} ago" if record.created_at else "-",
            _took(record),
            _steps(record),
        )
        for record in records
    ]
    return columns([header, *rows])


def _details(daemon: OpenDaemon, record: BuildRecord) -> list[str]:
    rows = [
        ("build", record.ref),
        ("daemon", daemon.name),
        ("image", ", ".join(record.image_names)),
        ("digest", record.digest),
        ("state", record.state.value + (", pinned" if record.is_pinned else "")),
        (
            "began",
            "" if record.created_at is None else f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        ),
        ("took", _took(record)),
        ("steps", _steps(record)),
        ("warnings", str(record.warnings or "")),
        ("frontend", record.frontend),
    ]
    told = [f"  {name}={value}" for name, value in sorted(record.attributes.items())]
    return [
        *columns([(name, printable(value)) for name, value in rows if value]),
        *map(printable, ["told", *told] if told else []),
    ]


def _ago(moment: datetime, now: datetime) -> str:
    return age((now - moment).total_seconds())


def _took(record: BuildRecord) -> str:
    took = record.duration
    return "-" if took is None else duration(max(0.0, took.total_seconds()))


def _steps(record: BuildRecord) -> str:
    cached = f", {record.cached_steps} cached" if record.cached_steps else ""
    return f"{record.completed_steps}/{record.steps}{cached}"


def _write(daemon: OpenDaemon, record: BuildRecord, **more: object) -> None:
    took = record.duration
    output.write_json(
        sys.stdout,
        {
            "event": "build_record",
            "daemon": daemon.name,
            "build": record.ref,
            "state": record.state.value,
            "images": list(record.image_names),
            "digest": record.digest or None,
            "began": record.created_at and record.created_at.isoformat(),
            "ended": record.completed_at and record.completed_at.isoformat(),
            "seconds": None if took is None else took.total_seconds(),
            "steps": record.steps,
            "cached_steps": record.cached_steps,
            "completed_steps": record.completed_steps,
            "warnings": record.warnings,
            "error": record.error or None,
            "pinned": record.is_pinned,
            "frontend": record.frontend,
            "attributes": dict(record.attributes),
            **more,
        },
    )
