"""What happens during a build, as a stream of typed events.

Builders, uploads and pushes `emit` events; whoever wants to know listens: the
command line's progress display, a caller's own function. While nobody listens, they go to the
log `imagebuilders`. Listeners are bound to the current `contextvars` context, so concurrent
builds in other threads or tasks do not mix.

The steps of a build are a graph, as BuildKit's are: each has an id, the ids of the steps whose
results it needs, a start and an end, and several may run at a time. What a step prints and
transfers carries its id. A builder that runs one step after another, as the classic build does,
emits the same events; one that knows no ids leaves them out, and its steps run one at a time.

Two events of a class are equal when their positional fields are. Fields that are given by keyword
(ids, times and the like) are details, which are not compared.

All events stand in this one module, longer than others, so that what can be told is seen at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, field
from typing import Literal, TypeAlias

from imagebuilders.lazy_dataclass import dataclass

Stream: TypeAlias = Literal["stdout", "stderr"]

CacheMissKind: TypeAlias = Literal[
    "file",
    "argument",
    "variable",
    "setting",
    "option",
    "base",
    "instruction",
    "order",
    "earlier-step",
    "no-cache",
    "not-built-before",
    "no-record",
    "unknown",
]
"""Why a step was not taken from the cache: a file that it copies; a build argument; an environment
variable; what a `USER`, `WORKDIR` or `SHELL` before it sets; an option of the build; its base
image; the instruction itself is new; the instructions before it are others; an earlier step was
not cached; the cache was not to be used; it was never built to its end; nothing is known of an
earlier build; or the reason is not known."""


@dataclass(frozen=True)
class BuildStarted:
    """A build begins: of which image (empty for one without a name), by which engine."""

    image_name: str
    engine: str


@dataclass(frozen=True)
class ContextProgress:
    """So many bytes of the build context were sent so far. `total` is 0 when unknown.

    `name` tells transfers apart: some builders fetch the Dockerfile, or further contexts, by
    transfers of their own.
    """

    bytes_sent: int
    done: bool = False
    _: KW_ONLY
    name: str = field(default="context", compare=False)
    total: int = field(default=0, compare=False)
    step_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class StepAdded:
    """A step is part of the build and has not started yet.

    Only builders that know steps in advance emit it. The fields are those of `StepStarted`.
    """

    number: int
    total: int
    instruction: str
    _: KW_ONLY
    step_id: str = field(default="", compare=False)
    stage: str = field(default="", compare=False)
    inputs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class StepStarted:
    """A step begins. It may do so again after it finished, as when a base image is pulled late.

    Attributes:
        number: counts from 1, in the Dockerfile or, with some builders, in the stage; 0 for a
            step that the builder adds of its own accord, such as reading the Dockerfile.
        total: of how many; 0 when unknown.
        instruction: the Dockerfile's instruction, or what else the step is called.
        step_id: the step's name among the events of its build.
        stage: the name of the stage; `stage-N` for one without a name, counted from 0.
        inputs: the ids of the steps whose results this one needs.
        started_at: when, in seconds since 1970.
    """

    number: int
    total: int
    instruction: str
    _: KW_ONLY
    step_id: str = field(default="", compare=False)
    stage: str = field(default="", compare=False)
    inputs: tuple[str, ...] = field(default=(), compare=False)
    started_at: float | None = field(default=None, compare=False)

    @property
    def is_counted(self) -> bool:
        """Whether it counts among a build's steps: it is the Dockerfile's, and no FROM."""
        return bool(self.number) and self.instruction[:5].upper() != "FROM "


@dataclass(frozen=True)
class StepCached:
    """The step's result came from the build cache."""

    number: int
    _: KW_ONLY
    step_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class StepOutput:
    """A line that the step printed. With `number` 0 and no id: a line of the engine itself."""

    number: int
    line: str
    _: KW_ONLY
    step_id: str = field(default="", compare=False)
    stream: Stream = field(default="stdout", compare=False)


@dataclass(frozen=True)
class StepProgress:
    """A part of a step, such as a download. `total` is 0 when unknown.

    `name` says what the part is, and is the same in all events of that part of the step.
    """

    number: int
    name: str
    current: int = 0
    total: int = 0
    done: bool = False
    _: KW_ONLY
    step_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class StepFinished:
    """The step is done, or has failed.

    Attributes:
        number: that of its `StepStarted`.
        cached: whether the result came from the build cache.
        error: why it failed; empty when it did not.
        step_id: the step's name among the events of its build.
        started_at, ended_at: when, in seconds since 1970.
    """

    number: int
    cached: bool = False
    error: str = ""
    _: KW_ONLY
    step_id: str = field(default="", compare=False)
    started_at: float | None = field(default=None, compare=False)
    ended_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImageBuilt:
    """The image is built and tagged. `image_name` is empty for one without a name."""

    image_name: str
    image_id: str


