"""The steps of a build as far as a daemon told of them.

Each stands for a vertex of the daemon's graph, or for several that make one instruction, such as
`COPY --link`, which is a copy and a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, TypedDict

from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.buildkit.step_log import DecodedLines

MAX_STEPS = 10_000
"""A daemon that tells of more is not listened to."""

MAX_NAME_CHARS = 8 * 1024
MAX_INPUTS = 1_000
"""What is longer is cut."""

_NAME = re.compile(
    r"\[(?P<group>[^\]]*?) ?(?P<number>\d{1,6})/(?P<total>\d{1,6})\] (?P<rest>.*)", re.DOTALL
)
_CONTEXT = re.compile(
    r"\[(?:[^\]]* )?internal\] load build context|\[context (?P<name>[^\]]*)\] load from client"
)
_LAYER = re.compile(r"(?:extracting )?sha256:([0-9a-f]{12})[0-9a-f]*")


class Description(TypedDict):
    """The fields of `StepAdded` and `StepStarted`."""

    number: int
    total: int
    instruction: str
    step_id: str
    stage: str
    inputs: tuple[str, ...]


@dataclass
class Step:
    """A step.

    Attributes:
        id: its name among the events of the build.
        number, total, instruction, stage, inputs: as in `StepStarted`.
        context: the name of the context that it loads; empty when it does not.
        is_cached: whether its result came from the cache.
        error: why it failed.
        started_at, ended_at: when its last run began and ended, in seconds since 1970.
        is_shown_running: whether events said that it runs.
        lines: puts its output together, by the number of the stream.
        parts: what was told of its parts: how far each is, and whether it was done.
    """

    id: str
    number: int = 0
    total: int = 0
    instruction: str = ""
    stage: str = ""
    inputs: tuple[str, ...] = ()
    context: str = ""
    is_cached: bool = False
    error: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    is_shown_running: bool = False
    lines: dict[int, DecodedLines] = field(default_factory=dict)
    parts: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _began: dict[str, int] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)

    @classmethod
    def named(cls, id_: str, name: str) -> Step:
        """Return a step by the name that the daemon has for it."""
        name = name[:MAX_NAME_CHARS]
        found = _NAME.fullmatch(name)
        if found is not None:
            number, total = int(found["number"]), int(found["total"])
            # Numbers are padded where there are more than nine.
            return cls(id_, number, total, found["rest"], found["group"].rstrip(" "))
        context = _CONTEXT.fullmatch(name)
        loads = "" if context is None else context["name"] or "context"
        return cls(id_, instruction=name, context=loads)

    def described(self) -> Description:
        """Return the fields by which events tell of the step."""
        return Description(
            number=self.number,
            total=self.total,
            instruction=self.instruction,
            step_id=self.id,
            stage=self.stage,
            inputs=self.inputs,
        )

    @property
    def place(self) -> str:
        """Where the step stands and what it is, as in `step 2/3 of build: RUN make`."""
        if not self.number:
            return self.instruction
        stage = f" of {self.stage}" if self.stage else ""
        return f"step {self.number}/{self.total}{stage}: {self.instruction}"

    def begin(self, digest: str, time: int) -> bool:
        """Note that one of its vertices begins; return whether that is new.

        Args:
            digest: the vertex.
            time: in nanoseconds since 1970.
        """
        if time <= self._began.get(digest, -1):
            return False
        if not self._running:
            if not self.is_shown_running:
                self.started_at = time / 1e9
            self.error = ""
        self._began[digest] = time
        self._running.add(digest)
        return True

    def end(self, digest: str, time: int) -> bool:
        """Note that one of its vertices ends; return whether the step ends with it."""
        is_new = digest in self._running or time > self._ended.get(digest, -1)
        self._ended[digest] = time
        self._running.discard(digest)
        if is_new and not self._running:
            self.ended_at = time / 1e9
            return True
        return False

    def note_cached(self, vertex: Vertex) -> bool:
        """Note whether a vertex came from the cache; return whether that is new for the step."""
        if not vertex.cached or self.is_cached or vertex.progressGroup.weak:
            return False
        self.is_cached = True
        return True


class Steps:
    """The steps of a build, by the digests of the vertices that they stand for."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        """Begin without steps.

        Args:
            mask: takes secrets out of a name.
        """
        self._mask = mask
        self._by_id: dict[str, Step] = {}
        self._by_digest: dict[str, Step] = {}

    def get(self, digest: str) -> Step | None:
        """Return the step that a vertex belongs to."""
        return self._by_digest.get(digest)

    def __iter__(self) -> Iterator[Step]:
        return iter(list(self._by_id.values()))

    def add(self, vertexes: Iterable[Vertex]) -> list[tuple[Step, Vertex]]:
        """Note the vertices that are new; return the steps that are, each behind its inputs."""
        new: dict[str, Vertex] = {}
        for vertex in vertexes:
            if vertex.digest not in self._by_digest and len(self._by_digest) + len(new) < MAX_STEPS:
                new.setdefault(vertex.digest, vertex)
        added = []
        for vertex in _in_order(new):
            group = vertex.progressGroup
            id_ = group.id or vertex.digest
            step = self._by_id.get(id_)
            if step is None:
                name = self._mask(group.name or vertex.name)
                step = self._by_id[id_] = Step.named(id_, name)
                added.append((step, vertex))
            self._by_digest[vertex.digest] = step
        for vertex in new.values():
            self._add_inputs(self._by_digest[vertex.digest], vertex)
        return added

    def _add_inputs(self, step: Step, vertex: Vertex) -> None:
        """Note the steps that a vertex needs; one that was not told stands under its digest."""
        needed = list(step.inputs)
        for digest in vertex.inputs[:MAX_INPUTS]:
            known = self._by_digest.get(digest)
            needed.append(digest if known is None else known.id)
        step.inputs = tuple(dict.fromkeys(each for each in needed if each != step.id))[:MAX_INPUTS]


def layer_of(status: str) -> str | None:
    """Return the short digest of the layer that a status is about."""
    found = _LAYER.fullmatch(status)
    return None if found is None else found[1]


def _in_order(vertexes: dict[str, Vertex]) -> Iterator[Vertex]:
    """Yield vertices, each behind those that it needs. Some daemons tell the last one first."""
    begun: set[str] = set()
    told: set[str] = set()
    for first in vertexes.values():
        waiting = [first]
        while waiting:
            vertex = waiting[-1]
            needed = [vertexes[each] for each in vertex.inputs if each in vertexes]
            open_needed = [each for each in needed if each.digest not in begun]
            begun.add(vertex.digest)
            if open_needed:
                waiting += reversed(open_needed)
                continue
            waiting.pop()
            if vertex.digest not in told:
                told.add(vertex.digest)
                yield vertex
