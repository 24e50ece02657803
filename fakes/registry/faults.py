"""Faults on demand: which requests they hit, how often, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Lock

from ..http.messages import Buffer, ConnectionCutError, Request, Response
from . import options
from .errors import OciError

_CODES = {
    401: "UNAUTHORIZED",
    403: "DENIED",
    404: "NAME_UNKNOWN",
    405: "UNSUPPORTED",
    429: "TOOMANYREQUESTS",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


@dataclass
class Fault:
    """One fault: the requests it is for, and how often it has happened.

    Attributes:
        kind: `status`, `delay`, `cut`, `corrupt` or `expire_token`.
        method: the method it is for; `*` for any.
        path: a glob over the whole path, which begins with `/` or `*`; `*` matches slashes too.
        times: how often it happens; `None` for always.
        skip: how many matching requests are let through first.
        hits: how often it happened.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    hits: int = 0
    _seen: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    before: Callable[[Request], None] = field(default=lambda _: None, repr=False, compare=False)
    after: Callable[[Response], Response] = field(
        default=lambda response: response, repr=False, compare=False
    )

    def applies_to(self, request: Request) -> bool:
        """Whether it happens to this request; counts when it does."""
        if self.method not in ("*", request.method) or not fnmatchcase(request.path, self.path):
            return False
        with self._lock:
            self._seen += 1
            if self._seen <= self.skip or (self.times is not None and self.hits >= self.times):
                return False
            self.hits += 1
            return True


class Faults:
    """The faults of one registry. Each method adds one and returns it.

    All of them take `method`, `path`, `times` and `skip` as `Fault` describes them, and raise
    TypeError or ValueError for what can never strike.

    Args:
        sleep: what waits when a fault delays a request.
        challenge: makes the answer to an expired token.
    """

    def __init__(
        self, sleep: Callable[[float], object], challenge: Callable[[Request], OciError]
    ) -> None:
        self._faults: list[Fault] = []
        self._sleep = sleep
        self._challenge = challenge

    def status(
        self,
        status: int,
        *,
        method: str = "*",
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
        code: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
    ) -> Fault:
        """Answer with an error status.

        Args:
            status: the status code, 400 to 599.
            method: see `Fault`.
            path: see `Fault`.
            times: see `Fault`.
            skip: see `Fault`.
            code: the error code in the body; one that goes with the status by default.
            message: the error's words.
            retry_after: the Retry-After header, in seconds.
        """
        options.whole("status", status, least=400, most=599)
        options.number("retry_after", retry_after, optional=True)
        for name, value in (("code", code), ("message", message)):
            if value is not None:
                options.text(name, value)
        document = {
            "code": code or _CODES.get(status, "UNKNOWN"),
            "message": message or "a fault asked for by the test",
        }
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}

        def refuse(_: Request) -> None:
            # One of its own each time: an answer is completed on its way out, and a HEAD's emptied.
            raise FaultAnswerError(Response.json(status, {"errors": [document]}, headers))

        return self._add(Fault("status", method, path, times, skip, before=refuse))

    def too_many_requests(
        self,
        retry_after: float = 1,
        *,
        method: str = "*",
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Answer 429 with a Retry-After header, in seconds."""
        return self.status(
            429, method=method, path=path, times=times, skip=skip, retry_after=retry_after
        )

    def delay(
        self,
        seconds: float,
        *,
        method: str = "*",
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Wait before the request is looked at."""
        options.number("seconds", seconds)
        return self._add(
            Fault("delay", method, path, times, skip, before=lambda _: self._wait(seconds))
        )

    def cut(
        self,
        after: int = 0,
        *,
        method: str = "*",
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Close the connection after `after` bytes of the body.

        For POST, PATCH and PUT that is the request's body, and no answer comes; the bytes that
        came before stay in the upload. For the other methods it is the response's body.
        """
        options.whole("after", after, least=0)

        def shorten(request: Request) -> None:
            if request.method in ("POST", "PATCH", "PUT"):
                request.body = _until(request.body, after)

        def mark(response: Response) -> Response:
            response.cut_after = after
            return response

        return self._add(Fault("cut", method, path, times, skip, before=shorten, after=mark))

    def corrupt(
        self,
        digest: str = "*",
        *,
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Send a blob or manifest with one byte changed; its length stays right.

        Args:
            digest: which one; a glob, or the end of a manifest's path: a tag.
            times: see `Fault`.
            skip: see `Fault`.
        """
        options.text("digest", digest)
        if not digest:
            raise ValueError("digest is a digest, a tag or a glob, not ''")

        def spoil(response: Response) -> Response:
            if response.status < 300 and len(response.body):
                changed = bytearray(response.body)
                changed[len(changed) // 2] ^= 0xFF
                response.body = changed
            return response

        return self._add(Fault("corrupt", "GET", f"/v2/*/{digest}", times, skip, after=spoil))

    def expire_token(
        self,
        *,
        method: str = "*",
        path: str = "/v2/*",
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Answer 401 with a challenge, as if the client's credentials had just run out."""

        def refuse(request: Request) -> None:
            raise self._challenge(request)

        return self._add(Fault("expire_token", method, path, times, skip, before=refuse))

    def remove(self, fault: Fault) -> None:
        """Take a fault back."""
        self._faults = [known for known in self._faults if known is not fault]

    def clear(self) -> None:
        """Take all faults back."""
        self._faults = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def applying_to(self, request: Request) -> list[Fault]:
        """The faults that happen to this request, in the order they were added."""
        return [fault for fault in self if fault.applies_to(request)]

    def _add(self, fault: Fault) -> Fault:
        options.text("method", fault.method)
        fault.method = fault.method.upper()
        if fault.method not in ("*", *_METHODS):
            raise ValueError(f"method is * or one of {', '.join(_METHODS)}, not {fault.method!r}")
        options.text("path", fault.path)
        if not fault.path.startswith(("/", "*")):
            raise ValueError(
                f"path begins with / or *, as in '/v2/*/manifests/*', unlike {fault.path!r}"
            )
        options.whole("times", fault.times, least=1, optional=True)
        options.whole("skip", fault.skip, least=0)
        self._faults.append(fault)
        return fault

    def _wait(self, seconds: float) -> None:
        self._sleep(seconds)


class FaultAnswerError(Exception):
    """Carries the answer of a `status` fault."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _until(body: Iterable[Buffer], limit: int) -> Iterator[Buffer]:
    left = limit
    for chunk in body:
        if left <= 0 or len(chunk) >= left:
            yield memoryview(chunk)[:left]
            break
        left -= len(chunk)
        yield chunk
    raise ConnectionCutError(f"cut after {limit} bytes of the request")
