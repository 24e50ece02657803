"""A request and its response, as the doubles read and write them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias
from urllib.parse import parse_qs, unquote

Buffer: TypeAlias = "bytes | bytearray | memoryview"

_HOST = re.compile(r"[\w.%:\[\]-]+", re.ASCII)


class Headers:
    """HTTP header fields: any letter case, repeats kept, order kept."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list(items)

    def get(self, name: str, default: str = "") -> str:
        """The first field of that name."""
        wanted = name.lower()
        return next((value for key, value in self._items if key.lower() == wanted), default)

    def get_all(self, name: str) -> list[str]:
        """Each field of that name."""
        wanted = name.lower()
        return [value for key, value in self._items if key.lower() == wanted]

    def tokens(self, name: str) -> set[str]:
        """The comma-separated words of all fields of that name, in lower case."""
        return {word.strip().lower() for value in self.get_all(name) for word in value.split(",")}

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self._items.append((name, value))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self._items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self._items]})"


@dataclass
class Request:
    """A request whose body may still be on its way.

    Attributes:
        method: in capitals.
        target: path and query as they were sent, percent signs and all.
        headers: the header fields.
        body: the body in pieces; each piece may be reused by the sender once the next is asked for.
        scheme: `http` or `https`.
        is_abandoned: whether the client has gone meanwhile.
    """

    method: str
    target: str
    headers: Headers = field(default_factory=Headers)
    body: Iterable[Buffer] = ()
    scheme: str = "http"
    is_abandoned: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """What follows the question mark, as sent."""
        return self.target.partition("?")[2]

    @cached_property
    def fields(self) -> dict[str, list[str]]:
        """The query's parameters, each with its values, decoded."""
        return parse_qs(self.query, keep_blank_values=True)

    def parameters(self, name: str) -> list[str]:
        """Each value of a query parameter, decoded."""
        return self.fields.get(name, [])

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; empty when it is not there."""
        return next(iter(self.parameters(name)), "")

    @cached_property
    def content(self) -> bytes:
        """The whole body, read once."""
        return b"".join(bytes(piece) for piece in self.body)

    @property
    def base_url(self) -> str:
        """The registry's address as this client knows it, from the Host header."""
        host = self.headers.get("Host", "")
        # It stands in header fields of the answer, whose lines a client must not break.
        return f"{self.scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"


@dataclass
class Response:
    """An answer.

    Attributes:
        status: the status code.
        headers: the header fields. `Date` and `Content-Length` are added where they are missing.
        body: the body. To HEAD it is not sent; an empty one can have a `Content-Length` all the
            same.
        cut_after: close the connection after that many bytes of the body; `None` sends it whole.
        stream: a body that is sent in chunks as it comes, in place of `body`.
        hijack: takes over the connection after the head, with the bytes that the client has sent
            ahead.
        reason: the reason phrase, where it is another than the status's own.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body: Buffer = b""
    cut_after: int | None = None
    stream: Iterator[bytes] | None = None
    hijack: Callable[[socket.socket, bytes], None] | None = None
    reason: str = ""

    @classmethod
    def of(cls, status: int, fields: dict[str, str] | None = None, body: Buffer = b"") -> Response:
        """A response from a plain mapping of header fields."""
        return cls(status, Headers((fields or {}).items()), body)

    @classmethod
    def json(
        cls,
        status: int,
        document: object,
        fields: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """A response with a JSON document."""
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        return cls.of(status, {"Content-Type": content_type, **(fields or {})}, body)


class ConnectionCutError(Exception):
    """The connection ended in the middle of a message; there is nobody to answer."""


class BadRequestError(Exception):
    """What came is no HTTP request, or one that no server answers otherwise.

    Attributes:
        status: what it is refused with.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
