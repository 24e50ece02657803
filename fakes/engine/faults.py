"""Faults a test plans: errors, delays, cut streams, an engine that goes away."""

from __future__ import annotations

import enum
import fnmatch
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from .. import faults
from ..checks import check_choice, check_count, check_seconds, check_text
from ..faults import split_endpoint
from ..http.messages import ConnectionCutError
from .dockerfile.instructions import KEYWORDS
from .fault_endpoints import check_endpoint
from .http import Request, Response, error_response
from .progress import failure, message_line

_LOOK_SECONDS = 0.01
_STATUSES = frozenset(status.value for status in HTTPStatus)
CONTEXT = "context"
"""The place of a full disk that is no instruction."""


class Then(enum.Enum):
    """How an answer given by a test goes on after its last byte."""

    END = "end"
    BREAK = "break"
    HANG = "hang"


@dataclass(frozen=True)
class PlannedAnswer:
    """What a test has an endpoint say."""

    status: int
    pieces: tuple[bytes, ...]
    then: Then


@dataclass
class Fault(faults.Fault):
    """One planned fault.

    Attributes:
        endpoint: a method and a pattern for the path, as in `POST /build`; for any
            method the pattern alone.
        status: the status to answer with, with `message`.
        message: the error's words.
        delay: seconds to wait before the answer, or until the client goes away.
        cut_after: bytes of the answer's body after which the connection breaks.
        stream_error: the refusal that a stream with status 200 ends with.
        answer: what to answer in place of the engine's own.
        dropped: the connection breaks without an answer.
        times: how often it happens; `None` for always.
        skip: how many matching requests are let through first.
        hits: how often it happened.
        abandoned: set when the client went away from an answer that hung.
    """

    endpoint: str
    status: int | None = None
    message: str = ""
    delay: float = 0.0
    cut_after: int | None = None
    stream_error: str = ""
    answer: PlannedAnswer | None = None
    dropped: bool = False
    abandoned: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def kind(self) -> str:
        """`status`, `delay`, `cut`, `drop`, `answer` or `stream_error`."""
        if self.dropped:
            return "drop"
        if self.answer is not None:
            return "answer"
        if self.stream_error:
            return "stream_error"
        if self.status is not None:
            return "status"
        return "cut" if self.cut_after is not None else "delay"

    @property
    def is_answer(self) -> bool:
        """Whether no other fault can happen to the same request after it."""
        return self.kind not in ("cut", "delay")

    def matches(self, request: Request) -> bool:
        """Whether it is meant for a request."""
        method, path = split_endpoint(self.endpoint)
        return (not method or method == request.method) and fnmatch.fnmatchcase(request.path, path)


