"""The folders that builds write to: whether they can, and whether there is room."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.user_folders import CACHE_FOLDER_VARIABLE, own_cache_folder

FULL_BYTES = 256 * 1024**2
"""With less room than this hardly any build ends well."""
LOW_BYTES = 2 * 1024**3
"""With less room than this a build may fail."""

_MEGABYTE = 10**6


def look_at_folders() -> Iterator[Finding]:
    """Tell whether what is remembered can be kept, and whether there is room for archives."""
    cache = own_cache_folder()
    if cache is None:
        yield Finding(
            Area.FOLDERS,
            Severity.NOTE,
            "There is no home folder, so nothing is remembered between runs.",
            "Name a folder that stays.",
            f"export {CACHE_FOLDER_VARIABLE}=/var/cache/imagebuilders",
        )
    else:
        yield _writable(cache, "what is remembered between runs")
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:
        yield Finding(
            Area.FOLDERS,
            Severity.ERROR,
            "No folder for temporary files can be written to.",
            "Make room in it, or name another.",
            "export TMPDIR=/var/tmp",
        )
        return
    yield space_finding(temporary, "temporary files are made") or Finding(
        Area.FOLDERS, Severity.FINE, f"There is room for temporary files in {temporary}."
    )


def _writable(folder: Path, what: str) -> Finding:
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            Area.FOLDERS,
            Severity.WARNING,
            f"{folder} cannot be written to: {what} is lost, and each build reads all files anew.",
            "Let your user write there, or name another folder.",
            f"sudo chown -R $USER {shlex.quote(str(nearest))}",
        )
    return space_finding(nearest, f"{what} is kept") or Finding(
        Area.FOLDERS, Severity.FINE, f"{folder} takes {what}."
    )


def space_finding(folder: str | Path, purpose: str) -> Finding | None:
    """Return what is wrong with the room in a folder; `None` when there is enough, or no folder.

    Args:
        folder: the folder.
        purpose: what happens there, as in `temporary files are made`.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # of another machine, or not ours to see
        return None
    if free >= LOW_BYTES:
        return None
    severity = Severity.ERROR if free < FULL_BYTES else Severity.WARNING
    return Finding(
        Area.FOLDERS,
        severity,
        f"{free // _MEGABYTE} MB are free in {folder}, where {purpose}.",
        "Make room there.",
        f"du -xh --max-depth=2 {shlex.quote(str(folder))} | sort -h | tail",
    )
