"""Streams of JSON messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ..errors import ApiError, StepError
from ..http import Response
from ..progress import Message, failure, message_line


def lines(messages: Iterable[Message]) -> Iterator[bytes]:
    """Messages on the wire; a failure on the way becomes the last of them."""
    try:
        for message in messages:
            yield message_line(message)
    except StepError as error:
        yield message_line(failure(error.message, error.code))
    except ApiError as error:
        yield message_line(failure(error.message))


def streamed(messages: Iterable[Message]) -> Response:
    """A streamed answer; what fails before its first message fails the request.

    Raises:
        ApiError: from the first message.
    """
    iterator = iter(messages)
    first = list(_take_one(iterator))
    return Response(200, lines(chain(first, iterator)), {"Content-Type": "application/json"})


def _take_one(iterator: Iterator[Message]) -> Iterator[Message]:
    for message in iterator:
        yield message
        return
