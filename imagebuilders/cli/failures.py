"""How the command ends when something goes wrong."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass

import click

from imagebuilders.cli.next_steps import next_step
from imagebuilders.exceptions import (
    BakeError,
    BuildContextError,
    BuildOptionsError,
    ConfigurationError,
    ImageBuilderError,
    ImageNameError,
    Remedy,
)
from imagebuilders.likeness import nearest

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
OUTPUT_CLOSED = 141  # 128 + SIGPIPE

_USAGE_ERRORS = (BakeError, BuildOptionsError, ConfigurationError, ImageNameError)
# Each line of the whole build log was an event already; the others are in the message.
_NOT_IN_DETAILS = {"log", "problem", "problems", "remedy"}

_REMEDIES = {
    Remedy.NAME_DOCKERFILE: "Name another with -f FILE.",
    Remedy.REPLACE_IGNORE_FILE: "Correct the file.",
}
"""The library's remedies, said to someone who types a command."""


class InterruptedByUserError(Exception):
    """Ctrl-C. Raised in place of `KeyboardInterrupt`, which click answers with an empty line."""

    def __init__(self) -> None:
        super().__init__("Interrupted.")


class OutputClosedError(Exception):
    """Whoever read the output has enough of it.

    Not an `OSError`: a listener raises it in the middle of the library's own input and output.
    """


class OutputFailedError(Exception):
    """The output cannot be written: the disk is full, say. No `OSError`, as above."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The output cannot be written: {reason}.")


def is_expected(error: Exception) -> bool:
    """Tell whether an error is one that the command knows; any other is a fault of a program."""
    known = (ImageBuilderError, click.ClickException, InterruptedByUserError, OutputFailedError)
    return isinstance(error, known)


def is_interruption(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind an error.

    In the midst of an import, Python makes a `RuntimeError` of what ends the making of a class.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def exit_code(error: Exception) -> int:
    """Give the exit code for an error: 1 for what failed, 2 for what was asked wrongly."""
    if isinstance(error, InterruptedByUserError):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return error.exit_code
    return WRONG_USAGE if isinstance(error, _USAGE_ERRORS) else FAILED


def message(error: Exception) -> str:
    """Give an error's text, in the command's own terms where the library speaks of Python."""
    if isinstance(error, click.UsageError):
        return _usage_message(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, BuildContextError) and error.remedy is not None:
        return f"{error.problem} {_REMEDIES[error.remedy]}"
    if isinstance(error, BuildOptionsError) and error.problems:
        from imagebuilders.cli.build_flags import BUILDX_FLAGS

        flags = {flag.option: flag.name for flag in BUILDX_FLAGS}
        found = [f"{flags.get(name, name)}: {text}" for name, text in error.problems.items()]
        return f"{'; '.join(found)}."
    if not is_expected(error):
        told = traceback.format_exception_only(error)[-1].strip()
        return f"A program failed, and not for what it was asked to do: {told}"
    return str(error)


def _usage_message(error: click.UsageError) -> str:
    """Give the text of wrong usage, with a suggestion only where that is very like."""
    names = getattr(error, "possibilities", None)
    if names is None and not isinstance(error, click.NoSuchOption):
        return error.format_message()
    given = str(getattr(error, "option_name", None) or getattr(error, "command_name", ""))
    near = nearest(given, names or ())
    return f"{error.message} Did you mean {near}?" if near else error.message


@contextmanager
def renamed(path: str, name: str) -> Iterator[None]:
    """Let the errors of a `with` block call a file as the user does.

    Args:
        path: where the file is.
        name: what the user calls it.
    """
    try:
        yield
    except ImageBuilderError as error:
        error.args = tuple(_replaced(each, path, name) for each in error.args)
        for key, value in vars(error).items():
            setattr(error, key, _replaced(value, path, name))
        raise


def _replaced(value: object, path: str, name: str) -> object:
    return value.replace(path, name) if isinstance(value, str) else value


def error_record(error: Exception) -> dict[str, object]:
    """Put an error into the JSON object that ends the output."""
    details: dict[str, object] = {}
    if isinstance(error, ImageBuilderError):
        details = {
            name: _plain(value)
            for name, value in vars(error).items()
            if not name.startswith("_") and name not in _NOT_IN_DETAILS and value not in (None, ())
        }
    elif not is_expected(error):
        details = {"traceback": traceback_of(error).splitlines()}
    step = next_step(error)
    return {
        "event": "error",
        "error": type(error).__name__,
        "message": message(error),
        "exit_code": exit_code(error),
        **({"next": step} if step else {}),
        "details": details,
    }


def traceback_of(error: Exception) -> str:
    """Give the traceback of a fault, for those who are to mend it."""
    return "".join(traceback.format_exception(error)).rstrip()


def _plain(value: object) -> object:
    """Put an attribute of an error into what JSON has: objects, lists, texts, numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
