"""`imagebuilders report`."""

from __future__ import annotations

from typing import TextIO

import click

from imagebuilders.cli import output
from imagebuilders.control_files import read_control_file


@click.command()
@click.argument(
    "lines", metavar="[LINES]", default="-", type=click.File(encoding="utf-8", errors="replace")
)
@click.option(
    "-o",
    "--output",
    "destination",
    metavar="FILE",
    default="-",
    help="Where to write the page; standard output by default.",
)
@click.option(
    "-f",
    "--file",
    "dockerfile",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The Dockerfile, to show the lines of each step.",
)
@click.option("--image", metavar="IMAGE", help="Show its layers; spelled as for inspect.")
@click.option(
    "--mask",
    "masked",
    metavar="TEXT",
    multiple=True,
    help="Do not show this text, such as a build argument's value. May be repeated.",
)
def report(
    lines: TextIO,
    destination: str,
    dockerfile: str | None,
    image: str | None,
    masked: tuple[str, ...],
) -> None:
    """Write the page of an earlier build, from the JSON lines that it wrote.

    LINES is what `imagebuilders build --json` wrote, or standard input. The page is one HTML
    file that needs nothing else: the timeline of the steps, what was cached and why not, what
    was sent, the layers, each step's log beside its lines of the Dockerfile.

    \b
    Examples:
      imagebuilders report build.jsonl -o build.html
      imagebuilders report build.jsonl -f app/Dockerfile --image shop:1.4 -o build.html
      imagebuilders build app --json | imagebuilders report -o build.html
    """
    from imagebuilders.report import image_layers, read_json_lines, render_page

    content = None if dockerfile is None else read_control_file(dockerfile).content
    layers = () if image is None else image_layers(image)
    reports = read_json_lines(lines, content, layers=layers, masked=masked)
    output.write_pieces(destination, [render_page(reports).encode("utf-8", "backslashreplace")])
