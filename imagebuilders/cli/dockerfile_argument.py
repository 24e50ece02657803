"""The Dockerfile that `-f` names: a file, or what can be read only once, as standard input."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from imagebuilders.cli.failures import renamed
from imagebuilders.control_files import MAX_SIZE, read_control_file
from imagebuilders.exceptions import ControlFileError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.temporary_folder import temporary_folder

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class GivenDockerfile:
    """A Dockerfile that was read already.

    Attributes:
        content: all of its bytes.
        name: what the user calls it.
    """

    content: bytes
    name: str


@contextmanager
def dockerfile_path(argument: str | None) -> Iterator[str | None]:
    """Give the builder a path for what `-f` names, for as long as the `with` block lasts.

    What was read from standard input or a pipe is in a file that has no name, so nothing of it is
    left behind however the process ends. Errors call it as the user does.

    Args:
        argument: what was given; a path is relative to the working directory.

    Raises:
        click.BadParameter: it cannot be read.
    """
    given = _read(argument)
    if given is None:
        # As with `docker build`: relative to the working directory, not to PATH.
        yield argument if argument is None else os.path.abspath(argument)
        return
    with dockerfile_of(given.content) as path, renamed(path, given.name):
        yield path


def _read(argument: str | None) -> GivenDockerfile | None:
    """Read what can be read only once; check the rest."""
    if argument is None:
        return None
    if argument == STANDARD_INPUT:
        given = GivenDockerfile(sys.stdin.buffer.read(MAX_SIZE + 1), "standard input")
    elif _is_stream(argument):
        try:
            content = read_control_file(argument, allow_streams=True).content
        except ControlFileError as error:
            raise _refused(str(error)) from error
        given = GivenDockerfile(content, argument)
    elif os.path.isfile(argument):
        return None
    else:
        is_folder = os.path.isdir(argument)
        raise _refused(f"There is no file {argument!r}{': it is a folder' if is_folder else ''}.")
    if not given.content.strip():
        raise _refused(f"There is no Dockerfile on {given.name}: it is empty.")
    if len(given.content) > MAX_SIZE:
        raise _refused(f"What {given.name} holds has more than {MAX_SIZE} bytes.")
    return given


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _refused(text: str) -> click.BadParameter:
    return click.BadParameter(text, param_hint="'-f' / '--file'")


@contextmanager
def dockerfile_of(content: bytes) -> Iterator[str]:
    """Give the builder a path for the content of a Dockerfile, for as long as the block lasts."""
    with tempfile.TemporaryFile(prefix="imagebuilders-") as file:
        file.write(content)
        file.flush()
        path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        if os.path.isfile(path):
            yield path
            return
    # Where the system has no such path, the file has a name for as long as it is needed.
    with temporary_folder() as folder:
        named = Path(folder, "Dockerfile")
        named.write_bytes(content)
        yield str(named)
