"""`imagebuilders push`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import click

from imagebuilders.cli import output
from imagebuilders.cli.named_registries import registries_of
from imagebuilders.cli.progress import Display, chosen_display, progress


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--progress", "progress_type", metavar="TYPE", default="", help="auto, plain, …")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest alone, without progress.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
def push(names: Sequence[str], progress_type: str, quiet: bool, as_json: bool) -> int:
    """Push images that the Docker Engine has.

    They go to the container registry of the active stack or, if it has none, to the one that
    NAME begins with. The digest, as in localhost:5000/app@sha256:…, is printed.

    \b
    Examples:
      imagebuilders push localhost:5000/shop:1.4
      imagebuilders push ghcr.io/me/shop:1.4 ghcr.io/me/shop:latest
      imagebuilders push localhost:5000/shop:1.4 --quiet
    """
    from imagebuilders.stack import Client

    display = chosen_display(progress_type, quiet=quiet, as_json=as_json)
    stack = Client().active_stack
    names = list(dict.fromkeys(names))
    with ExitStack() as opened:
        # All registries first: a name that belongs to none is told before anything is pushed.
        registries = registries_of(stack, names, opened, asked_by="push")
        with progress(display):
            pushed = {name: registry.push_image(name) for name, registry in registries.items()}
    for name, reference in pushed.items():
        _show(name, reference, display)
    return 0


def _show(name: str, reference: str, display: Display) -> None:
    digest = reference.partition("@")[2]
    if display is Display.JSON:
        record = {"event": "result", "image": name, "reference": reference, "digest": digest}
        output.write_json(sys.stdout, record)
    else:
        output.result(reference)
