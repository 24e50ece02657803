"""What doubles that speak HTTP remember of each request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SECRET = frozenset({"authorization", "x-registry-auth", "x-registry-config"})


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """One request and how it was answered.

    Attributes:
        method: in capitals.
        path: decoded.
        headers: the request's header fields by lower-case name.
        status: the answer's status; 0 when the connection was cut before an answer.
        request_size: bytes of the request's body that were read.
        faults: the kinds of the faults that happened to it, as in `("delay", "status")`.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int
    request_size: int = 0
    faults: tuple[str, ...] = ()


def without_secrets(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by lower-case name; of credentials only the scheme is left."""
    fields = {name.lower(): value for name, value in headers}
    for name in _SECRET & fields.keys():
        scheme, space, _ = fields[name].partition(" ")
        fields[name] = f"{scheme} ***" if space else "***"
    return fields
