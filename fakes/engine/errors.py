"""Failures of the double that become answers of its API."""

from __future__ import annotations


class ApiError(Exception):
    """An answer with a status of 400 or more.

    Attributes:
        status: the HTTP status.
        message: the engine's words, as in `{"message": …}`.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NotStartedError(ApiError):
    """A container's command cannot be started.

    Attributes:
        exit_code: that of the container then.
    """

    def __init__(self, status: int, message: str, exit_code: int) -> None:
        super().__init__(status, message)
        self.exit_code = exit_code


class MissingFileError(ApiError):
    """An archive of images has no file of a name that stands in it."""

    def __init__(self, place: str) -> None:
        super().__init__(500, f"open {place}: no such file or directory")


class StepError(Exception):
    """A step failed after the stream had begun: it ends with an `errorDetail`.

    Attributes:
        message: the engine's words.
        code: the exit code of a command, if a command failed.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class DockerfileError(Exception):
    """A Dockerfile cannot be read.

    Attributes:
        message: what is wrong, in the engine's words and without a location.
        line: the line on which the instruction starts, from 1.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class FakeDockerEngineCrashError(Exception):
    """The engine double itself failed while it answered a request: a defect of the double.

    It is neither an answer of an engine nor a connection error, so that no code under test
    takes it for an engine that refuses. The defect is its cause.
    """
