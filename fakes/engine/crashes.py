"""Defects of the double itself, kept until the test sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .errors import DisconnectError, FakeDockerEngineCrashError
from .http import Handler, Request, Response, error_response


class Crashes:
    """The failures of one engine that are no answers of an engine."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Exception]] = []

    def keep(self, request: Request, error: Exception) -> FakeDockerEngineCrashError:
        """Keep what happened while a request was answered; the error that tells of it."""
        crash = (f"{request.method} {request.path}", error)
        self._kept.append(crash)
        return _told(*crash)

    def answering(self, handle: Handler) -> Handler:
        """A handler for a socket, whose client gets status 500 for a defect that is kept."""

        def answer(request: Request) -> Response:
            try:
                response = handle(request)
            except FakeDockerEngineCrashError as crash:
                return error_response(500, str(crash))
            if not isinstance(response.body, bytes):
                response.body = _Watched(self, request, response.body)
            return response

        return answer

    def check(self) -> None:
        """Tell of the first failure.

        Raises:
            FakeDockerEngineCrashError: there was one.
        """
        if self._kept:
            where, error = self._kept[0]
            raise _told(where, error) from error


class _Watched(Iterator[bytes]):
    """A body that breaks the connection when the double fails in the midst of it.

    No generator, because the body shall hear that it is closed before its first piece too.
    """

    def __init__(self, crashes: Crashes, request: Request, body: Iterable[bytes]) -> None:
        self._crashes, self._request, self._pieces = crashes, request, iter(body)

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except (DisconnectError, StopIteration):
            raise
        except Exception as error:
            self._crashes.keep(self._request, error)
            raise DisconnectError from error

    def close(self) -> None:
        """Close the body."""
        if (close := getattr(self._pieces, "close", None)) is not None:
            close()


def _told(where: str, error: Exception) -> FakeDockerEngineCrashError:
    return FakeDockerEngineCrashError(
        f"the FakeDockerEngine itself failed while it answered {where}: {error!r}. "
        "This is a defect of the double, not of the code under test."
    )
