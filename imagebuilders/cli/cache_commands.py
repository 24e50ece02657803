"""`imagebuilders cache`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import click

from imagebuilders.cli import output
from imagebuilders.cli.columns import columns
from imagebuilders.cli.daemons import builder_option, heading, open_daemons
from imagebuilders.cli.local_cache import age_alone, prune_local, show_local
from imagebuilders.humanize import age, counted, size
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.buildkit.build_cache import CacheRecord
    from imagebuilders.buildkit.cache_filters import CacheFilters
    from imagebuilders.buildkit.engine_client import OpenDaemon

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SHOWN = 10
_SHOWN_CHARS = 60

_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, one object per line."
)
_filter_option = click.option(
    "--filter",
    "filters",
    metavar="FILTER",
    multiple=True,
    help="Only what fits, as in type=exec.cachemount, description~=COPY, inuse, or until=24h: not "
    "used for so long. Repeated: what fits all.",
)
_local_option = click.option(
    "--local",
    "is_local",
    is_flag=True,
    help="What this command remembers on this machine, in place of the daemon's.",
)


def _read_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from imagebuilders.build_options.parsing import parse_size

    try:
        return None if value is None else parse_size(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def _size_option(name: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(name, metavar="SIZE", callback=_read_size, help=text)


@click.group(invoke_without_command=True)
@click.pass_context
def cache(ctx: click.Context) -> None:
    """Look at what earlier builds left for later ones, and remove it.

    \b
    Examples:
      imagebuilders cache du
      imagebuilders cache prune --filter until=72h
      imagebuilders cache prune --local
    """
    output.help_without_command(ctx)


@cache.command("du", short_help="Show what the build cache takes.")
@_filter_option
@click.option("-a", "--all", "show_all", is_flag=True, help="Show everything that is kept.")
@builder_option
@_local_option
@_json_option
def disk_usage(
    filters: Sequence[str], show_all: bool, builder: str | None, is_local: bool, as_json: bool
) -> None:
    """Show what the build cache of the active stack's daemon takes, the largest first.

    Without --all the ten largest records are shown, and the sums.

    \b
    Examples:
      imagebuilders cache du
      imagebuilders cache du --all --filter type=exec.cachemount
      imagebuilders cache du --local --json
    """
    from imagebuilders.buildkit.cache_filters import parse_cache_filters

    meant = parse_cache_filters(filters)
    if is_local:
        show_local(meant, as_json=as_json, show_all=show_all)
        return
    from imagebuilders.buildkit.build_cache import DiskUsage, disk_usage

    with open_daemons(builder) as daemons:
        for daemon in daemons:
            found = disk_usage(daemon, meant.filters).records
            usage = DiskUsage(tuple(record for record in found if _is_meant(record, meant)))
            shown = usage.records if show_all or as_json else usage.records[:_SHOWN]
            if as_json:
                for record in shown:
                    _write("cache_record", daemon, record)
                _write_sum("disk_usage", daemon, usage.records, reclaimable=usage.reclaimable)
                continue
            heading(daemon, daemons)
            for line in _table(shown, show_all=show_all):
                output.result(line)
            if len(shown) < len(usage.records):
                output.result(f"… and {len(usage.records) - len(shown)} smaller ones (--all).")
            output.result(
                f"In all: {size(usage.total)} in {counted(len(usage.records), 'record')}; "
                f"images share {size(usage.shared)}; {size(usage.reclaimable)} can be removed."
            )


@cache.command(short_help="Remove the build cache.")
@_filter_option
@click.option(
    *("-a", "--all", "include_internal"),
    is_flag=True,
    help="Also what the daemon keeps for itself, such as frontends.",
)
@click.option("-f", "--force", is_flag=True, help="Do not ask first.")
@_size_option("--reserved-space", "So much may always stay.")
@_size_option("--max-used-space", "So much may stay at most.")
@_size_option("--min-free-space", "So much of the disk is to be free.")
@builder_option
@_local_option
@_json_option
def prune(
    filters: Sequence[str],
    include_internal: bool,
    force: bool,
    reserved_space: int | None,
    max_used_space: int | None,
    min_free_space: int | None,
    builder: str | None,
    is_local: bool,
    as_json: bool,
) -> None:
    """Remove the build cache of the active stack's daemon. What is in use stays.

    \b
    Examples:
      imagebuilders cache prune --filter until=72h
      imagebuilders cache prune --all --force
      imagebuilders cache prune --local --force
    """
    from imagebuilders.buildkit.cache_filters import parse_cache_filters

    meant = parse_cache_filters(filters)
    limits = (reserved_space, max_used_space, min_free_space)
    if is_local:
        if include_internal or any(limit is not None for limit in limits):
            raise click.UsageError("--local goes with --filter until=, --force and --json alone.")
        keep_duration = age_alone(meant)
        _confirm("Forget what is remembered on this machine", force=force)
        prune_local(keep_duration, as_json=as_json)
        return
    from imagebuilders.buildkit import build_cache as daemon_cache

    with open_daemons(builder) as daemons:
        names = ", ".join(daemon.name for daemon in daemons)
        _confirm(f"Remove the build cache of {names}", force=force)
        for daemon in daemons:
            removed = []
            if not as_json:
                heading(daemon, daemons)
            for record in daemon_cache.prune(
                daemon,
                filters=meant.filters,
                include_internal=include_internal,
                keep_duration=meant.unused_for,
                reserved_space=reserved_space or 0,
                max_used_space=max_used_space or 0,
                min_free_space=min_free_space or 0,
            ):
                removed.append(record)
                if as_json:
                    _write("cache_removed", daemon, record)
            if as_json:
                _write_sum("pruned", daemon, removed)
            else:
                total = size(sum(record.size for record in removed))
                output.result(f"Removed {counted(len(removed), 'record')}, {total}.")


def is_terminal() -> bool:
    """Tell whether there is somebody who can be asked."""
    return sys.stdin.isatty()


# --- output ------------------------------------------------------------------


def _confirm(question: str, *, force: bool) -> None:
    """Ask before something is removed.

    Raises:
        click.UsageError: there is nobody to ask.
        click.Abort: the answer is no.
    """
    if force:
        return
    if not is_terminal():
        raise click.UsageError(f"{question}? Nobody can be asked here: give --force.")
    click.confirm(f"{question}?", abort=True, err=True)


def _is_meant(record: CacheRecord, meant: CacheFilters) -> bool:
    used = record.last_used_at or record.created_at
    if meant.unused_for is None or used is None:
        return True
    return datetime.now(timezone.utc) - used > meant.unused_for


def _table(records: Sequence[CacheRecord], *, show_all: bool) -> list[str]:
    if not records:
        return []
    now = datetime.now(timezone.utc)
    rows = [
        (
            size(record.size),
            printable(record.type) or "-",
            f"{age((now - record.last_used_at).total_seconds())} ago"
            if record.last_used_at
            else "never",
            "in use" if record.is_in_use else "shared" if record.is_shared else "",
            printable(record.id)[:12],
            _shortened(printable(record.description), show_all=show_all),
        )
        for record in records
    ]
    header = ("SIZE", "TYPE", "LAST USED", "", "ID", "MADE BY")
    return columns([header, *rows], right=(0,))


def _shortened(text: str, *, show_all: bool) -> str:
    return text if show_all or len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"


def _write(event: str, daemon: OpenDaemon, record: CacheRecord) -> None:
    output.write_json(
        sys.stdout,
        {
            "event": event,
            "daemon": daemon.name,
            "id": record.id,
            "type": record.type or None,
            "size": record.size,
            "description": record.description,
            "parents": list(record.parents),
            "created": record.created_at and record.created_at.isoformat(),
            "last_used": record.last_used_at and record.last_used_at.isoformat(),
            "usage_count": record.usage_count,
            "in_use": record.is_in_use,
            "mutable": record.is_mutable,
            "shared": record.is_shared,
        },
    )


def _write_sum(
    event: str, daemon: OpenDaemon, records: Sequence[CacheRecord], **more: object
) -> None:
    total = sum(record.size for record in records)
    output.write_json(
        sys.stdout,
        {"event": event, "daemon": daemon.name, "records": len(records), "size": total, **more},
    )
