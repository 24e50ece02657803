"""What a registry was asked, as typed records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from ..http.messages import Buffer
from ..records import RequestRecord
from .routes import Operation


@dataclass(frozen=True, kw_only=True)
class RecordedRequest(RequestRecord):
    """One request to the registry and how it was answered; credentials are blotted out.

    Attributes:
        query: the query as it was sent.
        operation: what was asked for.
        repository: the repository's name; empty where there is none.
        reference: a tag, a digest or an upload session; empty where there is none.
        user: who was let in; `None` for an anonymous client or a refused one.
        response_size: bytes of the answer's body.
    """

    query: str
    operation: Operation
    repository: str
    reference: str
    user: str | None
    response_size: int

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The query's parameters, each with its values, decoded."""
        return parse_qs(self.query, keep_blank_values=True)


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
