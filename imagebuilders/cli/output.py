"""Where the command writes: results to stdout, all else to stderr."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click

from imagebuilders.cli.failures import OutputClosedError, OutputFailedError
from imagebuilders.sanitize import printable_lines


def write_line(stream: TextIO, text: str) -> None:
    """Write a line at once.

    Raises:
        OutputClosedError: nobody reads the stream any more.
        OutputFailedError: it cannot be written.
    """
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        raise OutputFailedError(error.strerror or str(error)) from error


def write_json(stream: TextIO, record: Mapping[str, object]) -> None:
    """Write an object on a line of its own, at once.

    Only ASCII is written, so that a file name that is not UTF-8 does no harm.

    Raises:
        OutputClosedError: nobody reads the stream any more.
        OutputFailedError: it cannot be written.
    """
    write_line(stream, json.dumps(record, default=str))


def result(text: str) -> None:
    """Write a line of the result."""
    write_line(sys.stdout, text)


def write_pieces(path: str, pieces: Iterable[bytes]) -> int:
    """Write bytes to a file, which is there whole or not at all, or to stdout; return how many.

    Args:
        path: the file; `-` for standard output.
        pieces: the bytes.

    Raises:
        OutputClosedError: nobody reads standard output any more.
        OutputFailedError: it cannot be written.
    """
    written = 0

    def counted() -> Iterator[bytes]:
        nonlocal written
        for piece in pieces:
            yield piece
            written += len(piece)

    try:
        if path == "-":
            sys.stdout.flush()
            for piece in counted():
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            from imagebuilders.daemonless.whole_files import write_whole

            write_whole(Path(path), counted())
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputFailedError(reason if path == "-" else f"{path}: {reason}") from error
    return written


def can_encode(characters: str) -> bool:
    """Tell whether standard output can spell these characters."""
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def help_without_command(ctx: click.Context) -> None:
    """Print a group's help when no command of it was given."""
    if ctx.invoked_subcommand is None:
        result(ctx.get_help())


def error_message(text: str) -> None:
    """Tell the user what went wrong, in red on a terminal that has colours."""
    labelled("error", "bold red", text)


def warning_message(text: str) -> None:
    """Tell the user what to look at."""
    labelled("warning", "yellow", text)


def labelled(label: str, style: str, text: str) -> None:
    """Write `label: text` to stderr, without what would steer a terminal."""
    text = printable_lines(text)  # it may quote a build's output, or names of files
    if not supports_cursor(sys.stderr):
        write_line(sys.stderr, f"{label}: {text}")
        return
    from rich.console import Console
    from rich.text import Text

    # rich knows NO_COLOR and what the terminal can do.
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        Text.assemble((f"{label}: ", style), text)
    )


@contextmanager
def log_warnings(tell: Callable[[str], None]) -> Iterator[None]:
    """Pass the library's log records of level warning and above on to `tell`."""

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage())

    logger = logging.getLogger("imagebuilders")
    handler = Teller(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def debug_log(*, is_on: bool) -> Iterator[None]:
    """Write the library's whole log to stderr, if that is asked for."""
    if not is_on:
        yield
        return
    logger = logging.getLogger("imagebuilders")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make sure that there are standard streams, and that they take any character."""
    with ExitStack() as opened:
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:  # closed, as by `>&-`
                nowhere = opened.enter_context(open(os.devnull, mode))
                opened.callback(setattr, sys, name, None)
                setattr(sys, name, nowhere)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        yield


def supports_cursor(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that is known to have colours and a cursor."""
    return stream.isatty() and bool(os.environ.get("TERM"))


def give_up_output() -> None:
    """Point stdout and stderr at nothing: what Python flushes at its end has nowhere to go."""
    _give_up(sys.stdout, sys.stderr)


def give_up_unwritable() -> str | None:
    """Point those of stdout and stderr at nothing that cannot be written; say why they cannot."""
    reasons = [_give_up_if_unwritable(stream) for stream in (sys.stdout, sys.stderr)]
    return reasons[0] or reasons[1]


def _give_up_if_unwritable(stream: TextIO) -> str | None:
    try:
        stream.flush()
    except OSError as error:
        _give_up(stream)
        return error.strerror or str(error)
    return None


def _give_up(*streams: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in streams:
            with suppress(OSError, ValueError):  # no file underneath: nothing to flush
                os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
