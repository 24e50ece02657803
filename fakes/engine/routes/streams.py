"""Streams of JSON messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ..errors import ApiError, StepError
from ..http import Response
from ..progress import Message, as_told, failure, message_line
from ..versions import EngineVersion


def lines(messages: Iterable[Message], version: EngineVersion) -> Iterator[bytes]:
    """Messages on the wire; a failure on the way becomes the last of them."""
    try:
        for message in messages:
            yield message_line(as_told(message, version))
    except StepError as error:
        yield message_line(as_told(failure(error.message, error.code), version))
    except ApiError as error:
        yield message_line(as_told(failure(error.message), version))


def streamed(messages: Iterable[Message], version: EngineVersion) -> Response:
    """A streamed answer; what fails before its first message fails the request.

    Raises:
        ApiError: from the first message.
    """
    iterator = iter(messages)
    first = list(_take_one(iterator))
    return Response(200, _Begun(first, iterator, version), {"Content-Type": "application/json"})


class _Begun:
    """Messages on the wire, of which the first came already.

    No generator, because who makes them shall hear of it at once when nobody wants the rest; a
    generator of which nothing was taken does nothing when it is closed.
    """

    def __init__(
        self, first: Iterable[Message], rest: Iterator[Message], version: EngineVersion
    ) -> None:
        self._rest = rest
        self._lines = lines(chain(first, rest), version)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Let who makes the messages end."""
        if (close := getattr(self._rest, "close", None)) is not None:
            close()


def _take_one(iterator: Iterator[Message]) -> Iterator[Message]:
    for message in iterator:
        yield message
        return
