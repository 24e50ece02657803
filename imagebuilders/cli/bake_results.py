"""What `imagebuilders bake` tells of its results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagebuilders.cli import failures, output
from imagebuilders.cli.progress import Display

if TYPE_CHECKING:
    from imagebuilders.bake import TargetBuild
    from imagebuilders.many_builds import BuildResult


def show_results(
    builds: Sequence[TargetBuild], results: Sequence[BuildResult], display: Display
) -> int:
    """Show what became of each target; return the exit code."""
    code = 0
    for build, result in zip(builds, results, strict=True):
        if result.error is not None:
            code = code or failures.exit_code(result.error)
            _show_error(build.name, result.error, display)
        elif not build.is_linked:
            _show_result(build, result, display)
    return code


def _show_result(build: TargetBuild, result: BuildResult, display: Display) -> None:
    reference = result.reference if result.reference and "@" in result.reference else None
    if display is Display.JSON:
        record = {
            "event": "result",
            "build": build.name,
            "images": list(build.image_names),
            "image_id": result.image_id,
            "reference": reference,
            "digest": reference.partition("@")[2] if reference else None,
        }
        output.write_json(sys.stdout, record)
    elif display is Display.QUIET:
        output.result(reference or result.image_id or build.name)
    elif result.image_id is None and reference is None:
        output.result(build.name)  # it keeps no image
    else:
        for name in [reference] if reference else build.image_names:
            output.result(name)


def _show_error(name: str, error: Exception, display: Display) -> None:
    if display is Display.JSON:
        output.write_json(sys.stdout, {**failures.error_record(error), "build": name})
        return
    if not failures.is_expected(error):
        output.write_line(sys.stderr, failures.traceback_of(error))
    output.error_message(f"{name}: {failures.message(error)}")
