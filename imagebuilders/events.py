"""What happens during a build, as a stream of typed events.

Builders, uploads and pushes `emit` events; whoever wants to know listens: the
command line's progress display, the log, a caller's own function. Listeners
are bound to the current `contextvars` context, so concurrent builds in other
threads or tasks do not mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class BuildStarted:
    """A build begins: of which image, by which engine."""

    image_name: str
    engine: str


@dataclass(frozen=True)
class ContextProgress:
    """So many bytes of the build context were sent so far."""

    bytes_sent: int
    done: bool = False


@dataclass(frozen=True)
class StepStarted:
    """A Dockerfile step begins. `number` counts from 1; `total` is 0 when unknown."""

    number: int
    total: int
    instruction: str


@dataclass(frozen=True)
class StepCached:
    """The step's result came from the build cache."""

    number: int


@dataclass(frozen=True)
class StepOutput:
    """A line that the step printed, or, with `number` 0, the engine itself."""

    number: int
    line: str


@dataclass(frozen=True)
class ImageBuilt:
    """The image is built and tagged."""

    image_name: str
    image_id: str


@dataclass(frozen=True)
class LayerProgress:
    """A layer on its way to or from a registry. `total` is 0 when unknown; sizes in bytes."""

    layer: str
    status: str
    current: int = 0
    total: int = 0


@dataclass(frozen=True)
class ImagePushed:
    """The image is in the registry, under this `repo@sha256:…` reference."""

    reference: str


@dataclass(frozen=True)
class UploadProgress:
    """So many bytes of a build context's archive were written to `path` so far."""

    path: str
    bytes_sent: int
    total: int = 0
    done: bool = False


@dataclass(frozen=True)
class Notice:
    """A remark a person should see: a warning, a fallback that was taken."""

    message: str


Event: TypeAlias = (
    BuildStarted
    | ContextProgress
    | StepStarted
    | StepCached
    | StepOutput
    | ImageBuilt
    | LayerProgress
    | ImagePushed
    | UploadProgress
    | Notice
)
Listener: TypeAlias = Callable[[Event], None]

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("imagebuilders_listeners", default=())


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Call `listener` with every event emitted inside the `with` block.

    Blocks nest: inner and outer listeners both hear each event, outer first.
    An exception raised by a listener ends the build that emitted the event.
    """
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def emit(event: Event) -> None:
    """Tell every listener of the current context."""
    for listener in _listeners.get():
        listener(event)


def is_heard() -> bool:
    """Whether anybody listens; without a listener, builders write to the log instead."""
    return bool(_listeners.get())
