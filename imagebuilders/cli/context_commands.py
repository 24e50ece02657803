"""`imagebuilders context`.

It is longer than other modules: the commands of the group stand together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from imagebuilders import events
from imagebuilders.archivable import ArchiveType
from imagebuilders.cli import output
from imagebuilders.cli.progress_json import JsonProgress
from imagebuilders.humanize import size
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.context.advice import FolderSize
    from imagebuilders.context.entries import Entry

_SHOWN_DEPTH = 3
_SHOWN_ENTRIES = 10
_ADVISED_FOLDERS = 5
_ADVISED_SIZE = 1_000_000
"""Bytes from which on a folder is worth a remark."""

_Command = TypeVar("_Command", bound=Callable[..., Any])

_path_argument = click.argument(
    "path", metavar="PATH", default=".", type=click.Path(exists=True, file_okay=False)
)
_dockerfile_option = click.option(
    "-f",
    "--file",
    "dockerfile",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The Dockerfile: an ignore file FILE.dockerignore beside it takes the place of the "
    "context's .dockerignore.",
)
_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, one object per line."
)


@click.group(invoke_without_command=True)
@click.pass_context
def context(ctx: click.Context) -> None:
    """Look at what goes into a build.

    \b
    Examples:
      imagebuilders context ls app
      imagebuilders context explain -C app app/src/main.py
      imagebuilders context digest app
    """
    output.help_without_command(ctx)


@context.command("ls", short_help="Show what goes in, the largest first.")
@_path_argument
@_dockerfile_option
@click.option("-a", "--all", "show_all", is_flag=True, help="Show every file of every folder.")
@_json_option
def list_files(path: str, dockerfile: str | None, show_all: bool, as_json: bool) -> None:
    """Show what goes into a build of the folder PATH, the largest first, and advice.

    Without --all the tree has three levels, and the ten largest entries of each folder.

    \b
    Examples:
      imagebuilders context ls app
      imagebuilders context ls app -f web.Dockerfile --all
      imagebuilders context ls app --json
    """
    from imagebuilders.cli.context_tree import ASCII_BRANCHES, Branches, build_tree, tree_lines
    from imagebuilders.context.advice import largest_folders, secret_looking

    with _warnings(as_json):
        build_context = _context(path, dockerfile)
        entries = list(build_context.entries())
    folders = [
        folder
        for folder in largest_folders(entries, _ADVISED_FOLDERS)
        if folder.size >= _ADVISED_SIZE
    ]
    secrets = secret_looking(entries)
    if as_json:
        _write_list(build_context, entries, folders, secrets)
        return
    depth, width = (None, None) if show_all else (_SHOWN_DEPTH, _SHOWN_ENTRIES)
    branches = Branches() if output.can_encode(Branches().middle) else ASCII_BRANCHES
    tree = build_tree(entries)
    for line in tree_lines(tree, path, depth=depth, width=width, branches=branches):
        output.result(line)
    if folders:
        output.result("\nLarge folders, and the line in the ignore file that leaves each out:")
    for folder in folders:
        output.result(f"{size(folder.size):>9}  {printable(folder.path)}/  {folder.rule}")
    if secrets:
        output.result("\nFiles that look like secrets; leave out what the build does not need:")
    for secret in secrets:
        output.result(f"  {printable(secret)}")


@context.command("digest", short_help="Print the digest of what goes in.")
@_path_argument
@_dockerfile_option
@_json_option
def print_digest(path: str, dockerfile: str | None, as_json: bool) -> None:
    """Print the digest of the folder PATH: the same files have the same digest everywhere.

    \b
    Examples:
      imagebuilders context digest app
      imagebuilders context digest app -f web.Dockerfile
      imagebuilders context digest . --json
    """
    with _warnings(as_json):
        digest = _context(path, dockerfile).digest()
    if as_json:
        output.write_json(sys.stdout, {"event": "digest", "root": path, "digest": digest})
    else:
        output.result(digest)


# What the command was called at first.
_hash = copy(print_digest)
_hash.hidden = True
context.add_command(_hash, "hash")


@context.command("tar", short_help="Write what goes in as an archive.")
@_path_argument
@_dockerfile_option
@click.option(
    "-o",
    "--output",
    "destination",
    metavar="FILE",
    default="-",
    help="Where to write; standard output by default.",
)
@click.option("-z", "--gzip", "compress", is_flag=True, help="Compress it.")
@click.option("--keep-times", is_flag=True, help="Write the files' own times, not one fixed time.")
@_json_option
def write_tar(
    path: str,
    dockerfile: str | None,
    destination: str,
    compress: bool,
    keep_times: bool,
    as_json: bool,
) -> None:
    """Write what goes into a build of the folder PATH as an archive.

    The same files give the same bytes on every machine. `imagebuilders build -` and `docker
    build -` take it.

    \b
    Examples:
      imagebuilders context tar app -o context.tar
      imagebuilders context tar app --gzip -o context.tar.gz
      imagebuilders context tar app | docker build -
    """
    if as_json and destination == "-":
        raise click.UsageError("--json and an archive on standard output cannot be used together.")
    if destination == "-" and sys.stdout.isatty():
        raise click.UsageError("An archive is not for a terminal: name a file with -o FILE.")
    kind = ArchiveType.TAR_GZ if compress else ArchiveType.TAR
    with _warnings(as_json):
        pieces = _context(path, dockerfile).iter_archive(kind, keep_mtimes=keep_times)
        written = output.write_pieces(destination, pieces)
    if as_json:
        record = {"event": "archive", "root": path, "file": destination, "size": written}
        output.write_json(sys.stdout, record)


@context.command(short_help="Tell which line keeps a file or leaves it out.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "-C",
    "--context",
    "root",
    metavar="PATH",
    default=".",
    type=click.Path(exists=True, file_okay=False),
    help="The context's folder; the working directory by default.",
)
@_dockerfile_option
@_json_option
def explain(files: tuple[str, ...], root: str, dockerfile: str | None, as_json: bool) -> None:
    """Tell for each FILE whether it goes into a build, and which line decides that.

    FILE is relative to the working directory; if it does not lie in the context, then to
    the context. Of the context's own folder, each entry is explained.

    \b
    Examples:
      imagebuilders context explain notes.md
      imagebuilders context explain -C app app/src/main.py
      imagebuilders context explain . --json
    """
    with _warnings(as_json):
        build_context = _context(root, dockerfile)
        paths = [path for file in files for path in _paths_in_context(file, root)]
        explanations = [build_context.explain(path) for path in paths]
    for explanation in explanations:
        exists = os.path.lexists(os.path.join(root, explanation.path))
        if as_json:
            record = {"event": "explanation", **asdict(explanation), "exists": exists}
            output.write_json(sys.stdout, record)
        else:
            remark = "" if exists else " (There is no such file now.)"
            output.result(f"{explanation.reason}{remark}")


@contextmanager
def _warnings(as_json: bool) -> Iterator[None]:
    """Show the warnings of the library's log."""
    listener = JsonProgress(sys.stdout)

    def tell(text: str) -> None:
        if as_json:
            listener(events.Notice(text))
        else:
            output.warning_message(text)

    with output.log_warnings(tell):
        yield


