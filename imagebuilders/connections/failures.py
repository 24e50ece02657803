"""The errors of a connection to an engine, in this package's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from imagebuilders.exceptions import EngineDisconnectedError, EngineError, EngineTimeoutError


def broken_off(cause: OSError | None, *, is_late: bool) -> EngineError:
    """Return the error of a connection that failed.

    Args:
        cause: the system's own error, if there was one.
        is_late: whether a time limit passed.
    """
    if is_late:
        return EngineTimeoutError(
            "The Docker Engine did not answer in time; it may be overloaded or stopped."
        )
    reason = "" if cause is None else f": {cause.strerror or cause}"
    return EngineDisconnectedError(f"The connection to the Docker Engine broke off{reason}.")


@contextmanager
def connection_errors() -> Iterator[None]:
    """Turn the system's errors into this package's own.

    Raises:
        EngineTimeoutError: a time limit passed.
        EngineDisconnectedError: the connection failed.
    """
    try:
        yield
    except OSError as error:
        raise broken_off(error, is_late=isinstance(error, TimeoutError)) from error
