"""What is remembered on this machine, for `imagebuilders cache --local`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.columns import columns
from imagebuilders.humanize import age, counted, size
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from datetime import timedelta

    from imagebuilders.buildkit.cache_filters import CacheFilters
    from imagebuilders.local_cache import CachedFile


def show_local(meant: CacheFilters, *, as_json: bool, show_all: bool) -> None:
    """Show what is remembered on this machine."""
    from imagebuilders.local_cache import KINDS, local_cache

    unused_for = age_alone(meant)
    now = datetime.now(timezone.utc)
    files = [
        file for file in local_cache() if unused_for is None or now - file.last_used_at > unused_for
    ]
    if as_json:
        _write_files("cache_file", "local_disk_usage", files)
        return
    if show_all and files:
        rows = [
            (size(file.size), f"{age((now - file.last_used_at).total_seconds())} ago",
             printable(str(file.path)))
            for file in files
        ]  # fmt: skip
        for line in columns([("SIZE", "LAST USED", "FILE"), *rows], right=(0,)):
            output.result(line)
    counts = Counter(file.kind for file in files)
    for kind, count in sorted(counts.items()):
        total = sum(file.size for file in files if file.kind == kind)
        output.result(f"{size(total):>9}  {KINDS[kind]} ({counted(count, 'file')})")
    output.result(f"{size(sum(file.size for file in files)):>9}  in all")


def prune_local(keep_duration: timedelta | None, *, as_json: bool) -> None:
    """Forget what is remembered on this machine."""
    from imagebuilders.local_cache import prune_local_cache

    try:
        removed = prune_local_cache(keep_duration)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename} cannot be removed: {error.strerror or error}."
        ) from error
    if as_json:
        _write_files("cache_removed", "local_pruned", removed)
        return
    total = size(sum(file.size for file in removed))
    output.result(f"Removed {counted(len(removed), 'file')}, {total}.")


def age_alone(meant: CacheFilters) -> timedelta | None:
    """Return the one filter that there is here.

    Raises:
        click.UsageError: there is another one.
    """
    if meant.filters:
        raise click.UsageError("--local knows one filter: until=, as in --filter until=24h.")
    return meant.unused_for


def _write_files(event: str, sum_event: str, files: Sequence[CachedFile]) -> None:
    for file in files:
        output.write_json(
            sys.stdout,
            {
                "event": event,
                "path": str(file.path),
                "kind": file.kind,
                "size": file.size,
                "last_used": file.last_used_at.isoformat(),
            },
        )
    total = sum(file.size for file in files)
    output.write_json(sys.stdout, {"event": sum_event, "files": len(files), "size": total})