def _context(path: str, dockerfile: str | None) -> BuildContext:
    """Make the context that the active stack's builder would use."""
    from imagebuilders.stack import Client

    build_context = Client().active_stack.image_builder.build_context_class(path)
    if dockerfile is None:
        return build_context
    # As with `docker build`: relative to the working directory, not to PATH.
    return build_context.for_dockerfile(os.path.abspath(dockerfile))


def _paths_in_context(file: str, root: str) -> list[str]:
    """Return what a FILE means: relative to the working directory, else to the context.

    If nothing is there in the one sense, but in the other, that is meant. So a package that is
    named like its folder is found: `context explain app/main.py -C app` is about `app/app/main.py`.
    """
    folder = os.path.abspath(root)
    meant = [_relative(os.path.join(base, file), folder) for base in (os.getcwd(), folder)]
    inside = [path for path in meant if path is not None]
    existing = [path for path in inside if os.path.lexists(os.path.join(folder, path))]
    if existing[:1] == [os.curdir] and len(existing) > 1 and existing[1] != os.curdir:
        existing.pop(0)  # the folder itself is `.`, or its path, where it has no such entry
    for path in [*existing, *inside]:
        return sorted(os.listdir(folder)) if path == os.curdir else [path]
    source = click.get_current_context().get_parameter_source("root")
    if source is ParameterSource.DEFAULT:
        trouble = "does not lie in the working directory; name the context's folder with -C."
    else:
        trouble = f"does not lie in the context {root!r}."
    raise click.BadParameter(f"{file!r} {trouble}", param_hint="'FILE...'")


def _relative(path: str, folder: str) -> str | None:
    relative = os.path.relpath(path, folder)
    if relative.split(os.sep)[0] == os.pardir:
        return None
    return relative.replace(os.sep, "/")


def _write_list(
    build_context: BuildContext,
    entries: list[Entry],
    folders: list[FolderSize],
    secrets: list[str],
) -> None:
    for entry in entries:
        record = {
            "event": "entry",
            "path": entry.path,
            "type": entry.type.value,
            "size": entry.size,
            "mode": f"{entry.normal_mode:04o}",
            "target": entry.target or None,
        }
        output.write_json(sys.stdout, record)
    for folder in folders:
        output.write_json(sys.stdout, {"event": "large_folder", **asdict(folder)})
    for secret in secrets:
        output.write_json(sys.stdout, {"event": "secret", "path": secret})
    output.write_json(
        sys.stdout,
        {
            "event": "context",
            "root": build_context.root,
            "ignore_file": build_context.dockerignore_file,
            "entries": len(entries),
            "size": sum(entry.size for entry in entries),
        },
    )
