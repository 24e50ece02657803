"""What a solver tells of its steps, in the order and form of real daemons."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.control_pb2 import Vertex, VertexStatus, VertexWarning
from imagebuilders.buildkit.proto.ops_pb2 import Position, Range, SourceInfo
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.exceptions import EvaluationError, ImageBuilderError

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from ..script import ScriptedBuild


def vertex_digest(*parts: object) -> str:
    """Return the digest of a vertex that is made of some parts."""
    text = json.dumps(parts, sort_keys=True, default=repr)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Progress:
    """Tells of the vertices of one build.

    Args:
        build: the build.

    Attributes:
        failed: the last vertex that failed.
    """

    def __init__(self, build: ScriptedBuild) -> None:
        self._build = build
        self.failed: Vertex | None = None

    def announce(self, vertices: Iterable[Vertex]) -> None:
        """Tell that vertices are there, in one message."""
        self._build.tell(*vertices)

    def start(self, vertex: Vertex) -> None:
        """Tell that a vertex begins, or begins again."""
        stamp(vertex.started)
        vertex.ClearField("completed")
        self._build.tell(vertex)

    def complete(self, vertex: Vertex, *, cached: bool = False, error: str = "") -> None:
        """Tell that a vertex is at its end."""
        if not vertex.HasField("started"):
            stamp(vertex.started)
        vertex.cached = cached
        vertex.error = error
        if error:
            self.failed = vertex
        stamp(vertex.completed)
        self._build.tell(vertex)

    @contextmanager
    def running(self, vertex: Vertex) -> Iterator[None]:
        """Tell that a vertex begins and ends, for a `with` block; also how it failed."""
        self.start(vertex)
        try:
            yield
        except EvaluationError as error:
            self.complete(vertex, error=error.message.removeprefix(KEY_FAILURE))
            raise
        except CallError as error:
            self.complete(vertex, error=error.status.message)
            raise
        except ImageBuilderError as error:
            self.complete(vertex, error=str(error))
            raise
        self.complete(vertex)

    def look_up(self, vertex: Vertex) -> None:
        """Tell of the short interval in which a vertex's key is computed."""
        self.start(vertex)
        self.complete(vertex)

    def log(self, vertex: Vertex, data: bytes, *, stream: int) -> None:
        """Tell what a command prints."""
        if data:
            self._build.log(vertex, data, stream=stream)

    def status(self, vertex: Vertex, name: str, kind: str = "", *, total: int = 0) -> StatusLine:
        """Return a line below a vertex, which is told of later."""
        return StatusLine(self._build, vertex, name, kind, total=total)

    @contextmanager
    def doing(self, vertex: Vertex, name: str) -> Iterator[None]:
        """Tell of a line below a vertex for the length of a `with` block."""
        line = self.status(vertex, name)
        line.tell()
        try:
            yield
        finally:
            line.complete()

    def warn(self, vertex: Vertex, warning: LintWarning, content: bytes, filename: str) -> None:
        """Tell of a warning about a file."""
        lines = warning.lines
        told = VertexWarning(
            vertex=vertex.digest,
            level=1,
            short=str(warning).encode(),
            detail=[warning.description.encode()] if warning.description else [],
            url=warning.url,
            info=SourceInfo(filename=filename, data=content, language="Dockerfile"),
            ranges=[
                Range(start=Position(line=line), end=Position(line=line))
                for line in range(lines.first, lines.last + 1)
            ]
            if lines
            else [],
        )
        self._build.tell(told)


class StatusLine:
    """A line below a vertex.

    Args:
        build: the build.
        vertex: what it belongs to.
        name: its ID.
        kind: its name, as in `transferring`.
        total: bytes that it is about; 0 if nobody knows.
    """

    def __init__(
        self, build: ScriptedBuild, vertex: Vertex, name: str, kind: str = "", *, total: int = 0
    ) -> None:
        self._build = build
        self._status = VertexStatus(ID=name, vertex=vertex.digest, name=kind, total=total)
        stamp(self._status.started)

    def tell(self, current: int = 0) -> None:
        """Tell how far it is, in bytes."""
        self._status.current = current
        stamp(self._status.timestamp)
        self._build.tell(self._status)

    def complete(self, current: int = 0, *, kind: str = "") -> None:
        """Tell that it is done, by another name if one is given."""
        self._status.name = kind or self._status.name
        stamp(self._status.completed)
        self.tell(current)


KEY_FAILURE = "failed to compute cache key: "
"""Stands before an error in the answer, and not in the vertex, if a key cannot be computed."""


def stamp(timestamp: Timestamp) -> None:
    """Put this moment into a field of a message."""
    timestamp.seconds, timestamp.nanos = divmod(time.time_ns(), 1_000_000_000)


def vertex(name: str, digest: str, inputs: Sequence[str] = ()) -> Vertex:
    """Return a vertex that nothing has been told of."""
    return Vertex(digest=digest, name=name, inputs=inputs)
