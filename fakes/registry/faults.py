"""Faults on demand: which requests they hit, how often, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .. import faults
from ..checks import check_count, check_seconds, check_text
from ..faults import split_endpoint
from ..http.messages import Buffer, ConnectionCutError, Request, Response
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
class Fault(faults.Fault):
    """One fault: the requests it is for, and how often it has happened.

    Attributes:
        kind: `status`, `delay`, `cut`, `drop`, `corrupt` or `expire_token`.
        method: the method it is for; `*` for any.
        path: a glob over the whole path, which begins with `/` or `*`; `*` matches slashes too.
        times: how often it happens; `None` for always.
        skip: how many matching requests are let through first.
        hits: how often it happened.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    before: Callable[[Request], None] = field(default=lambda _: None, repr=False, compare=False)
    after: Callable[[Response], Response] = field(
        default=lambda response: response, repr=False, compare=False
    )

    @property
    def is_answer(self) -> bool:
        """Whether no other fault can happen to the same request after it."""
        return self.kind in ("status", "drop", "expire_token")

    def applies_to(self, request: Request) -> bool:
        """Whether it is for this request."""
        return self.method in ("*", request.method) and fnmatchcase(request.path, self.path)


class Faults(faults.Faults[Fault]):
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
        super().__init__()
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
        check_count("status", status, least=400, most=599)
        if retry_after is not None:
            check_seconds("retry_after", retry_after)
        for name, value in (("code", code), ("message", message)):
            if value is not None:
                check_text(name, value)
        document = {
            "code": code or _CODES.get(status, "UNKNOWN"),
            "message": message or "a fault asked for by the test",
        }
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}

        def refuse(_: Request) -> None:
            # One of its own each time: an answer is completed on its way out, and a HEAD's emptied.
            raise FaultAnswerError(Response.json(status, {"errors": [document]}, headers))

        return self.add(Fault("status", method, path, times=times, skip=skip, before=refuse))

    def fail(
        self,
        endpoint: str = "*",
        status: int = 500,
        message: str | None = None,
        *,
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """Answer with an error status, as `status`; the endpoint is as in `PUT /v2/*/blobs/*`."""
        method, path = split_endpoint(endpoint)
        return self.status(
            status, method=method or "*", path=path, times=times, skip=skip, message=message
        )

    def drop(self, endpoint: str = "*", *, times: int | None = 1, skip: int = 0) -> Fault:
        """Break the connection without an answer, and before the request is looked at."""
        method, path = split_endpoint(endpoint)

        def cut(_: Request) -> None:
            raise ConnectionCutError("dropped")

        return self.add(Fault("drop", method or "*", path, times=times, skip=skip, before=cut))

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
        check_seconds("seconds", seconds)
        return self.add(
            Fault(
                "delay", method, path, times=times, skip=skip, before=lambda _: self._wait(seconds)
            )
        )

    def cut(
        self,
        after_bytes: int = 0,
        *,
        method: str = "*",
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
        after: int | None = None,
    ) -> Fault:
        """Close the connection after `after_bytes` bytes of the body; `after` is the same.

        For POST, PATCH and PUT that is the request's body, and no answer comes; the bytes that
        came before stay in the upload. For the other methods it is the response's body.
        """
        limit = after_bytes if after is None else after
        check_count("after_bytes", limit)

        def shorten(request: Request) -> None:
            if request.method in ("POST", "PATCH", "PUT"):
                request.body = _until(request.body, limit)

        def mark(response: Response) -> Response:
            response.cut_after = limit
            return response

        return self.add(
            Fault("cut", method, path, times=times, skip=skip, before=shorten, after=mark)
        )

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
        check_text("digest", digest)
        if not digest:
            raise ValueError("digest is a digest, a tag or a glob, not ''")

        def spoil(response: Response) -> Response:
            if response.status < 300 and len(response.body):
                changed = bytearray(response.body)
                changed[len(changed) // 2] ^= 0xFF
                response.body = changed
            return response

        return self.add(
            Fault("corrupt", "GET", f"/v2/*/{digest}", times=times, skip=skip, after=spoil)
        )

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

        return self.add(Fault("expire_token", method, path, times=times, skip=skip, before=refuse))

    def applying_to(self, request: Request) -> list[Fault]:
        """The faults that happen to this request, in the order they were added."""
        return self.happening(lambda fault: fault.applies_to(request))

    def add(self, fault: Fault) -> Fault:
        """Plan a fault.

        Raises:
            TypeError: something in it is of a wrong type.
            ValueError: it could never happen.
        """
        check_text("method", fault.method)
        fault.method = fault.method.upper()
        if fault.method not in ("*", *_METHODS):
            raise ValueError(f"method is * or one of {', '.join(_METHODS)}, not {fault.method!r}")
        check_text("path", fault.path)
        if not fault.path.startswith(("/", "*")):
            raise ValueError(
                f"path begins with / or *, as in '/v2/*/manifests/*', unlike {fault.path!r}"
            )
        return super().add(fault)

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
