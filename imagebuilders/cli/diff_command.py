"""`imagebuilders diff`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from imagebuilders import humanize
from imagebuilders.cli import output
from imagebuilders.sanitize import output_line, printable

if TYPE_CHECKING:
    from imagebuilders.inspection import ConfigDifference, FileDifference, ImageDifference

DIFFERENT = 3
"""The exit code of `--exit-code`: 1 says that something failed."""

_MARKS = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--platform", metavar="PLATFORM", help="Which of several platforms.")
@click.option("--text", is_flag=True, help="Show the changed lines of text files.")
@click.option("--exit-code", is_flag=True, help=f"End with {DIFFERENT} if there is a difference.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
@click.pass_context
def diff(
    ctx: click.Context,
    first: str,
    second: str,
    platform: str | None,
    text: bool,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Show what differs between two images: their files, and what containers run with.

    Images are spelled as for `imagebuilders inspect`. Times of files do not count.

    \b
    Examples:
      imagebuilders diff app:1.3 app:1.4
      imagebuilders diff docker://ghcr.io/team/app:1.4 app:1.4 --text
      imagebuilders diff before.tar after.tar --exit-code
    """
    from imagebuilders.inspection import compare_images, open_image
    from imagebuilders.oci.platform import Platform

    wanted = None if platform is None else Platform.parse(platform)
    with open_image(first) as one, open_image(second) as two:
        found = compare_images(one, two, wanted, with_text=text)
    for line in _records(found) if as_json else _lines(found):
        output.result(line)
    ctx.exit(DIFFERENT if exit_code and found else 0)


def _records(found: ImageDifference) -> Iterator[str]:
    for file in found.files:
        yield json.dumps({"event": "file_difference", **asdict(file)}, default=str)
    for field in found.config:
        yield json.dumps({"event": "config_difference", **asdict(field)}, default=str)
    yield json.dumps(
        {
            "event": "difference",
            "files": len(found.files),
            "fields": len(found.config),
            "same_layers": found.same_layers,
        }
    )


def _lines(found: ImageDifference) -> Iterator[str]:
    if not found:
        yield "The images have the same files and the same configuration."
        return
    for field in found.config:
        yield from _config_lines(field)
    for file in found.files:
        yield _file_line(file)
        yield from (f"    {output_line(line)}" for line in file.text)


def _config_lines(field: ConfigDifference) -> Iterator[str]:
    one, two = _items(field.first), _items(field.second)
    yield f"~ {field.key}"
    yield from (f"    -{printable(item)}" for item in one if item not in two)
    yield from (f"    +{printable(item)}" for item in two if item not in one)
    if sorted(one) == sorted(two):
        yield f"    -{printable(' '.join(one))}"
        yield f"    +{printable(' '.join(two))}"


def _items(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(value, dict):
        return [
            f"{key}={each}" if isinstance(each, str) else str(key) for key, each in value.items()
        ]
    return [str(value)]


def _file_line(file: FileDifference) -> str:
    mark = _MARKS[file.change.value]
    if file.aspects:
        told = f" ({', '.join(file.aspects)})"
    else:
        size = next((size for size in file.size if size), 0)
        told = f" ({humanize.size(size)})" if size else ""
    return f"{mark} {printable(file.path)}{told}"
