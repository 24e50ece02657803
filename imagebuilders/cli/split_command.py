"""`imagebuilders split`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.completion import stages
from imagebuilders.cli.dockerfile_argument import dockerfile_path
from imagebuilders.sanitize import printable_lines

if TYPE_CHECKING:
    from imagebuilders.daemonless.split import Split


@click.command("split", short_help="Show where a Dockerfile could be cut in two.")
@click.argument("path", metavar="PATH", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("-f", "--file", "dockerfile", metavar="FILE", help="The Dockerfile; - reads it.")
@click.option(
    "--target", metavar="STAGE", default="", help="The stage that is built.", shell_complete=stages
)
@click.option("--base", metavar="NAME", help="The name that the base gets.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def split(path: str, dockerfile: str | None, target: str, base: str | None, as_json: bool) -> None:
    """Show where the Dockerfile of the folder PATH could be cut in two.

    Whatever runs commands goes into a base, which is built rarely; what follows the last command
    is built on top of it without a daemon (--builder daemonless), in a second.

    \b
    Examples:
      imagebuilders split app
      imagebuilders split app --base ghcr.io/me/shop-base:1
      imagebuilders split app --target web --json
    """
    from imagebuilders.context.dockerfile_lookup import (
        DEFAULT_DOCKERFILE,
        dockerfile_name,
        read_dockerfile,
    )
    from imagebuilders.daemonless.split import DEFAULT_BASE
    from imagebuilders.daemonless.split import split as cut

    with ExitStack() as stack:
        file = stack.enter_context(dockerfile_path(dockerfile))
        name = file or dockerfile_name(path, DEFAULT_DOCKERFILE, lambda _: False)
        found = read_dockerfile(path, name, None)
        result = cut(found.content, target=target, base=base or DEFAULT_BASE)
    if as_json:
        output.write_json(sys.stdout, _document(result))
        return
    for line in _lines(result):
        output.result(printable_lines(line))


def _document(result: Split) -> dict[str, object]:
    return {
        "needs_daemon": result.needs_daemon,
        "commands": list(result.commands),
        "base": result.base,
        "base_target": result.base_target,
        "base_end": result.base_end,
        "top": result.top,
        "files_below": list(result.files_below),
    }


def _lines(result: Split) -> Sequence[str]:
    if not result.needs_daemon:
        return ["Nothing needs a daemon: the whole Dockerfile builds with --builder daemonless."]
    target = f" (its stage {result.base_target})" if result.base_target else ""
    shown = [
        f"# The base{target}, to line {result.base_end}: commands stand in line "
        f"{', '.join(map(str, result.commands))}.",
        result.base.rstrip("\n"),
        "",
        "# On top, with --builder daemonless:",
        result.top.rstrip("\n"),
    ]
    if result.files_below:
        numbers = ", ".join(map(str, result.files_below))
        shown += ["", f"# When files change that line {numbers} takes, the base is built anew."]
    return shown
