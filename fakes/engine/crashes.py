"""Defects of the double itself, kept until the test sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fakes.engine.errors import FakeDockerEngineCrashError
from fakes.engine.http import DisconnectError, Handler, Request, Response, error_response


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
                response.body = self._watched(request, response.body)
            return response

        return answer

    def _watched(self, request: Request, body: Iterable[bytes]) -> Iterator[bytes]:
        """Break the connection when the double fails in the midst of a body."""
        try:
            yield from body
        except DisconnectError:
            raise
        except Exception as error:
            self.keep(request, error)
            raise DisconnectError from error

    def check(self) -> None:
        """Tell of the first failure.

        Raises:
            FakeDockerEngineCrashError: there was one.
        """
        if self._kept:
            where, error = self._kept[0]
            raise _told(where, error) from error


def _told(where: str, error: Exception) -> FakeDockerEngineCrashError:
    return FakeDockerEngineCrashError(
        f"the FakeDockerEngine itself failed while it answered {where}: {error!r}. "
        "This is a defect of the double, not of the code under test."
    )
