"""What doubles remember of each request, and of each build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

RecordT = TypeVar("RecordT")

_SECRET = frozenset({"authorization", "x-registry-auth", "x-registry-config"})


class Newest(list[RecordT]):
    """A list that keeps the newest of what is appended to it.

    Args:
        kept: how many; all of them for `None`.
    """

    def __init__(self, kept: int | None = None) -> None:
        super().__init__()
        self._kept = kept

    def append(self, record: RecordT, /) -> None:
        """Add the newest; the oldest goes when there are too many."""
        super().append(record)
        if self._kept is not None and len(self) > self._kept:
            del self[: len(self) - self._kept]


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


@dataclass
class StepRecord:
    """One step of a build.

    Attributes:
        number: from 1.
        instruction: the line as the build's output shows it.
        image_id: the image after the step, or empty.
        cached: it was taken from the cache.
        executed: by what a RUN was done: `"rule"`, the rule of a test, or `"shell"`, the emulated
            shell; `None` for one that was only recorded, and for other instructions.
    """

    number: int
    instruction: str
    image_id: str = ""
    cached: bool = False
    executed: Literal["shell", "rule"] | None = None


@dataclass
class BuildRecord:
    """One build.

    Attributes:
        tags: the names asked for.
        dockerfile: its path in the context.
        target: the stage asked for.
        build_args: as they were sent.
        labels: as they were sent.
        options: every other query parameter as it was sent, such as `nocache` or `networkmode`.
        context_files: the paths of the context, sorted.
        steps: in the order they ran.
        image_id: the result, empty when it failed.
        error: the failure's message, or `None`.
        secrets: the names of the secrets used, never their values.
    """

    tags: list[str] = field(default_factory=list)
    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: dict[str, str | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    context_files: list[str] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    image_id: str = ""
    error: str | None = None
    secrets: list[str] = field(default_factory=list)
