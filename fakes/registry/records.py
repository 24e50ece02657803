"""What a registry was asked, as typed records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..http.messages import Buffer, Headers
from .routes import Operation


@dataclass(frozen=True)
class RecordedRequest:
    """One request and how it was answered.

    Attributes:
        method: in capitals.
        path: the decoded path.
        query: the query as it was sent.
        headers: the request's header fields by lower-case name; credentials are blotted out.
        operation: what was asked for.
        repository: the repository's name; empty where there is none.
        reference: a tag, a digest or an upload session; empty where there is none.
        user: who was let in; `None` for an anonymous client or a refused one.
        request_size: bytes of the request's body that were read.
        status: the answer's status; 0 when the connection was cut before an answer.
        response_size: bytes of the answer's body.
        faults: the kinds of the faults that happened to it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    operation: Operation
    repository: str
    reference: str
    user: str | None
    request_size: int
    status: int
    response_size: int
    faults: tuple[str, ...] = ()


def visible(headers: Headers) -> dict[str, str]:
    """Header fields by lower-case name, without the secrets in them."""
    fields = {name.lower(): value for name, value in headers}
    if "authorization" in fields:
        fields["authorization"] = fields["authorization"].partition(" ")[0] + " ***"
    return fields


class Counted:
    """A body that counts the bytes that were read from it."""

    def __init__(self, body: Iterable[Buffer]) -> None:
        self._pieces = iter(body)
        self.size = 0

    def __iter__(self) -> Counted:
        return self

    def __next__(self) -> Buffer:
        piece: Buffer = next(self._pieces)
        self.size += len(piece)
        return piece
