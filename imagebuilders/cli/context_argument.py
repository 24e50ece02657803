"""The context that PATH names: a folder, standard input, or an address that the daemon fetches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

import click

from imagebuilders.cli.dockerfile_argument import STANDARD_INPUT, dockerfile_path
from imagebuilders.context.remote import is_remote_address
from imagebuilders.control_files import MAX_SIZE

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext

_BLOCK = 512
_PIECE_BYTES = 1024 * 1024
_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
"""How archives begin: gzip, bzip2, xz, zstd."""

MakeContext = Callable[..., "BuildContext"]


@contextmanager
def build_context(
    path: str, dockerfile: str | None, make: MakeContext
) -> Iterator[tuple[BuildContext, str | None]]:
    """Give the context that PATH names, and its Dockerfile, for as long as the block lasts.

    Args:
        path: a folder, `-` for a tar or a Dockerfile on standard input, or an address.
        dockerfile: what `-f` names, if anything.
        make: makes the context of a folder, or one without.

    Raises:
        click.BadParameter: there is no such thing, or the two cannot go together.
    """
    if path == STANDARD_INPUT:
        yield _standard_input(dockerfile, make)
    elif os.path.isdir(path):
        with dockerfile_path(dockerfile) as found:
            yield make(path), found
    elif is_remote_address(path):
        from imagebuilders.remote_context import RemoteContext

        context = RemoteContext(path)
        if dockerfile is None or not (dockerfile == STANDARD_INPUT or os.path.isabs(dockerfile)):
            yield context, dockerfile  # it lies in the context
            return
        with dockerfile_path(dockerfile) as found:
            yield context, found
    else:
        raise _refused(_not_there(path))


def _not_there(path: str) -> str:
    if os.path.lexists(path):
        return f"{path!r} is a file, not a folder."
    hint = f" Write https://{path}." if path.startswith("github.com/") else ""
    return f"The folder {path!r} does not exist.{hint}"


def _standard_input(dockerfile: str | None, make: MakeContext) -> tuple[BuildContext, str | None]:
    if dockerfile == STANDARD_INPUT:
        raise _refused("standard input cannot be both the context and the Dockerfile.")
    stream = sys.stdin.buffer
    head = stream.read(_BLOCK)
    if is_archive(head):
        from imagebuilders.remote_context import ArchiveContext

        rest = iter(lambda: stream.read(_PIECE_BYTES), b"")
        return ArchiveContext(chain([head], rest)), dockerfile
    if not head.strip():
        raise _refused("there is neither an archive nor a Dockerfile on standard input.")
    if dockerfile is not None:
        raise _refused("standard input is a Dockerfile, and -f names another.")
    content = head + stream.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise _refused(f"what standard input holds has more than {MAX_SIZE} bytes.")
    context = make()
    context.add_file(content, "Dockerfile")
    return context, None


def is_archive(head: bytes) -> bool:
    """Return whether bytes are the beginning of a tar, plain or compressed."""
    if head.startswith(_COMPRESSED):
        return True
    if len(head) >= _BLOCK and not head[:_BLOCK].strip(b"\0"):
        return True  # an archive without files
    import tarfile

    try:
        tarfile.TarInfo.frombuf(head[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _refused(text: str) -> click.BadParameter:
    return click.BadParameter(text, param_hint="'PATH'")