class FaultPlan(faults.Faults[Fault]):
    """The faults of one engine. Each method plans one and returns it.

    Their `times` and `skip` are as `Fault` describes them; `after` is the same as `skip`. A wrong
    value is refused when a fault is planned: with a TypeError when it is of a wrong type, with a
    ValueError when nothing could ever come of it.

    Args:
        endpoints: method and path of those that the engine has.
    """

    def __init__(self, endpoints: Callable[[], Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self._endpoints = endpoints
        self._deaths: list[str] = []
        self._full_disks: list[str] = []

    def add(self, fault: Fault) -> Fault:
        """Plan a fault.

        Raises:
            TypeError: something in it is of a wrong type.
            ValueError: the engine has no such endpoint, or a number is out of its range.
        """
        check_endpoint(fault.endpoint, self._endpoints())
        check_text("message", fault.message)
        return super().add(fault)

    def fail(
        self,
        endpoint: str,
        status: int = 500,
        message: str = "",
        *,
        times: int | None = 1,
        skip: int = 0,
        after: int = 0,
    ) -> Fault:
        """Answer with an error."""
        _check_status(status)
        text = message or "fault planned by the test"
        return self.add(Fault(endpoint, status, text, times=times, skip=_skipped(skip, after)))

    def delay(
        self, endpoint: str, seconds: float, *, times: int | None = 1, skip: int = 0, after: int = 0
    ) -> Fault:
        """Answer late; what was asked is done after the delay, or when the client goes away."""
        check_seconds("seconds", seconds)
        return self.add(Fault(endpoint, delay=seconds, times=times, skip=_skipped(skip, after)))

    def cut(
        self,
        endpoint: str,
        after_bytes: int = 0,
        *,
        times: int | None = 1,
        skip: int = 0,
        after: int = 0,
    ) -> Fault:
        """Break the connection after so many bytes of the body."""
        check_count("after_bytes", after_bytes)
        return self.add(
            Fault(endpoint, cut_after=after_bytes, times=times, skip=_skipped(skip, after))
        )

    def answer(
        self,
        endpoint: str,
        content: bytes | Iterable[bytes | Mapping[str, object]],
        *,
        status: int = 200,
        then: str = "end",
        times: int | None = 1,
        skip: int = 0,
        after: int = 0,
    ) -> Fault:
        """Answer what no engine of ours would, with every byte decided here.

        Args:
            endpoint: a method and a pattern for the path.
            content: the body; or the pieces of a stream, each message or bytes.
            status: the HTTP status.
            then: what follows: the answer's `end`, a connection that will `break`,
                or nothing, as of an engine that will `hang`.
            times: how often; `None` for always.
            skip: requests to let through before the first.
            after: the same.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: an argument has no value that is known.
        """
        _check_status(status)
        check_choice("then", then, [choice.value for choice in Then])
        planned = PlannedAnswer(status, _pieces(content), Then(then))
        return self.add(Fault(endpoint, answer=planned, times=times, skip=_skipped(skip, after)))

    def drop(self, endpoint: str, *, times: int | None = 1, skip: int = 0, after: int = 0) -> Fault:
        """Break the connection without an answer."""
        return self.add(Fault(endpoint, dropped=True, times=times, skip=_skipped(skip, after)))

    def deny_push(self, message: str = "", *, times: int | None = 1) -> Fault:
        """Answer a push with 200 and a refusal in the stream, as the engine does."""
        check_text("message", message)
        text = message or "denied: requested access to the resource is denied"
        return self.add(Fault("POST /images/*/push", stream_error=text, times=times))

    def die_at_step(self, keyword: str) -> None:
        """Break the connection of the next build when it reaches such an instruction.

        Raises:
            TypeError: the keyword is no text.
            ValueError: there is no such instruction.
        """
        check_text("keyword", keyword)
        check_choice("keyword", keyword.lower(), sorted(KEYWORDS))
        with self._lock:
            self._deaths.append(keyword.lower())

    def no_space_at_step(self, keyword: str = "copy") -> None:
        """Let the next COPY or ADD find the disk full: it fails at its first file with content.

        A RUN that finds no space is told by its command: see `on_run`.

        Raises:
            TypeError: the keyword is no text.
            ValueError: the keyword is of another instruction.
        """
        check_text("keyword", keyword)
        if keyword.lower() not in ("copy", "add"):
            raise ValueError(f"{keyword!r} writes no files by itself; known: copy, add")
        with self._lock:
            self._full_disks.append(keyword.lower())

    def no_space_for_context(self) -> None:
        """Let the next build find the disk full while its context arrives."""
        with self._lock:
            self._full_disks.append(CONTEXT)

    def clear(self) -> None:
        """Forget every fault that has not happened."""
        super().clear()
        with self._lock:
            self._deaths.clear()
            self._full_disks.clear()

    # --- used by the engine ---------------------------------------------------

    def before_step(self, keyword: str) -> None:
        """Let the engine go away at a step if that is planned.

        Raises:
            ConnectionCutError: it is.
        """
        with self._lock:
            if keyword not in self._deaths:
                return
            self._deaths.remove(keyword)
        raise ConnectionCutError("cut by a fault")

    def disk_is_full(self, place: str) -> bool:
        """Whether the disk is to be found full: by an instruction, or by a context; once."""
        with self._lock:
            if place not in self._full_disks:
                return False
            self._full_disks.remove(place)
            return True

    def take(self, request: Request) -> list[Fault]:
        """The faults that happen to a request, counted."""
        return self.happening(lambda fault: fault.matches(request))


def _skipped(skip: int, after: int) -> int:
    check_count("skip", skip)
    check_count("after", after)
    return skip + after


def _check_status(status: int) -> None:
    check_count("status", status, least=200, most=599)
    if status not in _STATUSES:
        raise ValueError(f"status is one that HTTP knows, not {status}")


def _pieces(content: bytes | Iterable[bytes | Mapping[str, object]]) -> tuple[bytes, ...]:
    if isinstance(content, bytes):
        return (content,)
    if isinstance(content, str | Mapping) or not isinstance(content, Iterable):
        raise TypeError(
            f"content is bytes or a list of bytes and messages, not {content!r} "
            f"({type(content).__name__}); one message is a list of one: [{{'stream': 'x'}}]"
        )
    pieces = []
    for piece in content:
        if not isinstance(piece, bytes | Mapping):
            raise TypeError(
                f"content is a list of bytes and messages (mappings), not of {piece!r} "
                f"({type(piece).__name__})"
            )
        pieces.append(piece if isinstance(piece, bytes) else message_line(dict(piece)))
    return tuple(pieces)


def apply_before(
    planned: Iterable[Fault], request: Request, sleep: Callable[[float], object] | None = None
) -> Response | None:
    """The answer that faults give instead of the engine's, if one does.

    Args:
        planned: the faults that happen to the request.
        request: the request.
        sleep: what waits; a wait of the machine's ends when the client goes away.

    Raises:
        ConnectionCutError: when nobody is to get one.
    """
    for fault in planned:
        if fault.delay and sleep is not None:
            sleep(fault.delay)
        else:
            _wait(fault.delay, request)
        if (answer := _answer_of(fault)) is not None:
            return answer
    return None


def _answer_of(fault: Fault) -> Response | None:
    if fault.dropped:
        raise ConnectionCutError("dropped by a fault")
    if fault.answer is not None:
        body = _Saying(fault, fault.answer)
        return Response(fault.answer.status, body, {"Content-Type": "application/json"})
    if fault.stream_error:
        line = message_line(failure(fault.stream_error))
        return Response(200, iter([line]), {"Content-Type": "application/json"})
    if fault.status is not None:
        return error_response(fault.status, fault.message)
    return None


def apply_after(planned: Iterable[Fault], response: Response) -> Response:
    """The engine's answer, cut."""
    for fault in planned:
        if fault.cut_after is not None:
            body = [response.body] if isinstance(response.body, bytes) else response.body
            cut = _cut(body, fault.cut_after)
            response = Response(response.status, cut, response.headers)
    return response


def _wait(seconds: float, request: Request) -> None:
    """Wait in short pieces, which no time that a test freezes makes longer."""
    left = seconds
    while left > 0 and not request.is_abandoned():
        time.sleep(min(left, _LOOK_SECONDS))
        left -= _LOOK_SECONDS


class _Saying(Iterator[bytes]):
    """The body of an answer given by a test.

    No generator, because one that was never begun does not notice that it is closed, and the
    client may be gone before the first byte.
    """

    def __init__(self, fault: Fault, answer: PlannedAnswer) -> None:
        self._fault, self._then = fault, answer.then
        self._pieces = iter(answer.pieces)

    def __next__(self) -> bytes:
        for piece in self._pieces:
            return piece
        if self._then is Then.BREAK:
            raise ConnectionCutError("cut by a fault")
        if self._then is Then.END:
            raise StopIteration
        self._fault.abandoned.wait(_LOOK_SECONDS)
        # The server looks at each empty piece whether anybody is there.
        return b""

    def close(self) -> None:
        """Tell the test that nobody waits any more."""
        if self._then is Then.HANG:
            self._fault.abandoned.set()


def _cut(body: Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for piece in body:
        if len(piece) >= left:
            if left:
                yield piece[:left]
            raise ConnectionCutError("cut by a fault")
        left -= len(piece)
        yield piece
    raise ConnectionCutError("cut by a fault")
