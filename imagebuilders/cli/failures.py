"""How the command ends when something goes wrong."""

from __future__ import annotations

import click

from imagebuilders.exceptions import (
    BuildOptionsError,
    ConfigurationError,
    ImageBuilderError,
    ImageNameError,
)

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
OUTPUT_CLOSED = 141  # 128 + SIGPIPE

_USAGE_ERRORS = (BuildOptionsError, ConfigurationError, ImageNameError)
_NOT_IN_DETAILS = {"log"}  # the whole build log: each line of it was an event already


class InterruptedByUserError(Exception):
    """Ctrl-C. Raised in place of `KeyboardInterrupt`, which click answers with an empty line."""

    def __init__(self) -> None:
        super().__init__("Interrupted.")


class OutputClosedError(Exception):
    """Whoever read the output has enough of it.

    Not an `OSError`: a listener raises it in the middle of the library's own input and output.
    """


def exit_code(error: Exception) -> int:
    """Give the exit code for an error: 1 for what failed, 2 for what was asked wrongly."""
    if isinstance(error, InterruptedByUserError):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return error.exit_code
    return WRONG_USAGE if isinstance(error, _USAGE_ERRORS) else FAILED


def message(error: Exception) -> str:
    """Give an error's text."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    return str(error)


def error_record(error: Exception) -> dict[str, object]:
    """Put an error into the JSON object that ends the output."""
    details: dict[str, object] = {}
    if isinstance(error, ImageBuilderError):
        details = {
            name: value
            for name, value in vars(error).items()
            if not name.startswith("_") and name not in _NOT_IN_DETAILS and value not in (None, ())
        }
    return {
        "event": "error",
        "error": type(error).__name__,
        "message": message(error),
        "exit_code": exit_code(error),
        "details": details,
    }
