"""The JSON lines of an earlier build, heard once more."""

from __future__ import annotations

import json
from collections.abc import Iterable

from imagebuilders.event_records import event_of
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.report.model import BuildReport, ReportedLayer
from imagebuilders.report.recorder import ReportRecorder


def read_json_lines(
    lines: Iterable[str],
    dockerfile: bytes | None = None,
    *,
    layers: tuple[ReportedLayer, ...] = (),
    masked: Iterable[str] = (),
) -> list[BuildReport]:
    """Return what is told of each build that `imagebuilders build --json` wrote.

    Args:
        lines: what it wrote; what is no event of this package does not matter.
        dockerfile: what was in the Dockerfile.
        layers: those of the image.
        masked: values that are not to be shown.

    Raises:
        ImageFormatError: there is no event of a build in it.
    """
    recorder = ReportRecorder(dockerfile, masked=masked)
    errors: dict[str, str] = {}
    is_empty = True
    for line in lines:
        record = _record(line)
        if record.get("event") == "error":
            errors[str(record.get("build") or "")] = str(record.get("message"))
        heard = event_of(record)
        if heard is not None:
            is_empty = False
            recorder.hear(*heard)
    if is_empty:
        raise ImageFormatError(
            "There are no events of a build in it: give what `imagebuilders build --json` wrote."
        )
    reports = recorder.reports(layers=layers, error=errors.pop("", ""))
    for name, error in errors.items():
        reports = [
            next(each for each in recorder.reports(error=error, build=name) if each.build == name)
            if report.build == name
            else report
            for report in reports
        ]
    return reports


def _record(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