@dataclass(frozen=True)
class BuildFinished:
    """A build is done, its push included.

    Attributes:
        image_name: the image's name.
        seconds: how long it took.
        steps: how many steps of the Dockerfile there were, FROM left out.
        cached_steps: how many of them came from the build cache.
        size: the image's size in bytes, as the engine tells it; `None` when it is not known, as of
            a build that keeps no image.
        digest: the digest that the image was pushed with, else its ID; empty when there is none.
    """

    image_name: str
    _: KW_ONLY
    seconds: float = field(default=0.0, compare=False)
    steps: int = field(default=0, compare=False)
    cached_steps: int = field(default=0, compare=False)
    size: int | None = field(default=None, compare=False)
    digest: str = field(default="", compare=False)


@dataclass(frozen=True)
class LayerProgress:
    """A layer on its way to or from a registry. `total` is 0 when unknown; sizes in bytes.

    `step_id` is the step that pulls the layer; empty during a push.
    """

    layer: str
    status: str
    current: int = 0
    total: int = 0
    _: KW_ONLY
    step_id: str = field(default="", compare=False)


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
    """A remark a person should see: a warning, a fallback that was taken.

    Attributes:
        message: the remark.
        rule: the name of the check that makes it, as in `StageNameCasing`.
        line: the Dockerfile's line that it is about, from 1; 0 for none.
        url: where more is told about it.
        step_id: the step that it is about.
    """

    message: str
    _: KW_ONLY
    rule: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    url: str = field(default="", compare=False)
    step_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class CacheMissed:
    """Why a step was not taken from the build cache: one reason. A step may have several.

    It is told at the end of a build with `explain_cache`.

    Attributes:
        number: that of the step's `StepStarted`.
        instruction: the instruction as the Dockerfile has it, variables not replaced.
        kind: what kind of reason it is.
        message: the reason, in one sentence.
        subjects: what it is about: the paths of files, the name of an argument or option, the
            digests of base images.
        line: the Dockerfile's line, from 1.
        stage: as in `StepStarted`.
        step_id: the step's name among the events of its build.
    """

    number: int
    instruction: str
    kind: CacheMissKind
    message: str
    _: KW_ONLY
    subjects: tuple[str, ...] = field(default=(), compare=False)
    line: int = field(default=0, compare=False)
    stage: str = field(default="", compare=False)
    step_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class BuildSkipped:
    """Nothing was built: the registry has the image of the same context, options and bases.

    Attributes:
        image_name: the image's name.
        reference: what the registry has: `repo@sha256:…`.
    """

    image_name: str
    reference: str


@dataclass(frozen=True)
class OneOfMany:
    """An event of one of several builds that run side by side.

    Attributes:
        build: which build: what its task is called.
        event: what happened there.
    """

    build: str
    event: Event


Event: TypeAlias = (
    BuildStarted
    | ContextProgress
    | StepAdded
    | StepStarted
    | StepCached
    | StepOutput
    | StepProgress
    | StepFinished
    | ImageBuilt
    | BuildFinished
    | LayerProgress
    | ImagePushed
    | UploadProgress
    | Notice
    | CacheMissed
    | BuildSkipped
    | OneOfMany
)
Listener: TypeAlias = Callable[[Event], None]

_logger = logging.getLogger("imagebuilders")
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("imagebuilders_listeners", default=())


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Call `listener` with every event emitted inside the `with` block.

    Blocks nest: inner and outer listeners both hear each event, outer first. A listener is
    called in the thread that called `build`. An exception that it raises ends the build that
    emitted the event, and is raised there.
    """
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


@contextmanager
def listen_alone(listener: Listener) -> Iterator[None]:
    """Call `listener` with every event of the `with` block, and none of those around it."""
    token = _listeners.set((listener,))
    try:
        yield
    finally:
        _listeners.reset(token)


def has_listeners() -> bool:
    """Whether anybody listens in the current context, so that nothing goes to the log."""
    return bool(_listeners.get())


def emit(event: Event) -> None:
    """Tell every listener of the current context; write to the log when there is none."""
    for listener in _listeners.get() or (log_event,):
        listener(event)


def log_event(event: Event) -> None:
    """Write an event to the log `imagebuilders`, at INFO; notices are warnings.

    Progress in bytes is left out: in a log it says nothing.
    """
    match event:
        case BuildStarted():
            _logger.info("Building %s with %s.", event.image_name or "an image", event.engine)
        case StepStarted():
            _logger.info("%s: %s", _step(event.number, event.total), event.instruction)
        case StepCached():
            _logger.info("%s: taken from the cache", _step(event.number))
        case StepOutput():
            _logger.info("%s", event.line)
        case ImageBuilt():
            _logger.info("Built %s (%s).", event.image_name or "an image", event.image_id)
        case BuildFinished():
            _logger.info(
                "Done in %.1f s; %d of %d steps came from the cache.",
                event.seconds,
                event.cached_steps,
                event.steps,
            )
        case ImagePushed():
            _logger.info("Pushed %s.", event.reference)
        case Notice():
            _logger.warning("%s", event.message)
        case CacheMissed():
            _logger.info("%s was not cached: %s", _step(event.number), event.message)
        case BuildSkipped():
            _logger.info("Skipped %s: %s is unchanged.", event.image_name, event.reference)
        case OneOfMany():
            log_event(event.event)
        case _:
            pass


def _step(number: int, total: int = 0) -> str:
    of_how_many = f"/{total}" if total else ""
    return f"Step {number}{of_how_many}" if number else "Step"
